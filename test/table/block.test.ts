// Blocks: built, walked, searched, and damaged.

import test from 'ava'
import type { SluiceError } from '../../ts/format/error.ts'
import { compareInternal, makeInternalKey } from '../../ts/format/internal-key.ts'
import { Block, BlockCursor } from '../../ts/table/block.ts'
import { Random } from '../crash/random.ts'
import { SEED, buildBlock, entry, randomEntries } from './entries.ts'
import type { Entry } from './entries.ts'

const FILE = 'db/000007.ldb'

/** Entries as given, then their restart points. */
function rawBlock(entriesHex: string, restarts: readonly number[], count = restarts.length): Block {
  const tail = Buffer.alloc(4 * restarts.length + 4)
  for (const [i, restart] of restarts.entries()) tail.writeUInt32LE(restart, 4 * i)
  tail.writeUInt32LE(count, 4 * restarts.length)
  return new Block(
    Buffer.concat([Buffer.from(entriesHex.replaceAll(' ', ''), 'hex'), tail]),
    FILE,
    8192,
  )
}

function cursorOn(block: Block): BlockCursor {
  const cursor = new BlockCursor()
  cursor.open(block)
  return cursor
}

function isAt(cursor: BlockCursor, { key, value }: Entry): boolean {
  return (
    cursor.isValid &&
    key.equals(cursor.key.subarray(0, cursor.keyLength)) &&
    value.equals(cursor.valueBytes.subarray(cursor.valueStart, cursor.valueEnd))
  )
}

test('entries share prefixes until the next restart point', (t) => {
  const entries = ['aa', 'ab', 'abc'].map((userKey, i) => entry(userKey, 1, 1, `${i}`))
  t.is(
    buildBlock(entries, 2).toString('hex'),
    [
      '000a01 6161 0101000000000000 30',
      '010901 62 0101000000000000 31',
      '000b01 616263 0101000000000000 32',
      '00000000 1b000000 02000000',
    ]
      .join('')
      .replaceAll(' ', ''),
  )
})

test('an empty block is one restart point', (t) => {
  const contents = buildBlock([], 16)
  t.is(contents.toString('hex'), '0000000001000000')
  const cursor = cursorOn(new Block(contents, FILE, 0))
  t.false(cursor.seekToFirst())
  t.false(cursor.seek(makeInternalKey(Buffer.from('a'), 1, 1), 0, 9))
  t.false(cursorOn(rawBlock('', [])).seekToFirst())
})

test('random entries come back, by walking and by seeking, at every restart interval', (t) => {
  const random = new Random(SEED)
  for (let interval = 1; interval <= 17; interval++) {
    for (const count of [1, 2, 16, 17, 200]) {
      const entries = randomEntries(random, count, 300)
      const cursor = cursorOn(new Block(buildBlock(entries, interval), FILE, 0))
      let more = cursor.seekToFirst()
      for (const [i, expected] of entries.entries()) {
        if (!more || !isAt(cursor, expected)) t.fail(`seed ${SEED}: ${interval} ${count} walk ${i}`)
        more = cursor.next()
      }
      t.false(more)
      for (let i = 0; i < 50; i++) {
        const target = random.percent(50)
          ? random.pick(entries).key
          : makeInternalKey(random.bytes(random.below(4)), random.below(300), 1)
        const expected = entries.find(
          ({ key }) => compareInternal(key, 0, key.length, target, 0, target.length) >= 0,
        )
        const found = cursor.seek(target, 0, target.length)
        const right = expected === undefined ? !found : found && isAt(cursor, expected)
        if (!right) t.fail(`seed ${SEED}: ${interval} ${count} seek ${target.toString('hex')}`)
      }
    }
  }
})

test('a layout that does not add up is damage at the place of the block', (t) => {
  for (const [title, make] of Object.entries({
    'shorter than a restart count': () => new Block(Buffer.alloc(3), FILE, 8192),
    '2^32 - 1 restart points': () => rawBlock('', [0], 0xffff_ffff),
    'a count whose size wraps in 32 bits': () => rawBlock('', [0], 0x4000_0000),
    'one restart point too many': () => rawBlock('', [0], 2),
    'entries without a restart point': () => rawBlock('000000', []),
    'a first restart point behind the first entry': () => rawBlock('000000000000', [3]),
    'a restart point past the entries': () => rawBlock('000000', [0, 3]),
    'a restart point of 2^32 - 1': () => rawBlock('000000', [0, 0xffff_ffff]),
    'restart points that do not ascend': () => rawBlock('000000000000000000', [0, 6, 3]),
    'a restart point without entries': () => rawBlock('', [0, 0]),
  })) {
    const error = t.throws<SluiceError>(make, { code: 'LEVEL_CORRUPTION' }, title)
    t.is(error.file, FILE, title)
    t.is(error.offset, 8192, title)
  }
})

test('an entry that does not add up is damage, and leaves the cursor without an entry', (t) => {
  const max = 'ffffffff0f'
  for (const [hex, title] of [
    ['00', 'lengths cut'],
    ['808080', 'lengths cut inside a varint'],
    ['00ffffffff1f00', 'a length above 2^32'],
    ['010000', 'shares with nothing before it'],
    ['000100', 'key past the end'],
    ['000001', 'value past the end'],
    [`00${max}0a` + '00'.repeat(20), 'non_shared + value_size wraps to a small number'],
    [`000a${max}` + '00'.repeat(20), 'value of 2^32 - 1 bytes'],
    [`00${max}${max}`, 'both'],
    [`${max}0000`, 'shared of 2^32 - 1'],
  ] as const) {
    const cursor = cursorOn(rawBlock(hex, [0]))
    const error = t.throws<SluiceError>(
      () => cursor.seekToFirst(),
      { code: 'LEVEL_CORRUPTION' },
      title,
    )
    t.is(error.file, FILE, title)
    t.is(error.offset, 8192, title)
    t.false(cursor.isValid, title)
  }
})

test('a seek meets the same damage at a restart point', (t) => {
  const good = '000a01 6161 0101000000000000 30'
  const target = makeInternalKey(Buffer.from('zz'), 1, 1)
  for (const [hex, title] of [
    ['010900 62 0101000000000000', 'a restart entry that shares'],
    ['0009', 'lengths cut'],
    ['00ffffffff0f00', 'key past the end'],
    ['000700 01010000000000', 'a key without room for a tag'],
  ] as const) {
    const cursor = cursorOn(rawBlock(good + hex, [0, 14]))
    t.throws(() => cursor.seek(target, 0, target.length), { code: 'LEVEL_CORRUPTION' }, title)
    t.false(cursor.isValid, title)
  }
  const short = cursorOn(rawBlock('000700 01010000000000', [0]))
  t.throws(() => short.seek(target, 0, target.length), { code: 'LEVEL_CORRUPTION' })
})

test('a cursor moves to another block and keeps nothing of the last', (t) => {
  const cursor = new BlockCursor()
  const first = entry('a-key-that-needs-a-larger-buffer'.repeat(10), 1, 1, 'x')
  cursor.open(new Block(buildBlock([first], 1), FILE, 0))
  t.true(cursor.seekToFirst())
  t.true(isAt(cursor, first))
  const second = entry('b', 1, 1, 'y')
  cursor.open(new Block(buildBlock([second], 1), FILE, 0))
  t.false(cursor.isValid)
  t.true(cursor.next())
  t.true(isAt(cursor, second))
  cursor.open(undefined)
  t.throws(() => cursor.next(), { message: 'the cursor has no block' })
})
