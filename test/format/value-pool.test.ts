// Values that callers get: whole, and apart from each other.

import test from 'ava'
import { Bytes } from '../../ts/format/copy-words.ts'
import { copyOut } from '../../ts/format/value-pool.ts'
import { Random } from '../crash/random.ts'
import { SEED } from './seed.ts'

test('every value is the range it was asked for, and stays it when others are written', (t) => {
  const random = new Random(SEED)
  const source = Bytes.allocate(100_000)
  random.bytes(100_000).copy(source.buffer)
  const values: { value: Buffer; start: number }[] = []
  for (let i = 0; i < 2000; i++) {
    const size = random.percent(10) ? random.below(20_000) : random.below(300)
    const start = random.below(100_000 - size)
    const value = copyOut(source, start, start + size)
    if (value.length !== size) t.fail(`seed ${SEED}: ${value.length} bytes of ${size}`)
    if (random.percent(10)) value.fill(0xee)
    else values.push({ value, start })
  }
  for (const { value, start } of values) {
    const isSame = source.buffer.subarray(start, start + value.length).equals(value)
    if (!isSame) t.fail(`seed ${SEED}: the value at ${start} has changed`)
  }
  t.true(values.length > 1500)
})

test('a value is not a view of what it was copied from', (t) => {
  const source = Bytes.allocate(1000)
  source.buffer.fill(1)
  const values = [0, 1, 160, 161, 1000].map((size) => copyOut(source, 0, size))
  source.buffer.fill(2)
  t.true(values.every((value) => value.every((byte) => byte === 1)))
  t.deepEqual(
    values.map(({ length }) => length),
    [0, 1, 160, 161, 1000],
  )
})
