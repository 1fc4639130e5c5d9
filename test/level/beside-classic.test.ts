// Random calls of SluiceLevel and ClassicLevel side by side: the same answers, call by call.
//
// What is left out is where C++ LevelDB ends the process by an assertion (a seek to a place outside the
// range of its iterator, or of one in reverse), and entries of neither key nor value, of which
// classic-level hands out none.

import { join } from 'node:path'
import type { AbstractLevel, AbstractSnapshot } from 'abstract-level'
import test from 'ava'
import { ClassicLevel } from 'classic-level'
import { SluiceLevel } from '../../ts/index.ts'
import { mixSeed, Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

type IteratorKind = 'iterator' | 'keys' | 'values'

interface Reader {
  readonly count: number
  readonly limit: number
  seek(target: string): void
  next(): Promise<unknown>
  nextv(size: number): Promise<unknown[]>
  all(): Promise<unknown[]>
}

/** What both have, by one type: their own differ in the overloads of every method. */
type Level = Omit<AbstractLevel<string | Buffer | Uint8Array>, IteratorKind | 'getSync'> &
  Record<IteratorKind, (options: object) => Reader> & {
    getSync(key: string): unknown
    compactRange(start: string, end: string): Promise<void>
    snapshot(): AbstractSnapshot
  }

/** A call, and what it is in words. */
interface Call {
  readonly words: string
  readonly run: (level: Level) => Promise<unknown>
}

const DATABASES = 4
const CALLS = 150
// Neighbours in their bytes, prefixes of each other, separators of sublevels, several bytes a character.
const KEYS = [
  'a',
  'aa',
  'ab',
  'b',
  'ba',
  'c',
  'z',
  'zz',
  '!',
  '~',
  'a!',
  '\u0000',
  'é',
  '\u{1f600}',
  'ÿ',
]
const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const

function rangeOf(random: Random): Record<string, unknown> {
  const range: Record<string, unknown> = {}
  for (const name of BOUNDS) if (random.percent(25)) range[name] = random.pick(KEYS)
  if (random.percent(50)) range['reverse'] = random.percent(50)
  if (random.percent(30)) range['limit'] = random.pick([-1, 0, 1, 2, 5, 100])
  return range
}

function valueOf(random: Random): string {
  return random.pick(['', '1', 'value', '\u{1f600}', 'x'.repeat(random.below(300))])
}

function writeCall(random: Random): Call {
  const key = random.pick(KEYS)
  const value = valueOf(random)
  if (random.percent(50)) return { words: `put ${key}`, run: (level) => level.put(key, value) }
  if (random.percent(20)) return { words: `del ${key}`, run: (level) => level.del(key) }
  if (random.percent(25)) {
    const range = rangeOf(random)
    return { words: `clear ${JSON.stringify(range)}`, run: (level) => level.clear(range) }
  }
  const operations = Array.from({ length: random.below(8) }, () =>
    random.percent(70)
      ? ({ type: 'put', key: random.pick(KEYS), value: valueOf(random) } as const)
      : ({ type: 'del', key: random.pick(KEYS) } as const),
  )
  return { words: JSON.stringify(operations), run: (level) => level.batch(operations) }
}

function getCall(random: Random): Call {
  const keys = Array.from({ length: random.between(1, 6) }, () => random.pick(KEYS))
  const [key] = keys
  return {
    words: `get ${keys.join()}`,
    run: async (level) => [
      await level.get(key!),
      level.getSync(key!),
      await level.has(key!),
      await level.getMany(keys),
      await level.hasMany(keys),
    ],
  }
}

function iteratorCall(random: Random): Call {
  const kind = random.pick(['iterator', 'keys', 'values'] as const)
  const options = rangeOf(random)
  const canSeek = options['reverse'] !== true && !BOUNDS.some((name) => name in options)
  if (kind === 'iterator' && random.percent(30)) options[random.pick(['keys', 'values'])] = false
  if (random.percent(30)) options['highWaterMarkBytes'] = random.pick([0, 1, 20, 1000])
  const target = canSeek && random.percent(50) ? random.pick(KEYS) : undefined
  const sizes = Array.from({ length: random.below(5) }, () => random.below(4))
  return {
    words: `${kind} ${JSON.stringify({ ...options, target, sizes })}`,
    run: async (level) => {
      const iterator = level[kind](options)
      const found: unknown[] = []
      if (target !== undefined) iterator.seek(target)
      for (const size of sizes) {
        found.push(size === 0 ? await iterator.next() : await iterator.nextv(size))
      }
      return [...found, await iterator.all(), iterator.count, iterator.limit]
    },
  }
}

function snapshotCall(random: Random): Call {
  const [key, value, range] = [random.pick(KEYS), valueOf(random), rangeOf(random)]
  return {
    words: `snapshot, put ${key}, ${JSON.stringify(range)}`,
    run: async (level) => {
      const snapshot = level.snapshot()
      await level.put(key, value)
      const found = [
        await level.iterator({ ...range, snapshot }).all(),
        await level.get(key, { snapshot } as object),
      ]
      await snapshot.close()
      return found
    },
  }
}

function sublevelCall(random: Random): Call {
  const [name, key, value] = [random.pick(['s', 't']), random.pick(KEYS), valueOf(random)]
  const range = rangeOf(random)
  return {
    words: `sublevel ${name}, put ${key}, ${JSON.stringify(range)}`,
    run: async (level) => {
      const sublevel = level.sublevel(name)
      await sublevel.put(key, value)
      const inner = sublevel.sublevel('inner')
      await inner.put(key, value)
      const found = [
        await sublevel.iterator(range).all(),
        await sublevel.get(key),
        await inner.values(range).all(),
      ]
      await sublevel.clear({ ...range, limit: 1 })
      return [...found, await sublevel.keys({ reverse: true }).all()]
    },
  }
}

function callOf(random: Random): Call {
  if (random.percent(3)) {
    return { words: 'compact', run: (level) => level.compactRange('\u0000', '\uffff') }
  }
  const makers = [writeCall, writeCall, writeCall, getCall, iteratorCall, iteratorCall]
  return random.pick([...makers, snapshotCall, sublevelCall])(random)
}

for (let database = 0; database < DATABASES; database++) {
  test(`random calls have the answers that they have from classic-level, ${database}`, async (t) => {
    const random = new Random(mixSeed(SEED, database))
    const directory = scratchDirectory(t, FAST_ROOT)
    const ours = new SluiceLevel(join(directory, 'ours')) as unknown as Level
    const theirs = new ClassicLevel(join(directory, 'theirs')) as unknown as Level
    await Promise.all([ours.open(), theirs.open()])
    for (let i = 0; i < CALLS; i++) {
      const { words, run } = callOf(random)
      t.deepEqual(await run(ours), await run(theirs), seeded(`call ${i}: ${words}`))
    }
    await Promise.all([ours.close(), theirs.close()])
  })
}
