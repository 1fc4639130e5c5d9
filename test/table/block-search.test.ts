// The search without copies finds what the cursor finds, and objects where it objects.

import test from 'ava'
import {
  compareBytes,
  compareInternal,
  makeInternalKey,
  TAG_SIZE,
} from '../../ts/format/internal-key.ts'
import { BlockSearch } from '../../ts/table/block-search.ts'
import { Block, BlockCursor } from '../../ts/table/block.ts'
import { Random } from '../crash/random.ts'
import { SEED, buildBlock, entry, randomEntries } from './entries.ts'

const FILE = 'db/000005.ldb'
const search = new BlockSearch()

/** 'type value' of the newest entry not above the target of its user key, undefined, or the error. */
function bySearch(contents: Buffer, target: Buffer): string | undefined {
  try {
    const block = new Block(contents, FILE, 7)
    if (!search.find(block, target, target.length)) return undefined
    return `${search.type} ${contents.toString('hex', search.valueStart, search.valueEnd)}`
  } catch (error) {
    return String(error)
  }
}

function byCursor(contents: Buffer, target: Buffer): string | undefined {
  try {
    const cursor = new BlockCursor()
    cursor.open(new Block(contents, FILE, 7))
    if (!cursor.seek(target, 0, target.length)) return undefined
    const { key, keyLength } = cursor
    const end = keyLength - TAG_SIZE
    if (compareBytes(key, 0, end, target, 0, target.length - TAG_SIZE) !== 0) return undefined
    return `${key[end]} ${contents.toString('hex', cursor.valueStart, cursor.valueEnd)}`
  } catch (error) {
    return String(error)
  }
}

test('every version of every key is found, whatever the restart interval', (t) => {
  const random = new Random(SEED)
  for (let round = 0; round < 60; round++) {
    const entries = randomEntries(random, random.between(1, 120), 40)
    const contents = buildBlock(entries, random.between(1, 20))
    for (let i = 0; i < 200; i++) {
      const known = random.pick(entries).key
      const user = known.subarray(0, known.length - TAG_SIZE)
      const tail = random.percent(40) ? random.bytes(random.below(3)) : Buffer.alloc(0)
      const target = makeInternalKey(Buffer.concat([user, tail]), random.below(140), 1)
      t.is(bySearch(contents, target), byCursor(contents, target), `seed ${SEED}, round ${round}`)
    }
  }
})

test('user keys whose bytes look like the tag of the key before are told apart', (t) => {
  // The tag of ('a', 5) is 01 05 00 ...: the next user key goes on with it.
  const keys = ['a', 'a\x01\x05\0\0\0\0\0\0', 'a\x01\x05\0\0\0\0\0\0x', 'a\x01\x05\0b', 'a\x01\x06']
  const entries = keys.map((user, i) => entry(user, 5, 1, `value ${i}`))
  const contents = buildBlock(entries, 16)
  for (const { key } of entries) t.is(bySearch(contents, key), byCursor(contents, key))
  t.is(bySearch(contents, entries[1]!.key), `1 ${Buffer.from('value 1').toString('hex')}`)
})

/** Whether the cursor walks the whole block, and finds its keys in order. */
function isInOrder(contents: Buffer): boolean {
  try {
    const cursor = new BlockCursor()
    cursor.open(new Block(contents, FILE, 7))
    let last: Buffer | undefined
    while (cursor.next()) {
      const { key, keyLength } = cursor
      if (keyLength < TAG_SIZE) return false
      if (last && compareInternal(last, 0, last.length, key, 0, keyLength) >= 0) return false
      last = Buffer.from(key.subarray(0, keyLength))
    }
    return true
  } catch {
    return false
  }
}

test('with flipped bits it finds what the cursor finds, where the keys are still in order', (t) => {
  const random = new Random(SEED)
  let compared = 0
  for (let round = 0; round < 5000; round++) {
    const entries = randomEntries(random, random.between(1, 20), 20)
    const contents = buildBlock(entries, random.between(1, 6))
    contents[random.below(contents.length)]! ^= 1 << random.below(8)
    const target = random.pick(entries).key
    const found = bySearch(contents, target)
    if (!isInOrder(contents)) {
      if (found?.includes('Error') === true) t.regex(found, /^SluiceError: Corruption: .* at 7$/)
      continue
    }
    compared++
    t.is(found, byCursor(contents, target), `seed ${SEED}, round ${round}`)
  }
  t.true(compared > 1000, `${compared}`)
})

test('each damage of an entry is told as the cursor tells it', (t) => {
  // One entry: shared, non-shared, value length; key of 9 bytes; then restarts [0].
  const tail = Buffer.from('0000000001000000', 'hex')
  const target = entry('b', 1, 1).key
  const key = entry('a', 1, 1).key.toString('hex')
  for (const [hex, message] of [
    [`0109 00 ${key}`, /shares/],
    [`0009 05 ${key}`, /past the end/],
    [`00ff ffffff0f 00 ${key}`, /past the end/],
    [`00ff ffffffff 00 ${key}`, /malformed/],
    [`0009 ff`, /past the end|malformed/],
    [`0007 00 ${key.slice(0, 14)}`, /too short/],
    [`0009 00 ${key} 0a00 00`, /shares more/],
  ] as const) {
    const contents = Buffer.concat([Buffer.from(hex.replaceAll(' ', ''), 'hex'), tail])
    const found = bySearch(contents, target)
    t.regex(found ?? '', message, hex)
    t.is(found, byCursor(contents, target), hex)
  }
})
