// A block walked backwards: what stands in it, from its end, and its damage.

import test from 'ava'
import type { SluiceError } from '../../ts/format/error.ts'
import { compareInternal } from '../../ts/format/internal-key.ts'
import { Block } from '../../ts/table/block.ts'
import { ReverseBlockCursor } from '../../ts/table/reverse-block-cursor.ts'
import { makeLowestKey } from '../../ts/table/separator.ts'
import { Random } from '../crash/random.ts'
import { SEED, buildBlock, entry, randomEntries, userKeyOf } from './entries.ts'
import type { Entry } from './entries.ts'

const FILE = 'db/000007.ldb'

function blockOf(entries: readonly Entry[], restartInterval: number): Block {
  return new Block(buildBlock(entries, restartInterval), FILE, 8192)
}

function isAt(cursor: ReverseBlockCursor, { key, value }: Entry): boolean {
  return (
    key.equals(cursor.keys.subarray(cursor.keyStart, cursor.keyEnd)) &&
    value.equals(cursor.valueBytes.subarray(cursor.valueStart, cursor.valueEnd))
  )
}

/** Whether the cursor delivers exactly entries[0, count), from the last one. */
function delivers(cursor: ReverseBlockCursor, found: boolean, entries: readonly Entry[]): boolean {
  let more = found
  for (const expected of entries.toReversed()) {
    if (!more || !isAt(cursor, expected)) return false
    more = cursor.previous()
  }
  return !more
}

test('random entries come back from the end, and from before any user key, at every restart interval', (t) => {
  const random = new Random(SEED)
  const cursor = new ReverseBlockCursor()
  for (let interval = 1; interval <= 17; interval++) {
    for (const count of [1, 2, 16, 17, 200]) {
      const entries = randomEntries(random, count, 300)
      cursor.open(blockOf(entries, interval))
      const message = `SLUICE_SEED=${SEED} ${interval} ${count}`
      t.true(delivers(cursor, cursor.seekToLast(), entries), message)
      for (let i = 0; i < 20; i++) {
        const cut = random.percent(50)
          ? userKeyOf(random.pick(entries))
          : random.bytes(random.below(4))
        const target = makeLowestKey(cut)
        const below = entries.filter(
          ({ key }) => compareInternal(key, 0, key.length, target, 0, target.length) < 0,
        )
        t.true(
          delivers(cursor, cursor.seekBefore(target), below),
          `${message} ${cut.toString('hex')}`,
        )
      }
    }
  }
})

test('a block without entries has nothing before anything', (t) => {
  const cursor = new ReverseBlockCursor()
  cursor.open(blockOf([], 16))
  t.false(cursor.seekToLast())
  t.false(cursor.seekBefore(makeLowestKey(Buffer.from('x'))))
})

test('a cursor without a block says so', (t) => {
  const cursor = new ReverseBlockCursor()
  t.throws(() => cursor.seekToLast(), { message: 'the cursor has no block' })
  cursor.open(blockOf([entry('a', 1, 1)], 16))
  t.true(cursor.seekToLast())
  cursor.open(undefined)
  t.throws(() => cursor.seekToLast(), { message: 'the cursor has no block' })
})

/** Entries as given, then their restart points. */
function rawBlock(entriesHex: string, restarts: readonly number[]): Block {
  const tail = Buffer.alloc(4 * restarts.length + 4)
  for (const [i, restart] of restarts.entries()) tail.writeUInt32LE(restart, 4 * i)
  tail.writeUInt32LE(restarts.length, 4 * restarts.length)
  return new Block(
    Buffer.concat([Buffer.from(entriesHex.replaceAll(' ', ''), 'hex'), tail]),
    FILE,
    8192,
  )
}

const A = '00 09 01 61 0101000000000000 31'
const B = '00 09 01 62 0101000000000000 32'

test('a run that does not end where the next begins is damage, and those before it are still whole', (t) => {
  // The second restart point stands in the middle of the second entry, at what could be an entry.
  const inner = '00 08 00 0101000000000000'
  const block = rawBlock(`${A} 00 09 0b 62 0101000000000000 ${inner}`, [0, 25])
  const cursor = new ReverseBlockCursor()
  cursor.open(block)
  t.true(cursor.seekToLast())
  const error = t.throws<SluiceError>(() => cursor.previous(), { code: 'LEVEL_CORRUPTION' })
  t.is(error.file, FILE)
  t.is(error.offset, 8192)
})

for (const [title, hex] of [
  ['a key without room for a tag', `${A} 00 07 00 01010000000000`],
  ['an entry of unknown type', `${A} 00 09 00 62 0201000000000000`],
  ['a sequence that is not exact here', `${A} 00 09 00 62 0101000000000020`],
  ['lengths that are cut', `${A} 00`],
  ['a restart entry that shares', `${A} 01 08 00 0101000000000000`],
] as const) {
  test(`${title} damages its run and leaves the cursor without an entry`, (t) => {
    const start = A.replaceAll(' ', '').length / 2
    const cursor = new ReverseBlockCursor()
    cursor.open(rawBlock(hex, [0, start]))
    t.throws(() => cursor.seekToLast(), { code: 'LEVEL_CORRUPTION' })
  })
}

test('the same block again, without the damage, is whole', (t) => {
  const cursor = new ReverseBlockCursor()
  cursor.open(rawBlock(`${A}${B}`, [0, 13]))
  t.true(delivers(cursor, cursor.seekToLast(), [entry('a', 1, 1, '1'), entry('b', 1, 1, '2')]))
})
