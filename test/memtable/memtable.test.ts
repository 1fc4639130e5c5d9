// The memtable against a sorted array, and against its own limits to the last byte.

import { Worker } from 'node:worker_threads'
import test from 'ava'
import { BatchBuffer } from '../../ts/format/batch.ts'
import {
  compareInternal,
  makeInternalKey,
  MAX_SEQUENCE,
  TYPE_DELETION,
  TYPE_VALUE,
} from '../../ts/format/internal-key.ts'
import { Memtable, memtableSize, NO_NODE } from '../../ts/memtable/memtable.ts'
import { Random } from '../crash/random.ts'
import { SEED, seeded } from '../format/seed.ts'

interface Entry {
  readonly key: Buffer
  readonly sequence: number
  readonly type: number
  readonly value: Buffer
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

function create(sizeBytes: number): Memtable {
  return Memtable.create(new SharedArrayBuffer(sizeBytes))
}

function insert(table: Memtable, entries: readonly Entry[]): void {
  const batch = batchOf(entries)
  table.insertBatch(batch.bytes, 0, batch.end, batch.count, entries[0]!.sequence)
}

function batchOf(entries: readonly Entry[]): BatchBuffer {
  const batch = new BatchBuffer()
  for (const { key, value, type } of entries) {
    if (type === TYPE_VALUE) batch.put(key, value)
    else batch.delete(key)
  }
  return batch
}

function put(key: string, sequence: number, value = `${key}@${sequence}`): Entry {
  return { key: bytes(key), sequence, type: TYPE_VALUE, value: bytes(value) }
}

function del(key: string, sequence: number): Entry {
  return { key: bytes(key), sequence, type: TYPE_DELETION, value: Buffer.alloc(0) }
}

function entryAt(table: Memtable, node: number): Entry {
  const { bytes: memory } = table
  return {
    key: Buffer.from(memory.subarray(table.keyStart(node), table.userKeyEnd(node))),
    sequence: table.sequenceOf(node),
    type: table.typeOf(node),
    value: table.copyValue(node),
  }
}

function entriesOf(table: Memtable): Entry[] {
  const found: Entry[] = []
  for (let node = table.first(); node !== NO_NODE; node = table.next(node)) {
    found.push(entryAt(table, node))
  }
  return found
}

function inOrder(entries: readonly Entry[]): Entry[] {
  const internal = (entry: Entry): Buffer => makeInternalKey(entry.key, entry.sequence, entry.type)
  return entries.toSorted((a, b) => {
    const [x, y] = [internal(a), internal(b)]
    return compareInternal(x, 0, x.length, y, 0, y.length)
  })
}

function find(table: Memtable, key: Buffer, sequence: number): Entry | undefined {
  const node = table.find(key, 0, key.length, sequence)
  return node === NO_NODE ? undefined : entryAt(table, node)
}

test('an empty memtable has nothing', (t) => {
  const table = create(4096)
  t.is(table.first(), NO_NODE)
  t.is(table.find(bytes(''), 0, 0, MAX_SEQUENCE), NO_NODE)
  t.is(table.seek(bytes('a'), 0, 1, MAX_SEQUENCE), NO_NODE)
  t.is(table.entryCount, 0)
})

test('a reader sees the newest entry at or below its sequence, deletions too', (t) => {
  const table = create(4096)
  insert(table, [put('k', 5), put('k', 6, 'six'), del('k', 7)])
  insert(table, [put('k', 9, '')])
  t.is(find(table, bytes('k'), 4), undefined)
  t.deepEqual(find(table, bytes('k'), 5), put('k', 5))
  t.deepEqual(find(table, bytes('k'), 6), put('k', 6, 'six'))
  t.deepEqual(find(table, bytes('k'), 7), del('k', 7))
  t.deepEqual(find(table, bytes('k'), 8), del('k', 7))
  t.deepEqual(find(table, bytes('k'), 9), put('k', 9, ''))
  t.deepEqual(find(table, bytes('k'), MAX_SEQUENCE), put('k', 9, ''))
  t.is(find(table, bytes('j'), 9), undefined)
  t.is(find(table, bytes('ka'), 9), undefined)
  t.is(find(table, bytes(''), 9), undefined)
})

test('keys that share four bytes, shorter keys and empty ones are in bytewise order', (t) => {
  const keys = [
    '',
    '\0',
    '\0\0',
    '\0\0\0',
    '\0\0\0\0',
    '\0\0\0\0\0',
    'a',
    'a\0',
    'ab',
    'abc',
    'abc\0',
    'abcd',
    'abcd\0',
    'abcda',
    'abcdb',
    'abce',
    'b',
    '\x7f',
    '\x80',
    '\xff',
    '\xff\xff\xff\xff',
    '\xff\xff\xff\xff\xff',
  ]
  const random = new Random(SEED)
  const shuffled = keys.map((key) => ({ key, at: random.next() })).toSorted((a, b) => a.at - b.at)
  const table = create(8192)
  for (const [i, { key }] of shuffled.entries()) insert(table, [put(key, i + 1)])
  t.deepEqual(
    entriesOf(table).map(({ key }) => key.toString('latin1')),
    keys,
    seeded(),
  )
  for (const [i, { key }] of shuffled.entries()) {
    t.deepEqual(find(table, bytes(key), 100), put(key, i + 1), seeded(JSON.stringify(key)))
    t.is(find(table, bytes(key), i), undefined, seeded(JSON.stringify(key)))
  }
})

test('runs from the end, each before the first of the last one, give every entry backwards', (t) => {
  const random = new Random(SEED)
  for (const count of [0, 1, 2, 16, 17, 500]) {
    for (const runLength of [1, 2, 3, 128]) {
      const table = create(64 * 1024)
      for (let i = 1; i <= count; i++) insert(table, [put(`k${random.below(200)}`, i)])
      const forwards: number[] = []
      for (let node = table.first(); node !== NO_NODE; node = table.next(node)) forwards.push(node)
      const backwards: number[] = []
      const run = new Int32Array(runLength)
      for (let node = NO_NODE; ; node = run[0]!) {
        const length = table.runBefore(node, run)
        if (length === 0) break
        backwards.push(...run.subarray(0, length).toReversed())
      }
      t.deepEqual(backwards.toReversed(), forwards, seeded(`${count} ${runLength}`))
    }
  }
})

test('any operations give what a sorted array gives', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 30; round++) {
    const table = create(256 * 1024)
    const entries: Entry[] = []
    const alphabet = random.pick(['ab', 'abcdefgh', '\0\x7f\x80\xff'])
    const key = (): Buffer =>
      bytes(
        Array.from(
          { length: random.below(8) },
          () => alphabet[random.below(alphabet.length)]!,
        ).join(''),
      )
    let sequence = random.pick([1, 250, 2 ** 24 - 50, 2 ** 32 - 50, MAX_SEQUENCE - 5000])
    while (entries.length < 600) {
      const batch = Array.from({ length: 1 + random.below(12) }, (): Entry => {
        const isPut = random.percent(75)
        return {
          key: key(),
          sequence: sequence++,
          type: isPut ? TYPE_VALUE : TYPE_DELETION,
          value: isPut ? random.bytes(random.below(60)) : Buffer.alloc(0),
        }
      })
      insert(table, batch)
      entries.push(...batch)
    }
    const sorted = inOrder(entries)
    const message = seeded(`round ${round}`)
    t.is(table.entryCount, entries.length, message)
    t.deepEqual(entriesOf(table), sorted, message)
    for (let i = 0; i < 300; i++) {
      const target = key()
      const at = random.percent(50) ? sequence : random.pick(entries).sequence
      const search = makeInternalKey(target, at, TYPE_VALUE)
      const expected = sorted.find((entry) => {
        const internal = makeInternalKey(entry.key, entry.sequence, entry.type)
        return compareInternal(internal, 0, internal.length, search, 0, search.length) >= 0
      })
      // Of the searched sequence itself the deletion counts too: there is one entry a sequence.
      const node = table.seek(target, 0, target.length, at)
      t.deepEqual(node === NO_NODE ? undefined : entryAt(table, node), expected, message)
      const newest = expected?.key.equals(target) === true ? expected : undefined
      t.deepEqual(find(table, target, at), newest, message)
    }
  }
})

test('a search key is the part of a buffer that it is said to be', (t) => {
  const table = create(4096)
  insert(table, [put('key', 1), put('ke', 2), put('keys', 3)])
  const framed = bytes('xxkeysxx')
  t.deepEqual(entryAt(table, table.find(framed, 2, 5, 9)), put('key', 1))
  t.deepEqual(entryAt(table, table.find(framed, 2, 4, 9)), put('ke', 2))
  t.deepEqual(entryAt(table, table.find(framed, 2, 6, 9)), put('keys', 3))
})

test("a batch is inserted from where it stands in its buffer, and is the caller's afterwards", (t) => {
  const table = create(4096)
  const batch = batchOf([put('a', 1), put('b', 2)])
  const framed = Buffer.concat([
    Buffer.alloc(5, 0xee),
    batch.bytes.subarray(0, batch.end),
    Buffer.alloc(5, 0xee),
  ])
  table.insertBatch(framed, 5, 5 + batch.end, 2, 1)
  framed.fill(0)
  t.deepEqual(entriesOf(table), [put('a', 1), put('b', 2)])
})

test('a value that was handed out is not touched when the memory is used again', (t) => {
  const memory = new SharedArrayBuffer(4096)
  const table = Memtable.create(memory)
  insert(table, [put('a', 1, 'value')])
  const value = table.copyValue(table.first())
  const next = Memtable.create(memory)
  t.is(next.first(), NO_NODE)
  t.is(next.entryCount, 0)
  insert(next, [put('z', 2, 'other')])
  t.deepEqual(value, bytes('value'))
  t.deepEqual(entriesOf(next), [put('z', 2, 'other')])
})

test('what another thread filled is read where it attaches', async (t) => {
  const table = create(64 * 1024)
  const entries = Array.from({ length: 200 }, (_, i) => put(`key${(i * 7919) % 1000}`, i + 1))
  insert(table, entries)
  t.deepEqual(entriesOf(Memtable.attach(table.memory)), inOrder(entries))
  const worker = new Worker(new URL('memtable-reader.js', import.meta.url), {
    workerData: table.memory,
  })
  const keys = await new Promise<string[]>((resolve, reject) => {
    worker.on('message', resolve).on('error', reject)
  })
  t.deepEqual(
    keys,
    inOrder(entries).map(({ key, sequence }) => `${key.toString('latin1')}@${sequence}`),
  )
})

// ---- Room ----

/** Fills with random batches while hasRoom says so, all in memory of exactly this size. */
function fill(
  random: Random,
  sizeBytes: number,
  sizes: () => number,
): { table: Memtable; entries: Entry[] } {
  const table = create(sizeBytes)
  const entries: Entry[] = []
  let sequence = 1
  for (let refused = 0; refused < 20;) {
    const batch = Array.from({ length: 1 + random.below(4) }, (): Entry => {
      const type = random.percent(80) ? TYPE_VALUE : TYPE_DELETION
      return {
        key: random.bytes(sizes()),
        sequence: sequence++,
        type,
        value: type === TYPE_VALUE ? random.bytes(sizes()) : Buffer.alloc(0),
      }
    })
    // As the engine asks: with the bytes of the whole batch.
    if (table.hasRoom(batchOf(batch).end, batch.length)) {
      insert(table, batch)
      entries.push(...batch)
    } else refused++
  }
  return { table, entries }
}

test('while there is said to be room every insert fits, to the last byte', (t) => {
  const random = new Random(SEED)
  let fullest = 0
  for (let round = 0; round < 400; round++) {
    const sizeBytes = 4 * random.between(64, 3000)
    const most = random.pick([1, 2, 5, 30, 400])
    const { table, entries } = fill(random, sizeBytes, () => random.below(most))
    const message = seeded(`round ${round}, ${sizeBytes} bytes`)
    t.true(table.usedBytes <= sizeBytes, message)
    // An insert past the end is lost without an error: every entry has to be there, whole.
    t.deepEqual(entriesOf(table), inOrder(entries), message)
    fullest = Math.max(fullest, table.usedBytes / sizeBytes)
  }
  t.true(fullest > 0.9, seeded(`the fullest was full to ${fullest}`))
})

test('memory of memtableSize takes what it was made for, of any sizes', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 500; round++) {
    const entries = Array.from({ length: 1 + random.below(30) }, (_, i): Entry => ({
      key: random.bytes(random.below(9)),
      sequence: i + 1,
      type: TYPE_VALUE,
      value: random.bytes(random.below(random.pick([1, 9, 300]))),
    }))
    const payload = entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
    for (const payloadBytes of [payload, batchOf(entries).end]) {
      const table = create(Math.ceil(memtableSize(payloadBytes, entries.length) / 4) * 4)
      const message = seeded(`round ${round}`)
      t.true(table.hasRoom(payloadBytes, entries.length), message)
      insert(table, entries)
      t.deepEqual(entriesOf(table), inOrder(entries), message)
      t.true(table.usedBytes <= table.memory.byteLength, message)
    }
  }
})

test('there is no room for what is larger than the memory', (t) => {
  const table = create(4096)
  t.true(table.hasRoom(0, 1))
  t.false(table.hasRoom(4096, 1))
  t.false(table.hasRoom(0, 4096))
  t.false(table.hasRoom(2 ** 31 - 1, 2 ** 32 - 1))
})

test('many entries of random keys are found in a few steps each', (t) => {
  const table = create(4 * 2 ** 20)
  const random = new Random(SEED)
  const keys = Array.from({ length: 20_000 }, () => random.bytes(16))
  for (const [i, key] of keys.entries()) {
    insert(table, [{ key, sequence: i + 1, type: TYPE_VALUE, value: Buffer.alloc(0) }])
  }
  const startMs = performance.now()
  for (const [i, key] of keys.entries()) {
    if (table.sequenceOf(table.find(key, 0, 16, MAX_SEQUENCE)) !== i + 1) t.fail(seeded(String(i)))
  }
  // A list instead of a skip list takes minutes.
  t.true(performance.now() - startMs < 10_000)
})
