// What manifests prove of tables.

import { join } from 'node:path'
import test from 'ava'
import { gatherEvidence } from '../../../ts/db/tools/manifest-evidence.ts'
import { manifestFileName } from '../../../ts/format/file-name.ts'
import { makeInternalKey } from '../../../ts/format/internal-key.ts'
import { emptyEdit, encodeEdit, type VersionEdit } from '../../../ts/version/version-edit.ts'
import { SimulatedDisk } from '../../crash/simulated-disk.ts'
import { SEED } from '../../format/seed.ts'

const DIRECTORY = '/home/db'

function edit(added: readonly number[], deleted: readonly number[]): VersionEdit {
  const made = emptyEdit()
  const smallest = makeInternalKey(Buffer.from('a'), 2, 1)
  const largest = makeInternalKey(Buffer.from('b'), 1, 1)
  for (const number of deleted) made.deletedFiles.push({ level: 0, number })
  for (const number of added) {
    made.newFiles.push({ level: 1, file: { number, sizeBytes: 100, smallest, largest } })
  }
  return made
}

async function deadTables(...manifests: (readonly VersionEdit[])[]): Promise<number[]> {
  const disk = new SimulatedDisk(SEED)
  await disk.createDirectory(DIRECTORY)
  for (const [index, edits] of manifests.entries()) {
    const log = await disk.createLog(join(DIRECTORY, manifestFileName(index + 1)))
    for (const record of edits.map(encodeEdit)) await log.append(record, 0, record.length, true)
    await log.close()
  }
  const evidence = await gatherEvidence(
    disk,
    DIRECTORY,
    manifests.map((_, index) => index + 1),
  )
  return [...evidence.deadTables]
}

test('a table that an edit takes out is dead, and one that it moves is not', async (t) => {
  t.deepEqual(await deadTables([edit([5, 6], []), edit([7], [5])]), [5])
  t.deepEqual(await deadTables([edit([5, 6], []), edit([5], [5])]), [])
})

test('a table that a later manifest has is not dead: the edit that took it out had failed', async (t) => {
  t.deepEqual(await deadTables([edit([5, 6], []), edit([7], [5])], [edit([5, 6], [])]), [])
  t.deepEqual(
    await deadTables([edit([5, 6], []), edit([7], [5])], [edit([5, 6], []), edit([8], [6])]),
    [6],
  )
})
