// abstract-level's own suite, whole, on a new directory for each database.

import { join } from 'node:path'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import test from 'ava'
import { SluiceLevel } from '../../ts/level/sluice-level.ts'
import { FAST_ROOT } from '../platform/scratch-directory.ts'
import { tapeFor } from './tape.ts'

interface Suite {
  (common: object): void
  common(options: object): object
}

// It has no types.
const suite = createRequire(import.meta.url)('abstract-level/test') as Suite
const root = fs.mkdtempSync(join(FAST_ROOT, 'sluicedb-suite-'))
test.after.always(() => {
  fs.rmSync(root, { recursive: true, force: true })
})

let directories = 0
suite(
  suite.common({
    test: tapeFor(test),
    factory: (options: object) => new SluiceLevel(join(root, `${++directories}`), options),
  }),
)
