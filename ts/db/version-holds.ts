// One hold of the current version for all the reads that begin while it is current: to retain it for
// each of them costs as much as the rest of waiting.

import type { RetainedVersion, VersionSet } from '../version/version-set.ts'
import type { Version } from '../version/version.ts'

/** A version whose files are kept until it is released, by whoever took it, once. */
export interface VersionHold {
  readonly version: Version
  release(): void
}

class SharedHold implements VersionHold {
  readonly #retained: RetainedVersion
  #readers = 0

  constructor(retained: RetainedVersion) {
    this.#retained = retained
  }

  get version(): Version {
    return this.#retained.version
  }

  get isReleased(): boolean {
    return this.#readers === 0
  }

  take(): this {
    this.#readers++
    return this
  }

  release(): void {
    if (--this.#readers === 0) this.#retained.release()
  }
}

export class VersionHolds {
  readonly #versions: VersionSet
  #last: SharedHold | undefined

  constructor(versions: VersionSet) {
    this.#versions = versions
  }

  /** The current version, held. */
  take(): VersionHold {
    let hold = this.#last
    if (hold === undefined || hold.isReleased || hold.version !== this.#versions.current) {
      hold = new SharedHold(this.#versions.retain())
      this.#last = hold
    }
    return hold.take()
  }
}
