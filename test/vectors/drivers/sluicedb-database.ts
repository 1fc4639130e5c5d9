// Manifests and whole databases: the upper floors of SluiceDB.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DB } from '../../../ts/index.ts'
import { binding } from '../../../ts/platform/load-binding.ts'
import { NodeFileSystem } from '../../../ts/platform/node-file-system.ts'
import { readManifest } from '../../../ts/version/manifest-reader.ts'
import type { Json } from '../vector-file.ts'
import type { Handler } from './answer-loop.ts'
import { describeFile } from './sluicedb-format.ts'

async function readManifestBytes(bytes: Buffer): Promise<Json> {
  const directory = mkdtempSync(join(tmpdir(), 'sluicedb-driver-'))
  try {
    const path = join(directory, 'MANIFEST-000002')
    writeFileSync(path, bytes)
    const state = await readManifest(new NodeFileSystem(binding), path, 2)
    return {
      logNumber: String(state.logNumber),
      previousLogNumber: String(state.previousLogNumber),
      nextFileNumber: String(state.nextFileNumber),
      lastSequence: String(state.lastSequence),
      files: state.version.levels.flatMap((files, level) =>
        files.toSorted((a, b) => a.number - b.number).map((file) => describeFile(level, file)),
      ),
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Everything, in both directions. */
async function readAll(path: string): Promise<Json> {
  const db = await DB.open(path, { createIfMissing: false })
  try {
    const entries = await db.iterator().all()
    const backwards = await db.iterator({ reverse: true }).all()
    if (backwards.length !== entries.length) throw new Error('the two directions differ')
    return { entries: entries.map(([key, value]) => [key.toString('hex'), value.toString('hex')]) }
  } finally {
    await db.close()
  }
}

async function getEach(
  path: string,
  keys: readonly Buffer[],
  classOf: (error: unknown) => string | undefined,
): Promise<Json> {
  const db = await DB.open(path, { createIfMissing: false })
  const values: Json[] = []
  try {
    for (const key of keys) {
      try {
        const value = await db.get(key)
        values.push(value === undefined ? { absent: true } : { value: value.toString('hex') })
      } catch (error) {
        const errorClass = classOf(error)
        if (errorClass === undefined) throw error
        values.push({ error: errorClass })
      }
    }
    return { values }
  } finally {
    await db.close()
  }
}

export function databaseHandlers(
  classOf: (error: unknown) => string | undefined,
): Readonly<Record<string, Handler>> {
  return {
    'manifest.read': (question) => readManifestBytes(question.bytes('bytes')),
    'directory.read': (question) => readAll(question.text('path')),
    'directory.get': (question) =>
      getEach(question.text('path'), question.byteList('keys'), classOf),
    'directory.repair': async (question) => {
      await DB.repair(question.text('path'))
      return readAll(question.text('path'))
    },
  }
}
