// What the native module exports, called as nobody should: by hand and with anything.

import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import * as logBlock from '../../ts/format/log-block.ts'
import { loadNativeModule } from '../../ts/platform/native-binding.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const file = fileURLToPath(new URL('../../../build/Release/sluicedb.node', import.meta.url))
const testBuilt = fs.existsSync(file) ? test : test.skip

const NAMES = [
  'crc32c',
  'compressSnappy',
  'expandSnappy',
  'createLog',
  'syncDirectory',
  'lockFile',
  'createBlockFinder',
  'findInBlocks',
]

type AnyFunction = (...args: unknown[]) => unknown

/** The exports without their types. */
const exported = (): Record<string, AnyFunction> =>
  loadNativeModule(file) as unknown as Record<string, AnyFunction>

testBuilt('the numbers of the format are the same in C++', (t) => {
  t.deepEqual(loadNativeModule(file).constants, {
    BLOCK_SIZE: logBlock.BLOCK_SIZE,
    HEADER_SIZE: logBlock.HEADER_SIZE,
    TYPE_ZERO: logBlock.TYPE_ZERO,
    TYPE_FULL: logBlock.TYPE_FULL,
    TYPE_FIRST: logBlock.TYPE_FIRST,
    TYPE_MIDDLE: logBlock.TYPE_MIDDLE,
    TYPE_LAST: logBlock.TYPE_LAST,
  })
})

testBuilt('no argument of any kind does more than throw', (t) => {
  const strange = [
    undefined,
    null,
    1,
    -1,
    Number.NaN,
    1n,
    '',
    'a\0b',
    {},
    [],
    Symbol('s'),
    () => {},
  ]
  const native = exported()
  // Those that read blocks are not there on Windows.
  for (const name of NAMES.filter((name) => native[name] !== undefined)) {
    for (const one of strange) {
      t.throws(() => native[name]!(one), { any: true }, name)
      t.throws(() => native[name]!(one, one, one, one), { any: true }, name)
    }
    t.throws(() => native[name]!(), { instanceOf: TypeError })
  }
  const bytes = new Uint8Array(10)
  for (const [start, end] of [
    [0, 11],
    [-1, 5],
    [6, 5],
    [0, 1.5],
    [0, Number.POSITIVE_INFINITY],
  ]) {
    t.throws(() => native['crc32c']!(bytes, start, end), { instanceOf: RangeError })
  }
  t.throws(() => native['crc32c']!(bytes, 0), { instanceOf: TypeError })
})

testBuilt('a detached buffer has no bytes to give', (t) => {
  const bytes = new Uint8Array(10)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  t.throws(() => exported()['crc32c']!(bytes, 0, 10), { instanceOf: RangeError })
  t.is(exported()['crc32c']!(bytes, 0, 0), 0)
})

testBuilt(
  'the classes cannot be constructed, and their methods work on their own objects only',
  async (t) => {
    const path = `${scratchDirectory(t, FAST_ROOT)}/000003.log`
    const native = loadNativeModule(file)
    const log = await native.createLog(path, path)
    const lock = await native.lockFile(`${path}.lock`)
    for (const object of [log, lock]) {
      const Class = object!.constructor as new () => unknown
      t.throws(() => new Class(), { instanceOf: TypeError, message: 'Illegal constructor' })
    }
    const { append } = log as unknown as Record<string, AnyFunction>
    for (const self of [undefined, {}, lock, Object.create(log)]) {
      t.throws(() => append!.call(self, Buffer.alloc(1), 0, 1, false), { instanceOf: TypeError })
    }
    await log.close()
    lock!.release()
    lock!.release()
  },
)
