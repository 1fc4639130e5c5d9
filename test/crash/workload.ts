// Workloads: what a program does with a database, as a list of steps that a seed or a line gives.
//
// Steps that write do not wait: calls pile up and share groups, as those of concurrent writers do.
//   put | delete | batch   issue the call; `now` where it is to be done when the call returns
//   flush                  write(null): freeze the memtable, schedule its flush
//   compact                compactRange(), of all or of a range
//   turns                  let that many turns of the simulated disk pass
//   settle                 wait for every call issued so far, then check what is read
//   reopen                 settle, close, open
//   resume                 settle, resume()
//   view                   settle, open a snapshot or an iterator, which is looked at ever after
//   leave                  close the oldest of these
//   start                  what is before it only fills the database: no crash, no fault
//
// Levels are small, so that some hundred calls fill several of them.

import type { LevelLimits } from '../../ts/version/level-rules.ts'
import type { ManifestLimits } from '../../ts/version/manifest.ts'
import type { EngineOptions } from './engine.ts'
import type { KeyWrite } from './history.ts'
import { mixSeed, Random } from './random.ts'

export type ViewSort = 'snapshot' | 'forward' | 'backward'
// Of iterators the version is kept as a whole; of snapshots only what they see.
const VIEW_SORTS: readonly ViewSort[] = ['snapshot', 'snapshot', 'forward', 'backward']

export type Step =
  | {
      readonly kind: 'call'
      readonly writes: readonly KeyWrite[]
      readonly sync: boolean
      readonly now?: boolean
    }
  | { readonly kind: 'flush'; readonly sync: boolean }
  | { readonly kind: 'compact'; readonly first?: number; readonly last?: number }
  | { readonly kind: 'turns'; readonly count: number }
  | { readonly kind: 'settle' }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'view'; readonly sort: ViewSort }
  | { readonly kind: 'leave' }
  | { readonly kind: 'start' }
  /** Does nothing: the steps behind it are those of this action of a small workload. */
  | { readonly kind: 'action'; readonly position: number }

export interface Workload {
  readonly seed: number
  readonly keyCount: number
  readonly options: EngineOptions
  /** Of the simulated disk: the larger, the more calls share a group. */
  readonly latency: number
  readonly steps: readonly Step[]
}

const MIN_VALUE_BYTES = 8

/**
 * A workload of `length` steps, some with as many or twice as many before their start; the
 * seed also chooses how it behaves as a whole.
 */
export function randomWorkload(seed: number, length: number): Workload {
  const random = new Random(seed)
  const style: Style = {
    keyCount: random.pick([8, 16, 24, 32]),
    syncPercent: random.pick([5, 20, 50, 90]),
    turnsPercent: random.pick([10, 25, 50]),
    flushPercent: random.pick([1, 6, 15]),
    compactPercent: random.pick([0, 1, 4]),
    viewPercent: random.pick([0, 3, 12]),
    largePercent: random.pick([2, 10, 30, 80]),
    writeBufferSize: random.pick([1024, 1024, 2048, 4096, 8192, 65_536]),
  }
  const options: EngineOptions = {
    writeBufferSize: style.writeBufferSize,
    // A table ends at a block: with large ones no compaction would have several outputs.
    blockSize: random.pick([64, 256, 256, 4096]),
    compression: random.percent(10) ? 'snappy' : 'none',
    cacheSize: random.pick([0, 2000, 100_000]),
    // One table open at a time: what is read again has to be there still.
    maxOpenFiles: random.percent(15) ? random.pick([1, 2]) : 1000,
    ...(random.percent(10) ? {} : { levelLimits: smallLevels(random) }),
    // Of its own, so that the steps of a seed stay what they were.
    ...someManifestLimits(new Random(mixSeed(seed, length))),
  }
  const filling = Array.from({ length: length * random.pick([0, 0, 0, 0, 1, 2]) }, () =>
    fillingStep(style, random),
  )
  const steps = someNow(
    Array.from({ length }, () => randomStep(style, random)),
    new Random(mixSeed(seed, NOW_SALT)),
  )
  return {
    seed,
    keyCount: style.keyCount,
    options,
    latency: random.pick([1, 4, 12]),
    steps: [...startingWith(filling), ...steps, { kind: 'settle' }],
  }
}

/** Chosen by a random of its own, so that a seed gives the steps that it always gave. */
const NOW_SALT = 0x6e6f77

function someNow(steps: readonly Step[], random: Random): Step[] {
  const percent = random.pick([0, 0, 10, 40])
  return steps.map((step) =>
    step.kind === 'call' && random.percent(percent) ? { ...step, now: true } : step,
  )
}

function startingWith(filling: readonly Step[]): Step[] {
  return filling.length === 0 ? [] : [...filling, { kind: 'settle' }, { kind: 'start' }]
}

function fillingStep(style: Style, random: Random): Step {
  if (random.percent(20)) return { kind: 'flush', sync: false }
  if (random.percent(20)) return { kind: 'turns', count: 100 }
  const writes = Array.from({ length: random.between(1, 4) }, () => randomWrite(style, random))
  return { kind: 'call', writes, sync: false }
}

function smallLevels(random: Random): LevelLimits {
  return {
    level0Files: random.pick([2, 2, 3, 4]),
    level1Bytes: random.pick([300, 1000, 4000]),
    growth: random.pick([2, 3]),
    maxFileSizeBytes: random.pick([200, 600, 2000]),
  }
}

/** With which every edit begins a new manifest, unless one is on its way. */
export const RENEWED_AT_ONCE: ManifestLimits = { sizeBytes: 0, growth: 1 }

function someManifestLimits(random: Random): Pick<EngineOptions, 'manifestLimits'> {
  if (random.percent(40)) return {}
  if (random.percent(30)) return { manifestLimits: RENEWED_AT_ONCE }
  const sizeBytes = random.pick([0, 500, 2000])
  return { manifestLimits: { sizeBytes, growth: random.pick([1.5, 2, 4]) } }
}

interface Style {
  readonly keyCount: number
  readonly syncPercent: number
  readonly turnsPercent: number
  readonly flushPercent: number
  readonly compactPercent: number
  readonly viewPercent: number
  readonly largePercent: number
  readonly writeBufferSize: number
}

function randomStep(style: Style, random: Random): Step {
  if (random.percent(style.turnsPercent)) return { kind: 'turns', count: random.between(1, 60) }
  const sync = random.percent(style.syncPercent)
  if (random.percent(style.flushPercent)) return { kind: 'flush', sync: sync && random.percent(50) }
  if (random.percent(style.compactPercent)) return randomCompaction(style, random)
  if (random.percent(style.viewPercent)) {
    if (random.percent(30)) return { kind: 'leave' }
    return { kind: 'view', sort: random.pick(VIEW_SORTS) }
  }
  if (random.percent(6)) return { kind: 'settle' }
  if (random.percent(3)) return { kind: 'reopen' }
  if (random.percent(1)) return { kind: 'resume' }
  const count = random.percent(20) ? random.between(2, 6) : 1
  const writes = Array.from({ length: count }, () => randomWrite(style, random))
  return { kind: 'call', writes, sync }
}

function randomCompaction({ keyCount }: Style, random: Random): Step {
  if (random.percent(50)) return { kind: 'compact' }
  return { kind: 'compact', first: random.below(keyCount), last: random.below(keyCount) }
}

function randomWrite(style: Style, random: Random): KeyWrite {
  const key = random.below(style.keyCount)
  if (random.percent(15)) return { key, sizeBytes: undefined }
  let limit = 80
  if (random.percent(style.largePercent)) limit = 1500
  // Larger than a memtable, and now and then than a block of the log.
  if (random.percent(1)) limit = 1.5 * style.writeBufferSize
  if (random.percent(1) && random.percent(30)) limit = 40_000
  return { key, sizeBytes: random.between(MIN_VALUE_BYTES, limit) }
}

/** The steps that small workloads are made of, by the name that a line gives them. */
export const ACTIONS = [
  'put',
  'sync',
  'batch',
  'delete',
  'flush',
  'switch',
  'compact',
  'reopen',
  'resume',
] as const
export type Action = (typeof ACTIONS)[number]

const SMALL_KEY_COUNT = 6
/** Keys that single writes take in turn, so that none hides that an earlier one is lost. */
const TURN_KEYS = 4

// Small enough that two flushes begin a compaction, and that what it makes is more than level 1 holds.
const SMALL_LEVELS: LevelLimits = {
  level0Files: 2,
  level1Bytes: 300,
  growth: 2,
  maxFileSizeBytes: 60,
}

/**
 * The workload of a few named actions. Every call is settled before the next but after `switch`.
 * `manifestLimits`: the default unless told.
 */
export function smallWorkload(
  actions: readonly Action[],
  seed: number,
  manifestLimits?: ManifestLimits,
): Workload {
  return {
    seed,
    keyCount: SMALL_KEY_COUNT,
    options: {
      writeBufferSize: 4096,
      blockSize: 64,
      compression: 'none',
      levelLimits: SMALL_LEVELS,
      ...(manifestLimits === undefined ? {} : { manifestLimits }),
    },
    latency: 4,
    steps: actions.flatMap((action, position): Step[] => [
      { kind: 'action', position },
      ...stepsOf(action, position),
    ]),
  }
}

function stepsOf(action: Action, position: number): Step[] {
  const put = (key: number): KeyWrite => ({ key, sizeBytes: 20 + 7 * position })
  const settle: Step = { kind: 'settle' }
  const own = position % TURN_KEYS
  switch (action) {
    case 'put':
      return [{ kind: 'call', writes: [put(own)], sync: false }, settle]
    case 'sync':
      return [{ kind: 'call', writes: [put(own)], sync: true }, settle]
    case 'batch': {
      const previous = (own + TURN_KEYS - 1) % TURN_KEYS
      const writes = [put(own), put(TURN_KEYS), { key: previous, sizeBytes: undefined }, put(5)]
      return [{ kind: 'call', writes, sync: false }, settle]
    }
    case 'delete': {
      const previous = (own + TURN_KEYS - 1) % TURN_KEYS
      const writes = [{ key: previous, sizeBytes: undefined }]
      return [{ kind: 'call', writes, sync: false }, settle]
    }
    case 'flush':
      return [{ kind: 'flush', sync: false }, settle, { kind: 'turns', count: 400 }]
    case 'switch':
      return [{ kind: 'flush', sync: false }]
    case 'compact':
      return [{ kind: 'compact' }, settle, { kind: 'turns', count: 400 }]
    case 'reopen':
      return [{ kind: 'reopen' }]
    case 'resume':
      return [{ kind: 'resume' }]
  }
}

/** Reads `put,sync,flush`. Throws on a name that is none. */
export function parseActions(line: string): Action[] {
  return line.split(',').map((name) => {
    const action = ACTIONS.find((known) => known === name)
    if (action === undefined) throw new Error(`no such action: ${name}; one of ${ACTIONS.join()}`)
    return action
  })
}

/** Every sequence of exactly `length` of the names. */
export function* sequences<Name extends string>(
  length: number,
  names: readonly Name[],
): Generator<Name[]> {
  if (length === 0) {
    yield []
    return
  }
  for (const shorter of sequences(length - 1, names)) {
    for (const name of names) yield [...shorter, name]
  }
}
