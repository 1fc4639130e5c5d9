// Tables that left the current version and wait to be removed.
//
//   an edit that drops them is durable ── no version that is live has them ── closed ── unlinked
//
// Invariants:
//   A table is unlinked only when neither the current version nor a retained one has it, and never
//   while a failure is set: the manifest that the next open reads may then be an older one.
//   Best effort: what cannot be unlinked is the next open's.
//   One unlink at a time, so that at most one thread of the pool is held.
//   Behind close() nothing is removed: a read that ends late gives its version up when the directory
//   may be another database's.

import { join } from 'node:path'
import { isMissing } from '../format/error.ts'
import { oldTableFileName, tableFileName } from '../format/file-name.ts'
import type { FileSystem } from '../platform/file-system.ts'
import type { InfoLog } from '../platform/info-log.ts'
import type { TableCache } from '../table/table-cache.ts'
import type { VersionSet } from '../version/version-set.ts'

export interface ObsoleteTablesContext {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly infoLog: InfoLog
  readonly versions: VersionSet
  readonly tables: TableCache
  /** Whether anything may be removed now. */
  mayRemove(): boolean
}

export class ObsoleteTables {
  readonly #context: ObsoleteTablesContext
  readonly #waiting = new Set<number>()
  #removing: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(context: ObsoleteTablesContext) {
    this.#context = context
  }

  /** Takes tables that the current version no longer has. */
  add(numbers: Iterable<number>): void {
    for (const number of numbers) this.#waiting.add(number)
    this.removeUnused()
  }

  /** Begins to remove those that nobody uses. */
  removeUnused(): void {
    const { versions, tables } = this.#context
    if (this.#isClosed || this.#waiting.size === 0 || !this.#context.mayRemove()) return
    const live = versions.liveFileNumbers()
    for (const number of this.#waiting) {
      if (live.has(number)) continue
      this.#waiting.delete(number)
      tables.evict(number)
      this.#removing = this.#removing.then(() => this.#unlink(number))
    }
  }

  /** Begins no more, and resolves when every removal that was begun has ended. Never rejects. */
  close(): Promise<void> {
    this.#isClosed = true
    return this.#removing
  }

  async #unlink(number: number): Promise<void> {
    const { fileSystem, directory, infoLog } = this.#context
    for (const name of [tableFileName(number), oldTableFileName(number)]) {
      try {
        await fileSystem.unlink(join(directory, name))
        return
      } catch (error) {
        if (isMissing(error)) continue
        infoLog.write(`cannot remove ${name}: ${String(error)}`)
        return
      }
    }
  }
}
