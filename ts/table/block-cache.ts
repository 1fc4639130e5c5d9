// The seam of a cache of data blocks between tables and whoever bounds their memory.

import type { Block } from './block.ts'

export interface BlockCache {
  /** The block stored at `offset` of the table, when it is kept. */
  get(fileNumber: number, offset: number): Block | undefined
  /** May keep the block; its memory is that of block.bytes. */
  set(fileNumber: number, offset: number, block: Block): void
}
