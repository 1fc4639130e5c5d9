// Makes the vectors again: `node dist/test/vectors/make/make-vectors.js`.
//
// Needs nothing of ts/. The directories that were written by a database are made by
// make-directories.ts; here they are only described.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DATA } from '../vector-file.ts'
import { allFiles, dataPaths } from './all-vectors.ts'

const files = allFiles()
for (const [path, bytes] of files) {
  mkdirSync(dirname(join(DATA, path)), { recursive: true })
  writeFileSync(join(DATA, path), bytes)
}
for (const path of dataPaths()) {
  if (!files.has(path)) rmSync(join(DATA, path))
}
console.log(`wrote ${files.size} files`)
