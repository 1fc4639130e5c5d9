// Databases for the tests of this floor, closed and removed behind each.

import type { ExecutionContext } from 'ava'
import type { AbstractSublevelOptions } from 'abstract-level'
import { type DatabaseOptions, type LevelSublevel, SluiceLevel } from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

export async function openLevel<V = string>(
  t: ExecutionContext,
  options: DatabaseOptions<string, V> = {},
): Promise<SluiceLevel<string, V>> {
  const db = new SluiceLevel<string, V>(scratchDirectory(t, FAST_ROOT), options)
  await db.open()
  t.teardown(() => db.close())
  return db
}

export async function openSublevel<V = string>(
  db: SluiceLevel,
  name: string,
  options: AbstractSublevelOptions<string, V> = {},
): Promise<LevelSublevel<SluiceLevel, string, V>> {
  const sublevel = db.sublevel<string, V>(name, options)
  await sublevel.open()
  return sublevel
}
