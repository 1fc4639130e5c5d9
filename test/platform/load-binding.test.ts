// The choice of the binding, and the reason that is kept.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadBinding } from '../../ts/platform/load-binding.ts'
import { loadNativeModule } from '../../ts/platform/native-binding.ts'
import { prebuiltFolder } from '../../ts/platform/prebuilt.ts'
import { nativeBinding } from './both-bindings.ts'
import { runChild } from './child-process.ts'
import { scratchDirectory } from './scratch-directory.ts'

const REPORT = 'platform/report-binding.js'

test('without a module anywhere the twin is chosen and the reason names every place', (t) => {
  const root = scratchDirectory(t)
  const binding = loadBinding({}, root)
  t.is(binding.kind, 'js')
  for (const place of [
    join('build', 'Release'),
    join('native', 'build', 'Release'),
    prebuiltFolder(),
  ]) {
    const file = join(root, place, 'sluicedb.node')
    t.true(binding.reason?.includes(`${file}: not there`), binding.reason)
  }
})

test('a file that is no module is a reason, and the next place is tried', (t) => {
  const root = scratchDirectory(t)
  fs.mkdirSync(join(root, 'build', 'Release'), { recursive: true })
  fs.writeFileSync(join(root, 'build', 'Release', 'sluicedb.node'), 'not a shared library')
  const binding = loadBinding({}, root)
  t.is(binding.kind, 'js')
  t.regex(binding.reason ?? '', /build.Release.sluicedb\.node: .*;.*native/)
})

test('a forced native binding that cannot load is an Error with every reason', (t) => {
  const root = scratchDirectory(t)
  const error = t.throws(() => loadBinding({ SLUICEDB_BINDING: 'native' }, root))
  t.regex(error.message, /^SLUICEDB_BINDING is native, but no native module loaded: /)
  t.true(error.message.includes(join(root, 'native', 'build', 'Release', 'sluicedb.node')))
})

test('a forced twin is the twin and says that it was forced', (t) => {
  const binding = loadBinding({ SLUICEDB_BINDING: 'js' })
  t.is(binding.kind, 'js')
  t.is(binding.reason, 'SLUICEDB_BINDING is js')
})

test('any other value of SLUICEDB_BINDING is an Error', (t) => {
  for (const value of ['JS', 'c++', 'Native', ' ']) {
    const error = t.throws(() => loadBinding({ SLUICEDB_BINDING: value }))
    t.is(error.message, `SLUICEDB_BINDING must be 'native' or 'js', not '${value}'`)
  }
})

test('the variable decides at the import of the module', async (t) => {
  const js = await runChild(REPORT, [], [], { SLUICEDB_BINDING: 'js' })
  t.deepEqual([js.code, js.output], [0, 'js SLUICEDB_BINDING is js\n'])
  const wrong = await runChild(REPORT, [], [], { SLUICEDB_BINDING: 'nativ' })
  t.not(wrong.code, 0)
  t.regex(wrong.output, /SLUICEDB_BINDING must be 'native' or 'js', not 'nativ'/)
})

const testNative = nativeBinding === undefined ? test.skip : test

testNative('native where it was built, without a reason', async (t) => {
  const unforced = await runChild(REPORT, [], [], { SLUICEDB_BINDING: '' })
  t.deepEqual([unforced.code, unforced.output], [0, 'native undefined\n'])
  const forced = await runChild(REPORT, [], [], { SLUICEDB_BINDING: 'native' })
  t.deepEqual([forced.code, forced.output], [0, 'native undefined\n'])
})

testNative('a process that may not load addons falls back and says why', async (t) => {
  const result = await runChild(REPORT, [], ['--no-addons'], { SLUICEDB_BINDING: '' })
  t.is(result.code, 0)
  t.regex(result.output, /^js no native module loaded: .*addons/)
})

test('a module without a function that is needed is refused', (t) => {
  const file = join(scratchDirectory(t), 'old.cjs')
  fs.writeFileSync(file, 'exports.crc32c = () => 0xe3069283')
  t.throws(() => loadNativeModule(file), { message: 'the module is of another version' })
})

test('a module whose checksum is wrong is refused', (t) => {
  const file = join(scratchDirectory(t), 'wrong.cjs')
  const names = [
    'crc32c',
    'compressSnappy',
    'expandSnappy',
    'createLog',
    'syncDirectory',
    'lockFile',
  ]
  fs.writeFileSync(file, names.map((name) => `exports.${name} = () => 0xe3069282`).join('\n'))
  t.throws(() => loadNativeModule(file), { message: 'its checksums are wrong' })
})

/** The head of a program that names `interpreter` as its loader. */
function programHead(interpreter: string): Buffer {
  const text = `${interpreter}\0`
  const head = Buffer.alloc(64 + 2 * 56 + text.length)
  head.write('7f454c460201', 'hex')
  head.writeBigUInt64LE(64n, 32)
  head.writeUInt16LE(56, 54)
  head.writeUInt16LE(2, 56)
  head.writeUInt32LE(6, 64)
  head.writeUInt32LE(3, 64 + 56)
  head.writeBigUInt64LE(64n + 112n, 64 + 56 + 8)
  head.writeBigUInt64LE(BigInt(text.length), 64 + 56 + 32)
  head.write(text, 64 + 112)
  return head
}

test('the shipped module is chosen by platform, processor and, on Linux, C library', (t) => {
  const directory = scratchDirectory(t)
  const musl = join(directory, 'musl')
  const glibc = join(directory, 'glibc')
  const short = join(directory, 'short')
  fs.writeFileSync(musl, programHead('/lib/ld-musl-x86_64.so.1'))
  fs.writeFileSync(glibc, programHead('/lib64/ld-linux-x86-64.so.2'))
  fs.writeFileSync(short, programHead('/lib/ld-musl-x86_64.so.1').subarray(0, 70))
  t.is(prebuiltFolder('linux', 'x64', musl), 'prebuilds/linux-x64-musl')
  t.is(prebuiltFolder('linux', 'arm64', musl), 'prebuilds/linux-arm64-musl')
  t.is(prebuiltFolder('linux', 'x64', glibc), 'prebuilds/linux-x64')
  t.is(prebuiltFolder('linux', 'x64', short), 'prebuilds/linux-x64')
  t.is(prebuiltFolder('linux', 'x64', join(directory, 'missing')), 'prebuilds/linux-x64')
  t.is(prebuiltFolder('darwin', 'arm64', musl), 'prebuilds/darwin-arm64')
  t.is(prebuiltFolder('win32', 'x64', glibc), 'prebuilds/win32-x64')
})
