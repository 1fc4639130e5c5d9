// What a table builder must be told. Plain data: it is sent to a worker with the job.

export type CompressionName = 'none' | 'snappy'

export interface TableOptions {
  /** Bytes of a data block before compression, at which it is cut. LevelDB's default is 4096. */
  readonly blockSize: number
  /** Entries between two restart points, at least 1. LevelDB's default is 16. */
  readonly blockRestartInterval: number
  /** Bits of bloom filter a key; 0 writes no filter. classic-level's value is 10. */
  readonly filterBitsPerKey: number
  readonly compression: CompressionName
}
