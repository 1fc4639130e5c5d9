// The kinds of operation of the model, by name, with how often each is drawn.
//
// An operation is a kind and a seed: what it does follows from the seed and from the world it meets,
// so that a history stays one when operations are left out of it.

import type { Random } from '../crash/random.ts'
import { DIRECTORY_OPERATIONS } from './directory-operations.ts'
import { READ_OPERATIONS } from './read-operations.ts'
import { READER_OPERATIONS } from './reader-operations.ts'
import { SCAN_OPERATIONS } from './scan-operations.ts'
import { TREE_OPERATIONS } from './tree-operations.ts'
import type { World } from './world.ts'
import { WRITE_OPERATIONS } from './write-operations.ts'

export interface OperationKind {
  readonly name: string
  /** Of how many draws among all weights. */
  readonly weight: number
  /** Does it to the database and to the map, and throws where they differ. */
  readonly run: (world: World, random: Random) => Promise<void> | void
}

export const OPERATION_KINDS: readonly OperationKind[] = [
  ...WRITE_OPERATIONS,
  ...READ_OPERATIONS,
  ...DIRECTORY_OPERATIONS,
  ...SCAN_OPERATIONS,
  ...TREE_OPERATIONS,
  ...READER_OPERATIONS,
]
