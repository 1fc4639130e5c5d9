// docs/api.md says what the types say, of everything that is exported.

import fs from 'node:fs'
import test from 'ava'
import { API_PAGE, packageExports, renderPage } from '../../scripts/api-docs.ts'
import * as sluicedb from '../../ts/index.ts'

const page = fs.readFileSync(API_PAGE, 'utf8')

test('docs/api.md is what `node dist/scripts/api-docs.js` writes', (t) => {
  const written = renderPage(page, packageExports())
  t.true(page === written, 'run node dist/scripts/api-docs.js, and look at what it changes')
})

test('every name that the package exports is found in its declarations', (t) => {
  const names = packageExports()
  for (const name of Object.keys(sluicedb)) t.is(names.get(name)?.isType, false, name)
  t.throws(() => renderPage(page, new Map([...names, ['Unwritten', names.get('DB')!]])), {
    message: /lacks Unwritten/,
  })
  names.delete('DB')
  t.throws(() => renderPage(page, names), { message: /DB .*not exported/ })
})

test('methods, fields, options and their words are on the page', (t) => {
  for (const text of [
    '- `put(key: Uint8Array, value: Uint8Array, options?: DBWriteOptions): Promise<void>`  \n  Stores `value`',
    "| `compression?` | `'none' \\| 'snappy'` | How blocks are compressed. Default 'snappy'. |",
    '| `gte?` | `Uint8Array` | Keys from this one on. |',
    "    readonly type: 'compaction-failed';\n",
    '  filter          a filter that is damaged, or hides a key of its table\n',
  ]) {
    t.true(page.includes(text), text)
  }
})

test('every error code has a row', (t) => {
  const codes = /^type ErrorCode = (.*);$/m.exec(page)![1]!.split(' | ')
  const rows = [...page.matchAll(/^\| `(LEVEL_\w+)` \|/gm)].map(([, code]) => `'${code}'`)
  t.deepEqual(rows.toSorted(), codes.toSorted())
})
