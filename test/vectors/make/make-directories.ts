// Writes the directories of written-directories.ts again, before make-vectors.js describes them:
// `node dist/test/vectors/make/make-directories.js`.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, type Store } from '../../interop/stores.ts'
import { DATA } from '../vector-file.ts'
import { WRITTEN_DIRECTORIES, type WrittenDirectory } from './written-directories.ts'

/** Files of the data alone: the log of messages and the lock are nobody's. */
const DATA_FILE = /^(?:CURRENT|MANIFEST-\d+|\d+\.(?:ldb|log))$/

async function write({ by, options, steps }: WrittenDirectory, directory: string): Promise<void> {
  let store: Store = await openStore(by, directory, options)
  for (const step of steps) {
    if (step === 'compact') await store.rewrite()
    else if (step === 'reopen') {
      await store.close()
      store = await openStore(by, directory, options)
    } else await store.write(step)
  }
  await store.close()
}

const scratch = mkdtempSync(join(tmpdir(), 'sluicedb-vectors-'))
try {
  for (const written of WRITTEN_DIRECTORIES) {
    const source = join(scratch, written.name)
    const target = join(DATA, 'directories', written.name)
    await write(written, source)
    rmSync(target, { recursive: true, force: true })
    mkdirSync(target, { recursive: true })
    const names = readdirSync(source).filter((name) => DATA_FILE.test(name))
    for (const name of names) copyFileSync(join(source, name), join(target, name))
    console.log(`${written.name}: ${names.toSorted().join(' ')}`)
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
