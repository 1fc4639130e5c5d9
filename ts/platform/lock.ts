// The lock of a database directory: at most one writer, whatever the spelling of the path.

export interface Lock {
  /** Gives the lock up. Idempotent. The LOCK file stays: unlinking it would race the next owner. */
  release(): Promise<void>
}
