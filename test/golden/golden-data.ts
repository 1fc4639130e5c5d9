// The golden files: what C++ LevelDB wrote, kept so that a change on either side is noticed. They
// stand among the vectors, which say what is in them: below test/vectors/data,
//
//   leveldb/index.json   what each file is, its size, and the command that made all of them
//   leveldb/*.bin.gz     the bytes, packed, since most of them are fillings of blocks

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type { Scenario } from './scenarios.ts'

/** In the sources: from dist/test/golden. */
export const DATA: string = fileURLToPath(
  new URL('../../../test/vectors/data/leveldb/', import.meta.url),
)
export const INDEX: string = join(DATA, 'index.json')

export interface GoldenIndex {
  readonly command: string
  readonly writtenBy: string
  readonly files: Readonly<Record<string, GoldenEntry>>
}

export interface GoldenEntry {
  readonly scenario: string
  /** The session, from 1, after which the file was taken. */
  readonly session: number
  readonly file: string
  readonly sizeBytes: number
}

/** The golden files of a scenario, by the names they have in data/. */
export function goldenEntriesOf({
  name,
  golden,
}: Scenario): [string, Omit<GoldenEntry, 'sizeBytes'>][] {
  return golden.map((place) => {
    const [session = '', file = ''] = place.split(':')
    const entry = { scenario: name, session: Number(session), file }
    return [`${name}-${session}-${file}.bin.gz`, entry]
  })
}

export function readIndex(): GoldenIndex {
  return JSON.parse(readFileSync(INDEX, 'utf8')) as GoldenIndex
}

/** Undefined when there is none. */
export function readGolden(name: string): Buffer | undefined {
  const path = join(DATA, name)
  return existsSync(path) ? gunzipSync(readFileSync(path)) : undefined
}
