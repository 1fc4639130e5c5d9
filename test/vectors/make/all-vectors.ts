// Every file below data/ that is made from facts, by its path.

import { existsSync, readdirSync } from 'node:fs'
import { DATA, type VectorFile } from '../vector-file.ts'
import { blockVectors } from './block-vectors.ts'
import { checksumVectors } from './checksum-vectors.ts'
import { codingVectors } from './coding-vectors.ts'
import { DataFiles } from './data-files.ts'
import { directoryVectors } from './directory-vectors.ts'
import { filterVectors } from './filter-vectors.ts'
import {
  batchVectors,
  fileNameVectors,
  internalKeyVectors,
  separatorVectors,
} from './key-vectors.ts'
import { levelDbVectors } from './leveldb-vectors.ts'
import { logVectors } from './log-vectors.ts'
import { editVectors, manifestVectors } from './manifest-vectors.ts'
import type { Bytes } from './reference.ts'
import { snappyVectors } from './snappy-vectors.ts'
import { tableVectors } from './table-vectors.ts'
import type { VectorList } from './vector-list.ts'

const ABOUT: Readonly<Record<string, string>> = {
  crc32c: 'CRC-32C, and the mask over every stored checksum',
  coding: 'fixed and variable integers',
  'internal-key': 'a user key with its sequence and type, and their order',
  separator: 'the short keys between data blocks in the index of a table',
  batch: 'write batches: the records of a log',
  'file-name': 'the names in a database directory',
  log: 'log files: fragments, ends, damage',
  block: 'blocks of a table: entries, restart points, seeks, trailers',
  filter: 'bloom filters, and the filter block over them',
  snappy: 'Snappy data without a frame, as blocks hold it',
  table: 'whole tables',
  'version-edit': 'records of a manifest',
  manifest: 'manifests: what their records come to',
  directory: 'databases: everything together',
  leveldb: 'what C++ LevelDB wrote, and SluiceDB, with what the calls were that wrote it',
}

export function allFiles(): Map<string, Bytes> {
  const files = new DataFiles()
  const lists: Readonly<Record<string, VectorList>> = {
    crc32c: checksumVectors(),
    coding: codingVectors(),
    'internal-key': internalKeyVectors(),
    separator: separatorVectors(),
    batch: batchVectors(),
    'file-name': fileNameVectors(),
    log: logVectors(),
    block: blockVectors(),
    filter: filterVectors(),
    snappy: snappyVectors(),
    table: tableVectors(files),
    'version-edit': editVectors(),
    manifest: manifestVectors(),
    directory: directoryVectors(files),
    leveldb: levelDbVectors(),
  }
  for (const [kind, { vectors }] of Object.entries(lists)) {
    checkNames(vectors.map(({ name }) => name))
    files.add(`${kind}.json`, Buffer.from(textOf({ about: ABOUT[kind]!, vectors })))
  }
  return files.bytes
}

/** The files that are there and belong to what is made here. */
export function dataPaths(): string[] {
  if (!existsSync(DATA)) return []
  return readdirSync(DATA, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /^(?:[^/]+\.json|tables\/[^/]+)$/.test(path))
}

/** A line for each vector, so that a change shows as what it is. */
function textOf({ about, vectors }: VectorFile): string {
  const lines = vectors.map((vector) => `    ${JSON.stringify(vector)}`)
  return `{\n  "about": ${JSON.stringify(about)},\n  "vectors": [\n${lines.join(',\n')}\n  ]\n}\n`
}

function checkNames(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    if (seen.has(name)) throw new Error(`two vectors are called ${name}`)
    seen.add(name)
  }
}
