// The choice of the binding, and the reason that is kept.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadBinding } from '../../ts/platform/load-binding.ts'
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
    join('prebuilds', `${process.platform}-${process.arch}`),
  ]) {
    t.true(binding.reason?.includes(join(root, place, 'sluicedb.node')), binding.reason)
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
