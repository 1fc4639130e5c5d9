// What may be a key or a value, whoever made it and whatever happened to its memory.

import { runInNewContext } from 'node:vm'
import test from 'ava'
import { keyError, valueError } from '../../ts/format/user-bytes.ts'
import { WriteBatch } from '../../ts/format/write-batch.ts'

/** Growing and shrinking buffers are in Node 20, and not yet in the types of ES2023. */
interface Resizable extends ArrayBuffer {
  resize(sizeBytes: number): void
}

type ResizableConstructor = new (sizeBytes: number, options: object) => Resizable

function resizable(sizeBytes: number, maxByteLength: number): Resizable {
  const options = { maxByteLength }
  return new (ArrayBuffer as unknown as ResizableConstructor)(sizeBytes, options)
}

/** The only write of the batch that `bytes` go through, as key and as value. */
function roundTrip(bytes: Uint8Array): Buffer[] {
  const found: Buffer[] = []
  new WriteBatch().put(bytes, bytes).iterate({
    put: (key, value) => found.push(key, value),
    delete: () => undefined,
  })
  return found
}

const NO_BYTES: readonly (readonly [what: string, value: unknown])[] = [
  ['null', null],
  ['undefined', undefined],
  ['a string', 'key'],
  ['an empty string', ''],
  ['a number', 1],
  ['a bigint', 1n],
  ['a boolean', true],
  ['a symbol', Symbol('key')],
  ['a function', () => Buffer.of(1)],
  ['an array', [1, 2, 3]],
  ['an object like an array', { length: 1, 0: 1 }],
  ['an ArrayBuffer', new ArrayBuffer(3)],
  ['a SharedArrayBuffer', new SharedArrayBuffer(3)],
  ['a DataView', new DataView(new ArrayBuffer(3))],
  ['an Int8Array', new Int8Array(3)],
  ['a Uint8ClampedArray', new Uint8ClampedArray(3)],
  ['a Uint16Array', new Uint16Array(3)],
  ['a Float64Array', new Float64Array(3)],
  ['a String object', Object('key')],
]

for (const [what, value] of NO_BYTES) {
  test(`neither key nor value: ${what}`, (t) => {
    t.is(keyError(value)?.code, 'LEVEL_INVALID_KEY')
    t.is(valueError(value)?.code, 'LEVEL_INVALID_VALUE')
  })
}

test('an empty array of bytes is a key and a value', (t) => {
  for (const empty of [Buffer.alloc(0), new Uint8Array(0), new Uint8Array(new ArrayBuffer(8), 8)]) {
    t.is(keyError(empty), undefined)
    t.is(valueError(empty), undefined)
    t.deepEqual(roundTrip(empty), [Buffer.alloc(0), Buffer.alloc(0)])
  }
})

test('a view of a detached buffer is refused, not taken for empty', (t) => {
  const bytes = new Uint8Array([1, 2, 3])
  const part = new Uint8Array(bytes.buffer, 1, 2)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  for (const view of [bytes, part]) {
    t.is(view.length, 0)
    t.is(keyError(view)?.code, 'LEVEL_INVALID_KEY')
    t.is(valueError(view)?.code, 'LEVEL_INVALID_VALUE')
  }
})

test('a view that its buffer shrank away from is refused, not taken for empty', (t) => {
  const memory = resizable(16, 32)
  const fixed = new Uint8Array(memory, 4, 8)
  const tracking = new Uint8Array(memory, 4)
  t.is(keyError(fixed), undefined)
  memory.resize(8)
  t.is(fixed.length, 0)
  t.is(keyError(fixed)?.code, 'LEVEL_INVALID_KEY')
  t.is(valueError(fixed)?.code, 'LEVEL_INVALID_VALUE')
  t.is(keyError(tracking), undefined)
  memory.resize(2)
  t.is(tracking.length, 0)
  t.is(valueError(tracking)?.code, 'LEVEL_INVALID_VALUE')
  memory.resize(16)
  t.is(valueError(fixed), undefined)
})

test('a view of shared memory is bytes like any other', (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(300)).fill(7)
  for (const view of [shared, shared.subarray(3, 5), shared.subarray(0, 100)]) {
    t.is(keyError(view), undefined)
    t.is(valueError(view), undefined)
    t.deepEqual(roundTrip(view), [Buffer.alloc(view.length, 7), Buffer.alloc(view.length, 7)])
  }
})

test('an array of another realm is bytes like any other', (t) => {
  for (const source of [
    'Uint8Array.of(1, 2, 3)',
    'new Uint8Array(100).fill(3)',
    'new Uint8Array(0)',
  ]) {
    const foreign = runInNewContext(source) as Uint8Array
    t.false(foreign instanceof Uint8Array)
    t.is(keyError(foreign), undefined)
    t.is(valueError(foreign), undefined)
    t.deepEqual(roundTrip(foreign), [Buffer.from([...foreign]), Buffer.from([...foreign])])
  }
  for (const source of [
    'new Int8Array(3)',
    'new Uint8ClampedArray(3)',
    'new DataView(new ArrayBuffer(3))',
    '[1]',
  ]) {
    t.is(keyError(runInNewContext(source))?.code, 'LEVEL_INVALID_KEY', source)
  }
})

test('a subclass of Uint8Array and a part of a larger Buffer are bytes', (t) => {
  class Bytes extends Uint8Array {}
  t.deepEqual(roundTrip(Bytes.of(1, 2, 3)), [Buffer.of(1, 2, 3), Buffer.of(1, 2, 3)])
  const part = Buffer.from('xxkeyxx').subarray(2, 5)
  t.deepEqual(roundTrip(part), [Buffer.from('key'), Buffer.from('key')])
})

test('an object that only has the prototype of a Uint8Array is refused', (t) => {
  const impostor: unknown = Object.create(Uint8Array.prototype)
  t.is(keyError(impostor)?.code, 'LEVEL_INVALID_KEY')
  t.is(valueError(impostor)?.code, 'LEVEL_INVALID_VALUE')
})

test('a Buffer that is changed after the call has changed nothing', (t) => {
  for (const size of [1, 8, 12, 13, 48, 49, 5000]) {
    const key = Buffer.alloc(size, 1)
    const value = Buffer.alloc(size, 2)
    const batch = new WriteBatch().put(key, value).delete(key)
    key.fill(9)
    value.fill(9)
    const found: Buffer[] = []
    batch.iterate({ put: (k, v) => found.push(k, v), delete: (k) => found.push(k) })
    t.deepEqual(found, [Buffer.alloc(size, 1), Buffer.alloc(size, 2), Buffer.alloc(size, 1)])
  }
})
