// The child that works until it is killed: `child.js DIRECTORY SEED KEY-COUNT STATE-FILE`.
//
//   epoch   writers make their calls, readers read beside them, now and then a compactRange runs
//   rest    no write is under way: what the database holds is known exactly, and is compared by
//           scans, gets and snapshots taken at earlier rests
//
// On descriptor 3 it says, a line each:
//   opened
//   acknowledged N     the first N calls are, in call order
//   gauges {...}       at the end of an epoch
// Any finding of its own ends it with an exit code and words on standard error.

import { readFileSync, writeSync } from 'node:fs'
import { mixSeed, Random } from '../../test/crash/random.ts'
import { REPORTS } from '../../test/kill/doomed-child.ts'
import { DB, type DBSnapshot } from '../../ts/index.ts'
import { getAll, getAllSync, scanAll } from './contents.ts'
import { descriptorCount, diskUse } from './gauges.ts'
import { keyOf, lifeOf, numberOfKey, writeOf } from './life.ts'
import type { Oracle } from './oracle.ts'
import { decodeOracle, type Gauges } from './reports.ts'
import { Writers } from './writers.ts'

const READERS = 4
const KEYS_PER_GET_MANY = 20
const MOST_SNAPSHOTS = 3
const RANGES = 20
const KEYS_PER_RANGE = 500

const [directory = '', seed, keyCount, stateFile = ''] = process.argv.slice(2)
const life = lifeOf(Number(seed), Number(keyCount))

// On the calling thread: a kill finds nothing that was said still on its way.
function say(line: string): void {
  writeSync(REPORTS, `${line}\n`)
}

/** A snapshot of a rest, and what it has to show for ever. */
interface Kept {
  readonly snapshot: DBSnapshot
  readonly oracle: Oracle
}

class Session {
  readonly #random = new Random(mixSeed(life.seed, 1))
  readonly #writers: Writers
  #kept: Kept[] = []
  #db: DB
  #isWriting = false

  constructor(db: DB, oracle: Oracle) {
    this.#db = db
    this.#writers = new Writers(life, oracle, () => this.#db, say)
  }

  async epoch(): Promise<void> {
    const random = this.#random
    this.#isWriting = true
    const compaction = random.percent(15) ? this.#compactSomething() : undefined
    const readers = Array.from({ length: READERS }, (_, i) => this.#readBeside(i))
    await this.#writers.run(life.callsPerEpoch)
    this.#isWriting = false
    await Promise.all(readers)
    // Compactions go on into some of the rests.
    if (random.percent(50)) await compaction
    await this.#rest()
    await compaction
    if (random.percent(10)) await this.#db.flushMemtable()
    if (random.percent(5)) await this.#reopen()
    this.#tell()
  }

  async #compactSomething(): Promise<void> {
    const random = this.#random
    if (random.percent(30)) return this.#db.compactRange()
    const [low, high] = this.#someRange(life.keyCount)
    await this.#db.compactRange(keyOf(low), keyOf(high))
  }

  async #readBeside(reader: number): Promise<void> {
    const random = new Random(mixSeed(life.seed, this.#writers.oracle.nextWrite, reader))
    while (this.#isWriting) {
      const key = random.below(life.keyCount)
      const how = random.pick(['get', 'get', 'get', 'getSync', 'getMany', 'scan'] as const)
      const keys = Array.from({ length: KEYS_PER_GET_MANY }, (_, i) => (key + i) % life.keyCount)
      const floors = keys.map((one) => this.#writers.floor(one))
      if (how === 'get') {
        this.#writers.check(key, floors[0]!, await this.#db.get(keyOf(key)), how)
      } else if (how === 'getSync') {
        this.#writers.check(key, floors[0]!, this.#db.getSync(keyOf(key)), how)
      } else if (how === 'getMany') {
        const values = await this.#db.getMany(keys.map(keyOf))
        keys.forEach((one, i) => this.#writers.check(one, floors[i]!, values[i], how))
      } else {
        await this.#scanBeside(key, floors)
      }
      // A read from memory settles without a turn of the event loop.
      await new Promise(setImmediate)
    }
  }

  async #scanBeside(key: number, floors: readonly number[]): Promise<void> {
    const end = Math.min(life.keyCount, key + KEYS_PER_GET_MANY)
    const iterator = this.#db.iterator({ gte: keyOf(key), lt: keyOf(end) })
    const values = new Map<number, Buffer>()
    try {
      for await (const [name, value] of iterator) values.set(numberOfKey(name), value)
    } finally {
      await iterator.close()
    }
    for (let one = key; one < end; one++) {
      this.#writers.check(one, floors[one - key]!, values.get(one), 'scan')
    }
  }

  /** No write is under way. */
  async #rest(): Promise<void> {
    const random = this.#random
    const { oracle } = this.#writers
    await this.#compareRanges(oracle)
    if (random.percent(30)) await this.#compare('now', oracle)
    if (random.percent(30) && this.#kept.length < MOST_SNAPSHOTS) {
      this.#kept.push({ snapshot: this.#db.snapshot(), oracle: oracle.copy() })
    }
    if (random.percent(40) && this.#kept.length > 0) {
      const { snapshot, oracle: then } = random.pick(this.#kept)
      await this.#compare('at a snapshot', then, snapshot)
    }
    if (random.percent(20)) this.#kept.shift()?.snapshot.close()
  }

  async #compare(when: string, oracle: Oracle, snapshot?: DBSnapshot): Promise<void> {
    const how = this.#random.pick(['scan', 'reverse scan', 'getSync', 'get'] as const)
    const db = this.#db
    const found =
      how === 'getSync'
        ? getAllSync(db, life.keyCount, snapshot)
        : how === 'get'
          ? await getAll(db, life.keyCount, snapshot)
          : await scanAll(db, life.keyCount, how === 'reverse scan', snapshot)
    const difference = oracle.difference(found)
    if (difference !== undefined) throw new Error(`${how} ${when}: ${difference}`)
  }

  #someRange(most: number): [number, number] {
    const low = this.#random.below(life.keyCount)
    return [low, Math.min(life.keyCount - 1, low + this.#random.below(most))]
  }

  /** Ranges in both directions, with every kind of bound and with limits. */
  async #compareRanges({ writes }: Oracle): Promise<void> {
    for (let i = 0; i < RANGES; i++) {
      const [low, high] = this.#someRange(KEYS_PER_RANGE)
      const [openLow, openHigh, reverse] = [0, 0, 0].map(() => this.#random.percent(50))
      const limit = this.#random.percent(50) ? this.#random.between(1, 50) : undefined
      const expected: number[] = []
      for (let key = low + (openLow ? 1 : 0); key <= high - (openHigh ? 1 : 0); key++) {
        if (writes[key] !== 0) expected.push(key)
      }
      if (reverse) expected.reverse()
      const iterator = this.#db.iterator({
        ...(openLow ? { gt: keyOf(low) } : { gte: keyOf(low) }),
        ...(openHigh ? { lt: keyOf(high) } : { lte: keyOf(high) }),
        ...(limit === undefined ? {} : { limit }),
        reverse: reverse === true,
      })
      const found = (await iterator.all()).map(([name, value]) => {
        const key = numberOfKey(name)
        const write = writeOf(key, value)
        if (write !== writes[key])
          throw new Error(`range: key ${key} has write ${write}, not ${writes[key]}`)
        return key
      })
      await iterator.close()
      if (found.join() !== expected.slice(0, limit).join()) {
        throw new Error(
          `range ${low} to ${high} (${openLow}, ${openHigh}, ${reverse}, ${limit}): ${found.join()}`,
        )
      }
    }
  }

  async #reopen(): Promise<void> {
    for (const { snapshot } of this.#kept) snapshot.close()
    this.#kept = []
    await this.#db.close()
    this.#db = await DB.open(directory, life.options)
  }

  #tell(): void {
    const { oracle } = this.#writers
    const { stalls } = this.#db.stats()
    const gauges: Gauges = {
      rssBytes: process.memoryUsage.rss(),
      descriptors: descriptorCount(),
      diskBytes: diskUse(directory).bytes,
      liveBytes: oracle.liveBytes,
      stallMs: Object.values(stalls).reduce((sum, { durationMs }) => sum + durationMs, 0),
    }
    say(`gauges ${JSON.stringify(gauges)}`)
  }
}

const oracle = decodeOracle(readFileSync(stateFile), life.keyCount)
const session = new Session(await DB.open(directory, life.options), oracle)
say('opened')
for (;;) await session.epoch()
