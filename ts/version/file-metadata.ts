// What a version knows of a table file.

export interface FileMetadata {
  readonly number: number
  readonly sizeBytes: number
  /** The first and last internal keys in the table. */
  readonly smallest: Buffer
  readonly largest: Buffer
}
