// A program written for classic-level does the same on SluiceLevel, with the import changed.
//
// That its types fit is checked by the compiler, over the two files that are imported here.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import test from 'ava'
import { ROOT } from '../house/source-tree.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { usePeople as useClassic } from './classic-user.ts'
import { usePeople as useSluice } from './sluice-user.ts'

function programOf(name: string): string {
  const text = fs.readFileSync(join(ROOT, 'test/level', name), 'utf8')
  return text.slice(text.indexOf('import {'))
}

test('the two programs differ in their import alone', (t) => {
  const changed = programOf('classic-user.ts')
    .replace('  ClassicLevel,\n', '  SluiceLevel as ClassicLevel,\n')
    .replace("from 'classic-level'", "from '../../ts/index.ts'")
  t.is(programOf('sluice-user.ts'), changed)
})

test('the program uses every name that the types of classic-level export', (t) => {
  const require = createRequire(import.meta.url)
  const types = require.resolve('classic-level').replace(/\.js$/, '.d.ts')
  const declared = fs
    .readFileSync(types, 'utf8')
    .matchAll(/^(?:export|declare) (?:declare )?(?:class|interface|type) (\w+)/gm)
  const names = [...declared].map(([, name]) => name)
  t.true(names.length > 20)
  const [imports] = programOf('classic-user.ts').split('}')
  const missing = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(imports!))
  t.deepEqual(missing, [])
})

test('it reads the same from both', async (t) => {
  const [classic, sluice] = await Promise.all([
    useClassic(scratchDirectory(t, FAST_ROOT)),
    useSluice(scratchDirectory(t, FAST_ROOT)),
  ])
  t.deepEqual(sluice, classic)
  t.deepEqual(sluice[2], [['in', { name: 'Sub' }]])
})
