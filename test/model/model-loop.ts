// Runs lives of the model: random operations on a database and on a map, which must not differ.
//
//   life := an option set and a seed; the seed draws the keys, the operations and what each does
//
// fast-check draws the operations of a life and, after a failure, leaves out what the failure does
// not need. Threads run as they like, so a failure may take some lives of the same seed to return.

import { join } from 'node:path'
import * as fc from 'fast-check'
import { mixSeed, Random } from '../crash/random.ts'
import { OPERATION_KINDS, type OperationKind } from './operations.ts'
import { OPTION_SETS, type OptionSet } from './option-sets.ts'
import { Watchdog } from './watchdog.ts'
import { World } from './world.ts'

/** While one waits for its disk or its worker, another goes on. */
const LIVES_AT_ONCE = 3
/** An operation takes some milliseconds; who waits this long waits for ever. */
const HANG_MS = 90_000
const SHRINK_MS = 60_000

export interface ModelCounts {
  operations: number
  lives: number
  /** Operations by kind. */
  readonly kinds: Map<string, number>
  readonly sets: Set<string>
}

export function noModelCounts(): ModelCounts {
  return { operations: 0, lives: 0, kinds: new Map(), sets: new Set() }
}

export interface ModelPlan {
  readonly seed: number
  /** Lives go on until there are so many operations. */
  readonly operations: number
  /** All of them by turns where there is none. */
  readonly sets?: readonly OptionSet[]
  /** Where databases are made. */
  readonly root: string
  readonly onLife?: (counts: ModelCounts) => void
}

/** Adds to `counts`. Resolves with what has to be said of the first failure, or undefined. */
export async function runModel(plan: ModelPlan, counts: ModelCounts): Promise<string | undefined> {
  const sets = plan.sets ?? OPTION_SETS
  let next = 0
  let failure: string | undefined
  const liveOn = async (watchdog: Watchdog): Promise<void> => {
    while (counts.operations < plan.operations && failure === undefined) {
      const i = next++
      const set = sets[i % sets.length]!
      const found = await liveAndShrink(set, mixSeed(plan.seed, i), plan.root, counts, watchdog)
      failure ??= found
      plan.onLife?.(counts)
    }
  }
  const watchdog = new Watchdog(HANG_MS)
  try {
    await Promise.all(Array.from({ length: LIVES_AT_ONCE }, () => liveOn(watchdog)))
  } finally {
    await watchdog.close()
  }
  return failure
}

/** One life. Resolves with what has to be said of its failure, or undefined. */
export async function liveAndShrink(
  set: OptionSet,
  seed: number,
  root: string,
  counts: ModelCounts,
  watchdog?: Watchdog,
): Promise<string | undefined> {
  let isFirst = true
  let firstFailure = ''
  const property = fc.asyncProperty(someOperations(set.longestLife), async (operations) => {
    const life = new Life(set, seed, root, isFirst ? counts : noModelCounts(), watchdog)
    isFirst = false
    try {
      await life.run(operations)
    } catch (error) {
      if (firstFailure === '') firstFailure = messageOf(error)
      throw error
    }
  })
  const outcome = await fc.check(property, {
    seed: seed | 0,
    numRuns: 1,
    interruptAfterTimeLimit: HANG_MS + SHRINK_MS,
  })
  if (!outcome.failed && firstFailure === '') return undefined
  const [smallest] = outcome.counterexample ?? []
  return [
    firstFailure,
    `repeat: ${repetition(set, seed)}`,
    `as few operations as were found to fail: ${smallest === undefined ? 'all' : fc.stringify(smallest)}`,
    messageOf(outcome.errorInstance),
  ].join('\n')
}

function repetition({ name }: OptionSet, seed: number): string {
  return `npm run model -- --set ${JSON.stringify(name)} --life ${seed}`
}

class Life {
  readonly #world: World
  readonly #counts: ModelCounts
  readonly #seed: number
  readonly #watchdog: Watchdog | undefined
  #done = 0

  constructor(
    set: OptionSet,
    seed: number,
    root: string,
    counts: ModelCounts,
    watchdog: Watchdog | undefined,
  ) {
    this.#seed = seed
    this.#watchdog = watchdog
    this.#counts = counts
    counts.lives++
    counts.sets.add(set.name)
    const name = `model-${process.pid}-${seed}`
    this.#world = new World(set, join(root, name), new Random(seed))
  }

  /** Opens, does all operations, opens again and looks at everything. */
  async run(operations: Iterable<fc.AsyncCommand<object, Life>>): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    let hangs = false
    const hang = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        hangs = true
        reject(new Error(`no end of operation ${this.#done}`))
      }, HANG_MS)
    })
    try {
      await Promise.race([this.#run(operations), hang])
    } finally {
      clearTimeout(timer)
      // What hangs may well hang its close.
      const gone = this.#world.destroy()
      if (!hangs) await gone
    }
  }

  async #run(operations: Iterable<fc.AsyncCommand<object, Life>>): Promise<void> {
    await this.#world.open()
    await fc.asyncModelRun(() => ({ model: {}, real: this }), operations)
    await this.perform('the end', async (world) => {
      await world.settle()
      for (const name of ['get every key', 'reopen', 'get every key']) {
        await OPERATION_KINDS.find((kind) => kind.name === name)!.run(world, new Random(0))
      }
    })
  }

  async perform(name: string, action: (world: World) => Promise<void> | void): Promise<void> {
    this.#counts.operations++
    this.#counts.kinds.set(name, (this.#counts.kinds.get(name) ?? 0) + 1)
    this.#done++
    this.#world.note = ''
    this.#watchdog?.at(
      `${name}, operation ${this.#done} of ${repetition(this.#world.set, this.#seed)}`,
    )
    try {
      const ended = action(this.#world)
      if (ended !== undefined) await ended
      this.#world.check()
    } catch (error) {
      const place = `operation ${this.#done} (${name} ${this.#world.note})`
      throw new Error(`${place} with '${this.#world.set.name}': ${messageOf(error)}`, {
        cause: error,
      })
    }
  }
}

class Operation implements fc.AsyncCommand<object, Life> {
  readonly #kind: OperationKind
  readonly #seed: number

  constructor(kind: OperationKind, seed: number) {
    this.#kind = kind
    this.#seed = seed
  }

  check(): boolean {
    return true
  }

  run(_model: object, life: Life): Promise<void> {
    return life.perform(this.#kind.name, (world) => this.#kind.run(world, new Random(this.#seed)))
  }

  toString(): string {
    return `${this.#kind.name}#${this.#seed}`
  }
}

function someOperations(
  mostOperations: number,
): fc.Arbitrary<Iterable<fc.AsyncCommand<object, Life>>> {
  // The seeds are drawn without a bias to small ones, and a smaller seed is no simpler operation.
  const seeds = fc.noShrink(fc.noBias(fc.integer({ min: 0, max: 2 ** 31 - 1 })))
  const kinds = OPERATION_KINDS.map((kind) => ({
    weight: kind.weight,
    arbitrary: seeds.map((seed) => new Operation(kind, seed)),
  }))
  return fc.commands<object, Life, false>([fc.oneof(...kinds)], {
    maxCommands: mostOperations,
    size: 'max',
    disableReplayLog: true,
  })
}

export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  const place = cause instanceof Error && 'code' in cause ? ` [${String(cause.code)}]` : ''
  return `${error.message}${place}`
}
