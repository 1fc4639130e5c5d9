// Makes the golden files again, through classic-level: `node dist/test/golden/make-golden.js`.
//
// A file whose bytes are the same is left alone, so that another release of zlib changes nothing.
// Compare the changes with care: C++ LevelDB changes its files with a new version of the format.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import {
  DATA,
  type GoldenEntry,
  goldenEntriesOf,
  type GoldenIndex,
  INDEX,
  readGolden,
} from './golden-data.ts'
import { runScenario } from './runs.ts'
import { scenarios } from './scenarios.ts'

const scratch = mkdtempSync(join(tmpdir(), 'sluicedb-golden-'))
const files: Record<string, GoldenEntry> = {}
try {
  mkdirSync(DATA, { recursive: true })
  for (const scenario of scenarios) {
    const left = await runScenario(scenario, 'classic', join(scratch, scenario.name))
    for (const [name, entry] of goldenEntriesOf(scenario)) {
      const bytes = left[entry.session - 1]?.get(entry.file)
      if (bytes === undefined) throw new Error(`${scenario.name} leaves no ${entry.file}`)
      files[name] = { ...entry, sizeBytes: bytes.length }
      if (readGolden(name)?.equals(bytes) === true) continue
      writeFileSync(join(DATA, name), gzipSync(bytes, { level: 9 }))
      console.log(`wrote ${name}, ${bytes.length} bytes`)
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
for (const name of readdirSync(DATA)) {
  if (name.endsWith('.bin.gz') && !(name in files)) rmSync(join(DATA, name))
}
const manifestPath = createRequire(import.meta.url).resolve('classic-level/package.json')
const { version } = JSON.parse(readFileSync(manifestPath, 'utf8')) as { version: string }
const index: GoldenIndex = {
  command: 'node dist/test/golden/make-golden.js',
  writtenBy: `classic-level ${version} (C++ LevelDB 1.20)`,
  files,
}
writeFileSync(INDEX, `${JSON.stringify(index, undefined, 2)}\n`)
