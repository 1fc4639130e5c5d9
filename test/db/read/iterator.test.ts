// Iterators over sources made by hand: order, bounds, directions, seeks, damage, failing reads.

import test, { type ExecutionContext } from 'ava'
import { SluiceError } from '../../../ts/format/error.ts'
import type { DBIterator, Entry } from '../../../ts/db/iterator.ts'
import type { DBIteratorOptions } from '../../../ts/db/iterator-options.ts'
import { maskCrc } from '../../../ts/format/crc-mask.ts'
import { crc32c } from '../../../ts/platform/js-crc32c.ts'
import { BLOCK_TRAILER_SIZE, TYPE_ZSTD } from '../../../ts/table/format.ts'
import { Random } from '../../crash/random.ts'
import { SEED, seeded } from '../../format/seed.ts'
import { entry } from '../../table/entries.ts'
import { type BlockPlace, type Shape, Sources, randomShape } from './sources.ts'

const b = (text: string): Buffer => Buffer.from(text, 'latin1')
const ENTRY_COUNT = 300

type Pair = [key: string, value: string]

function pairOf([key, value]: Entry): Pair {
  return [key.toString('latin1'), value.toString('latin1')]
}

function randomKey(random: Random): Buffer {
  return b(`k${String(random.below(42)).padStart(2, '0')}${'x'.repeat(random.below(3))}`)
}

function randomOptions(random: Random): DBIteratorOptions {
  const options: Record<string, unknown> = {}
  if (random.percent(50)) options[random.pick(['gt', 'gte'])] = randomKey(random)
  if (random.percent(50)) options[random.pick(['lt', 'lte'])] = randomKey(random)
  if (random.percent(50)) options['reverse'] = true
  if (random.percent(30)) options['highWaterMarkBytes'] = random.below(100)
  if (random.percent(30)) options['fillCache'] = true
  return options
}

function isWithin(key: string, { gt, gte, lt, lte }: DBIteratorOptions): boolean {
  const bytes = b(key)
  if (gte !== undefined ? bytes.compare(gte) < 0 : gt !== undefined && bytes.compare(gt) <= 0) {
    return false
  }
  return !(lte !== undefined ? bytes.compare(lte) > 0 : lt !== undefined && bytes.compare(lt) >= 0)
}

function expectedOf(sources: Sources, sequence: number, options: DBIteratorOptions): Pair[] {
  const pairs = sources
    .visible(sequence)
    .map(([key, value]): Pair => [key, value.toString('latin1')])
    .filter(([key]) => isWithin(key, options))
  return options.reverse === true ? pairs.toReversed() : pairs
}

/** As deepEqual, which is slow where nothing differs. */
function same(t: ExecutionContext, found: Pair[], expected: Pair[], message: string): void {
  if (JSON.stringify(found) !== JSON.stringify(expected)) t.deepEqual(found, expected, message)
}

interface Outcome {
  readonly pairs: Pair[]
  readonly errors: SluiceError[]
}

/** Reads to the end by one of the ways there are; errors do not end it. */
async function readAll(iterator: DBIterator, way: number): Promise<Outcome> {
  const pairs: Pair[] = []
  const errors: SluiceError[] = []
  for (;;) {
    try {
      const entries = await step(iterator, way)
      if (entries.length === 0) break
      pairs.push(...entries.map(pairOf))
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error
      errors.push(error)
      if (errors.length > 5000) throw new Error('the iterator does not get on', { cause: error })
    }
  }
  await iterator.close()
  return { pairs, errors }
}

async function step(iterator: DBIterator, way: number): Promise<Entry[]> {
  if (way === 0) return iterator.nextv(1 + (way % 7))
  if (way === 1) return iterator.nextvSync(3)
  const entry = way === 2 ? await iterator.next() : iterator.nextSync()
  return entry === undefined ? [] : [entry]
}

function randomSources(random: Random): Sources {
  return new Sources(
    randomShape(random, ENTRY_COUNT),
    random.pick([1, 2, 1000]),
    random.pick([64, 100, 400]),
  )
}

test.afterEach.always((t) => {
  if (!t.passed) t.log(seeded())
})

test('random sources are read as a sorted map of their newest versions, in any range, direction and way', async (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 60; round++) {
    const sources = randomSources(random)
    for (let i = 0; i < 12; i++) {
      const options = randomOptions(random)
      const sequence = random.percent(50) ? ENTRY_COUNT : random.below(ENTRY_COUNT + 1)
      const limit = random.percent(20) ? random.below(20) : undefined
      const iterator = sources.iterator(
        sequence,
        limit === undefined ? options : { ...options, limit },
      )
      const { pairs, errors } = await readAll(iterator, i % 4)
      t.is(errors.length, 0)
      same(t, pairs, expectedOf(sources, sequence, options).slice(0, limit), `${round} ${i}`)
    }
    t.true(sources.isReleased)
    await sources.tables.close()
    t.is(sources.files.open.size, 0, 'every table was given back')
  }
})

test('a seek goes on at the target in either direction, and nowhere from outside the range', async (t) => {
  const random = new Random(SEED + 1)
  let foundCount = 0
  for (let round = 0; round < 40; round++) {
    const sources = randomSources(random)
    const options = randomOptions(random)
    const expected = expectedOf(sources, ENTRY_COUNT, options)
    const iterator = sources.iterator(ENTRY_COUNT, options)
    for (let i = 0; i < 25; i++) {
      const target = randomKey(random)
      const text = target.toString('latin1')
      const after = expected.filter(([key]) =>
        options.reverse === true ? key <= text : key >= text,
      )
      const due = isWithin(text, options) ? after : []
      iterator.seek(target)
      const count = 1 + random.below(4)
      for (let j = 0; j < count; j++) {
        const found = random.percent(50) ? iterator.nextSync() : await iterator.next()
        const message = `${round} ${i} ${j}`
        if (found !== undefined) foundCount++
        same(t, found === undefined ? [] : [pairOf(found)], due.slice(j, j + 1), message)
      }
    }
    await iterator.close()
  }
  t.true(foundCount > 500)
})

test('a read that fails leaves the iterator where it was, and the next call tries again', async (t) => {
  const random = new Random(SEED + 2)
  let failures = 0
  for (let round = 0; round < 40; round++) {
    const sources = randomSources(random)
    sources.files.fails = () => random.percent(30)
    for (let i = 0; i < 8; i++) {
      const options = randomOptions(random)
      const { pairs, errors } = await readAll(sources.iterator(ENTRY_COUNT, options), i % 4)
      for (const error of errors) t.is(error.code, 'LEVEL_IO_ERROR')
      failures += errors.length
      same(t, pairs, expectedOf(sources, ENTRY_COUNT, options), `${round} ${i}`)
    }
  }
  t.true(failures > 100)
})

test('turns, seeks and steps at random walk along the entries as a finger does along a list', async (t) => {
  const random = new Random(SEED + 7)
  let turnCount = 0
  for (let round = 0; round < 40; round++) {
    const sources = randomSources(random)
    const options = { ...randomOptions(random), reverse: random.percent(50) }
    const list = expectedOf(sources, ENTRY_COUNT, { ...options, reverse: false })
    let isReverse = options.reverse
    // Between list[finger - 1] and list[finger]; undefined outside of the range.
    let finger: number | undefined = isReverse ? list.length : 0
    const iterator = sources.iterator(ENTRY_COUNT, options)
    for (let i = 0; i < 80; i++) {
      const message = `${round} ${i}`
      if (random.percent(20)) {
        iterator.turn()
        isReverse = !isReverse
        turnCount++
      } else if (random.percent(10)) {
        const target = randomKey(random)
        const text = target.toString('latin1')
        iterator.seek(target)
        const before = list.filter(([key]) => (isReverse ? key <= text : key < text)).length
        finger = isWithin(text, options) ? before : undefined
      } else {
        const due: Pair | undefined =
          finger === undefined ? undefined : list[isReverse ? finger - 1 : finger]
        const found = random.percent(50) ? iterator.nextSync() : await iterator.next()
        same(t, found === undefined ? [] : [pairOf(found)], due === undefined ? [] : [due], message)
        found?.[0].fill(0)
        if (finger !== undefined && due !== undefined) finger += isReverse ? -1 : 1
      }
    }
    await iterator.close()
  }
  t.true(turnCount > 300)
})

test('going back and forth again gives the same entries, whatever is written meanwhile (google/leveldb#200)', async (t) => {
  const entries = ['1', '2', '3', '4', '5'].map((key, i) => entry(key, i + 1, 1, `v${key}`))
  const sources = new Sources(
    { memtables: [entries, [entry('25', 6, 1, 'later')]], level0: [], levels: [] },
    10,
    400,
  )
  const iterator = sources.iterator(5)
  iterator.seek(b('5'))
  const steps: (string | undefined)[] = []
  for (const step of ['5', 'turn', '5', '4', '3', 'turn', '3', '4', '5']) {
    if (step === 'turn') iterator.turn()
    else steps.push((await iterator.next())?.[0].toString())
  }
  t.deepEqual(steps, ['5', '5', '4', '3', '3', '4', '5'])
  t.throws(() => sources.iterator(5, { keys: false }).turn(), { instanceOf: TypeError })
})

function covers({ first, last }: BlockPlace, key: string): boolean {
  return first.compare(b(key)) <= 0 && last.compare(b(key)) >= 0
}

/** What is handed out is right and in order; what is not is of a damaged block, which is named. */
function checkDamaged(
  t: ExecutionContext,
  { pairs, errors }: Outcome,
  expected: Pair[],
  damaged: readonly BlockPlace[],
  message: string,
): void {
  const handedOut = new Set(pairs.map(([key]) => key))
  same(
    t,
    pairs,
    expected.filter(([key]) => handedOut.has(key)),
    message,
  )
  for (const [key] of expected) {
    if (handedOut.has(key)) continue
    if (errors.length === 0 || !damaged.some((block) => covers(block, key))) {
      t.fail(`${message}: ${key} is missing`)
    }
  }
  t.true(errors.length <= damaged.length, message)
  for (const error of errors) {
    t.is(error.code, 'LEVEL_CORRUPTION', message)
    t.true(
      damaged.some(
        ({ file, offset }) => error.file!.includes(`${file}.ldb`) && error.offset === offset,
      ),
      `${message}: ${error.message}`,
    )
  }
}

test('beside damaged blocks every entry is right or left out, with an error for each damaged block at the most', async (t) => {
  const random = new Random(SEED + 3)
  let errorCount = 0
  for (let round = 0; round < 300; round++) {
    const sources = randomSources(random)
    const damaged = sources.blocks.filter(() => random.percent(20))
    for (const block of damaged) sources.damageBlock(block, random)
    for (let i = 0; i < 8; i++) {
      const options = randomOptions(random)
      const sequence = random.percent(50) ? ENTRY_COUNT : random.below(ENTRY_COUNT + 1)
      const outcome = await readAll(sources.iterator(sequence, options), i % 4)
      errorCount += outcome.errors.length
      const expected = expectedOf(sources, sequence, options)
      checkDamaged(t, outcome, expected, damaged, `${round} ${i} ${JSON.stringify(options)}`)
    }
  }
  t.true(errorCount > 1000)
})

test('a table that cannot be opened leaves out its range, and the rest is right', async (t) => {
  const random = new Random(SEED + 4)
  let errorCount = 0
  for (let round = 0; round < 150; round++) {
    const sources = randomSources(random)
    const numbers = [...sources.files.bytes.keys()].filter(() => random.percent(15))
    for (const number of numbers) sources.damageFooter(number)
    const ranges = sources.version.levels.flat().filter(({ number }) => numbers.includes(number))
    for (let i = 0; i < 8; i++) {
      const options = randomOptions(random)
      const { pairs, errors } = await readAll(sources.iterator(ENTRY_COUNT, options), i % 4)
      errorCount += errors.length
      const expected = expectedOf(sources, ENTRY_COUNT, options)
      const handedOut = new Set(pairs.map(([key]) => key))
      const message = `${round} ${i} ${JSON.stringify(options)}`
      same(
        t,
        pairs,
        expected.filter(([key]) => handedOut.has(key)),
        message,
      )
      for (const [key] of expected.filter(([missing]) => !handedOut.has(missing))) {
        const isCovered = ranges.some(
          ({ smallest, largest }) =>
            smallest.subarray(0, -8).compare(b(key)) <= 0 &&
            largest.subarray(0, -8).compare(b(key)) >= 0,
        )
        if (!isCovered || errors.length === 0) t.fail(`${message}: ${key} is missing`)
      }
      t.true(errors.length <= numbers.length, message)
      for (const error of errors) t.is(error.code, 'LEVEL_CORRUPTION', message)
    }
  }
  t.true(errorCount > 200)
})

test('damage and failing reads together lose nothing that is not damaged', async (t) => {
  const random = new Random(SEED + 5)
  for (let round = 0; round < 60; round++) {
    const sources = randomSources(random)
    const damaged = sources.blocks.filter(() => random.percent(10))
    for (const block of damaged) sources.damageBlock(block, random)
    sources.files.fails = () => random.percent(15)
    for (let i = 0; i < 8; i++) {
      const options = randomOptions(random)
      const { pairs, errors } = await readAll(sources.iterator(ENTRY_COUNT, options), i % 4)
      const outcome = { pairs, errors: errors.filter(({ code }) => code !== 'LEVEL_IO_ERROR') }
      const expected = expectedOf(sources, ENTRY_COUNT, options)
      checkDamaged(t, outcome, expected, damaged, `${round} ${i} ${JSON.stringify(options)}`)
    }
  }
})

/** 4,000 entries of 200 bytes in one table: pieces of every size are read of it, also ahead. */
function longTable(blockSize = 1000): { sources: Sources; keys: string[] } {
  const keys = Array.from({ length: 4000 }, (_, i) => `k${String(i).padStart(6, '0')}`)
  const entries = keys.map((key, i) => entry(key, 1, 1, `${i}${'.'.repeat(200)}`))
  return {
    sources: new Sources({ memtables: [], level0: [entries], levels: [] }, 1000, blockSize),
    keys,
  }
}

function dotless(found: Entry | undefined): string {
  return found![1].toString().replaceAll('.', '')
}

test('a long table is read in few pieces, in either direction, and in the middle after a seek', async (t) => {
  const { sources, keys } = longTable()
  t.true(sources.blocks.length > 700)
  for (const reverse of [false, true]) {
    for (const way of [0, 1, 2, 3]) {
      sources.files.readCount = 0
      const { pairs } = await readAll(sources.iterator(9, { reverse }), way)
      const found = pairs.map(([key]) => key)
      t.is((reverse ? found.toReversed() : found).join(), keys.join())
      t.true(sources.files.readCount < 20, `${sources.files.readCount} reads`)
    }
  }
  const iterator = sources.iterator(9)
  for (const start of [2000, 10, 3990, 2001]) {
    iterator.seek(b(keys[start]!))
    const found: Entry[] = []
    while (found.length < 1000) {
      const entries = await iterator.nextv(100)
      if (entries.length === 0) break
      found.push(...entries)
    }
    const expected = keys.slice(start, start + found.length)
    t.is(found.map(([key]) => key.toString()).join(), expected.join())
    t.true(found.length >= 1000 || start === 3990)
  }
  await iterator.close()
})

test('a long table with damage here and there and reads that fail is read around the damage', async (t) => {
  const random = new Random(SEED + 6)
  const { sources, keys } = longTable()
  const expected = keys.map((key, i): Pair => [key, `${i}${'.'.repeat(200)}`])
  const damaged = sources.blocks.filter(() => random.percent(2))
  for (const block of damaged) sources.damageBlock(block, random)
  sources.files.fails = () => random.percent(20)
  for (let i = 0; i < 8; i++) {
    const reverse = i >= 4
    const { pairs, errors } = await readAll(sources.iterator(9, { reverse }), i % 4)
    const told = errors.filter(({ code }) => code === 'LEVEL_CORRUPTION')
    t.is(told.length, damaged.length, seeded())
    checkDamaged(
      t,
      { pairs: reverse ? pairs.toReversed() : pairs, errors: told },
      expected,
      damaged,
      `${i}`,
    )
  }
})

test('an iterator that is closed in the middle gives its table back when nothing is read ahead any more', async (t) => {
  const { sources } = longTable()
  for (let count = 1; count < 3000; count += 150) {
    const iterator = sources.iterator(9, { highWaterMarkBytes: 1000 })
    for (let i = 0; i < count;) i += (await iterator.nextv(100)).length
    const reading = iterator.nextv(1000)
    await Promise.all([iterator.close(), Promise.allSettled([reading])])
    t.true(sources.isReleased)
  }
  await sources.tables.close()
  t.is(sources.files.open.size, 0)
})

test('what is handed out stays as it is, also when it is written to, and shares nothing with the cache', async (t) => {
  const { sources, keys } = longTable()
  for (const fillCache of [true, false, true]) {
    const entries = await sources.iterator(9, { fillCache }).all()
    for (const [i, [key, value]] of entries.entries()) {
      if (key.toString() !== keys[i] || !value.toString().startsWith(`${i}.`)) t.fail(`${i}`)
    }
    for (const [key, value] of entries) {
      key.fill(0)
      value.fill(0)
    }
  }
  t.is((await sources.iterator(9).all()).length, 4000)
})

test('a value that was written to comes again as it was, in either direction and after a seek', async (t) => {
  // Blocks that are not parts of Node's pool: their memory could be handed out.
  const { sources, keys } = longTable(10_000)
  for (const isTurned of [false, true]) {
    for (let i = 100; i < 4000; i += 500) {
      const iterator = sources.iterator(9)
      iterator.seek(b(keys[i]!))
      const first = await iterator.next()
      t.is(dotless(first), `${i}`)
      first![1].fill('x')
      if (isTurned) iterator.turn()
      else iterator.seek(b(keys[i]!))
      t.is(dotless(await iterator.next()), `${i}`)
      await iterator.close()
    }
  }
})

test('a seek while a read is on its way to its caller is refused, or is where the next read goes on', async (t) => {
  const { sources } = longTable()
  const iterator = sources.iterator(9)
  await iterator.next()
  const reading = iterator.next()
  let refusals = 0
  for (;;) {
    try {
      iterator.seek(b('k002000'))
      break
    } catch (error) {
      t.is((error as SluiceError).code, 'LEVEL_ITERATOR_BUSY')
      refusals++
    }
    await Promise.resolve()
  }
  t.true(refusals > 0)
  t.is(pairOf((await reading)!)[0], 'k000001')
  t.is(pairOf((await iterator.next())!)[0], 'k002000')
  await iterator.close()
})

test('a block that cannot be expanded here hides what it holds, and nothing else is lost', async (t) => {
  const newer = ['a', 'b', 'c', 'd'].map((key) => entry(key, 9, 1, 'new'.repeat(40)))
  const older = ['a', 'b', 'c', 'd'].map((key) => entry(key, 1, 1, 'old'))
  const sources = new Sources({ memtables: [], level0: [newer], levels: [[older]] }, 10, 64)
  const { file, offset, size } = sources.blocks[1]!
  const bytes = sources.files.bytes.get(file)!
  const typeAt = offset + size - BLOCK_TRAILER_SIZE
  bytes[typeAt] = TYPE_ZSTD
  bytes.writeUInt32LE(maskCrc(crc32c(bytes, offset, typeAt + 1)), typeAt + 1)
  for (const reverse of [false, true]) {
    for (const way of [0, 1, 2, 3]) {
      const { pairs, errors } = await readAll(sources.iterator(9, { reverse }), way)
      t.deepEqual(pairs.map(([key, value]) => key + value.slice(0, 3)).toSorted(), [
        'anew',
        'cnew',
        'dnew',
      ])
      t.is(errors.length, 1)
    }
  }
})

test('a loop that ends with an error closes its iterator', async (t) => {
  const { sources } = longTable()
  sources.damageBlock(sources.blocks[300]!, new Random(SEED))
  const iterator = sources.iterator(9)
  await t.throwsAsync(
    async () => {
      for await (const [key] of iterator) t.is(key.length, 7)
    },
    { code: 'LEVEL_CORRUPTION' },
  )
  t.throws(() => iterator.nextSync(), { code: 'LEVEL_ITERATOR_NOT_OPEN' })
  t.true(sources.isReleased)
})

test('a value that is kept keeps no more than a few blocks of memory', async (t) => {
  for (const blockSize of [1000, 1_000_000]) {
    const { sources } = longTable(blockSize)
    for (const [key, value] of await sources.iterator(9).all()) {
      if (value.buffer.byteLength > 16 * 1024 || key.buffer.byteLength > 16 * 1024) {
        t.fail(`${value.buffer.byteLength}`)
      }
    }
  }
  t.pass()
})

/** One block a file of level 1, with older versions of the same keys in level 2. */
const LAYERED: Shape = {
  memtables: [],
  level0: [],
  levels: [
    [[entry('a', 9, 1, 'new a')], [entry('b', 8, 0), entry('c', 7, 1, 'new c')]],
    [
      [
        entry('a', 1, 1, 'old a'),
        entry('b', 2, 1, 'old b'),
        entry('c', 3, 1, 'old c'),
        entry('d', 4, 1, 'd'),
      ],
    ],
  ],
}

for (const reverse of [false, true]) {
  const direction = reverse ? 'backwards' : 'forwards'

  test(`a damaged newer block never lets the older version through, ${direction}`, async (t) => {
    const sources = new Sources(LAYERED, 1000, 4096)
    sources.damageBlock(sources.blocks[1]!, new Random(SEED))
    const iterator = sources.iterator(100, { reverse })
    const seen: string[] = []
    for (;;) {
      try {
        const found = await iterator.next()
        if (found === undefined) break
        seen.push(`${found[0].toString()}=${found[1].toString()}`)
      } catch (error) {
        t.true(error instanceof SluiceError && error.code === 'LEVEL_CORRUPTION')
        seen.push(`damage of ${(error as SluiceError).file!}`)
      }
    }
    const expected = ['a=new a', 'damage of db/000011.ldb', 'd=d']
    t.deepEqual(seen, reverse ? expected.toReversed() : expected)
  })

  test(`a damaged older block takes what it may hold with it, ${direction}, and is told once`, async (t) => {
    const sources = new Sources(LAYERED, 1000, 4096)
    sources.damageBlock(sources.blocks[2]!, new Random(SEED))
    const { pairs, errors } = await readAll(sources.iterator(100, { reverse }), 0)
    t.deepEqual(pairs, [])
    t.is(errors.length, 1)
    t.regex(errors[0]!.file!, /000012\.ldb$/)
  })
}

test('a key whose older versions alone are lost is served in both directions', async (t) => {
  const large = 'x'.repeat(100)
  // Blocks of a@9, of a@5 and b@4, and of c@3.
  const file = [
    entry('a', 9, 1, large),
    entry('a', 5, 1),
    entry('b', 4, 1, large),
    entry('c', 3, 1),
  ]
  const sources = new Sources({ memtables: [], level0: [], levels: [[file]] }, 10, 64)
  t.is(sources.blocks.length, 3)
  sources.damageBlock(sources.blocks[1]!, new Random(SEED))
  const keysAt = async (sequence: number, reverse: boolean): Promise<string> => {
    const { pairs, errors } = await readAll(sources.iterator(sequence, { reverse }), 0)
    t.is(errors.length, 1)
    return pairs.map(([key]) => key).join('')
  }
  t.is(await keysAt(9, false), 'ac')
  t.is(await keysAt(9, true), 'ca')
  // What a reader of that time would see of it is lost.
  t.is(await keysAt(8, false), 'c')
  t.is(await keysAt(8, true), 'c')
})

test('damage beyond the bounds is none of the iterator’s business', async (t) => {
  const tables = ['a', 'c', 'e'].map((key) => [entry(key, 1, 1, key), entry(`${key}z`, 1, 1, key)])
  const sources = new Sources({ memtables: [], level0: [], levels: [tables] }, 1000, 4096)
  sources.damageBlock(sources.blocks[0]!, new Random(SEED))
  sources.damageBlock(sources.blocks[2]!, new Random(SEED))
  for (const reverse of [false, true]) {
    for (const options of [
      { gt: b('az'), lt: b('e') },
      { gte: b('b'), lte: b('d') },
      { gte: b('c'), lte: b('cz') },
    ]) {
      const { pairs, errors } = await readAll(sources.iterator(9, { ...options, reverse }), 0)
      t.deepEqual(errors, [])
      t.deepEqual(pairs.map(([key]) => key).toSorted(), ['c', 'cz'])
    }
  }
})
