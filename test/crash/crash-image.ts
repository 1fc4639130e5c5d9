// What a crash leaves behind: the choice, under a policy, of what of the unsynced part is there.

import type { Random } from './random.ts'
import { applyOperation, applyWrites, Directory, Inode } from './simulated-tree.ts'
import type { Entry, EntryOperation, Write } from './simulated-tree.ts'

const PAGE_BYTES = 4096
const SECTOR_BYTES = 512

/**
 * What happens to the unsynced writes of one file.
 *   drop     none is there
 *   keep     all are there
 *   cache    what the running process saw: as `keep`, and what a failed sync dropped is there too
 *   prefix   the first few are there
 *   pages    each 4 KiB page is there as of any moment since the last sync; what no page brought is zero
 *   sectors  the same for sectors of 512 bytes
 *   torn     a prefix, the next one cut at a sector or at a byte, garbage after the cut
 *   hollow   the size is there, the data is not: zeroes
 *   any      one of the above, drawn for each file
 */
export type FileLoss =
  | 'drop'
  | 'keep'
  | 'cache'
  | 'prefix'
  | 'pages'
  | 'sectors'
  | 'torn'
  | 'hollow'
  | 'any'

/** What happens to the unsynced operations of one directory; `subset` keeps any of them. */
export type EntryLoss = 'drop' | 'keep' | 'prefix' | 'subset'

export interface CrashPolicy {
  readonly files: FileLoss
  readonly entries: EntryLoss
}

export type PolicyName =
  | 'drop-all'
  | 'keep-all'
  | 'prefix'
  | 'pages'
  | 'sectors'
  | 'torn'
  | 'entries-only'
  | 'hollow'
  | 'data-only'
  | 'reordered'

/** The policies that the loops go through, by the name that a failure prints. */
export const CRASH_POLICIES: Readonly<Record<PolicyName, CrashPolicy>> = {
  /** The medium has what was synced and nothing else. */
  'drop-all': { files: 'drop', entries: 'drop' },
  /** The process was killed, the machine goes on. */
  'keep-all': { files: 'cache', entries: 'keep' },
  prefix: { files: 'prefix', entries: 'prefix' },
  pages: { files: 'pages', entries: 'keep' },
  sectors: { files: 'sectors', entries: 'prefix' },
  torn: { files: 'torn', entries: 'keep' },
  /** Created, renamed, removed, but the data of the files never came. */
  'entries-only': { files: 'drop', entries: 'keep' },
  hollow: { files: 'hollow', entries: 'keep' },
  /** The data is there and nothing names it. */
  'data-only': { files: 'keep', entries: 'drop' },
  reordered: { files: 'any', entries: 'subset' },
}

export const POLICY_NAMES: readonly PolicyName[] = Object.keys(CRASH_POLICIES) as PolicyName[]

/** Makes one image; remembers inodes, since a file may have two names after a rename half done. */
export class ImageMaker {
  readonly #policy: CrashPolicy
  readonly #random: Random
  readonly #inodes = new Map<Inode, Inode>()
  readonly #entries = new Map<Directory, Map<string, Entry>>()

  constructor(policy: CrashPolicy, random: Random) {
    this.#policy = policy
    this.#random = random
  }

  directory(source: Directory): Directory {
    const image = new Directory()
    for (const [name, entry] of this.#survivors(source)) {
      const copy = entry.kind === 'file' ? this.#file(entry) : this.directory(entry)
      image.durable.set(name, copy)
      image.entries.set(name, copy)
    }
    return image
  }

  #file(source: Inode): Inode {
    let image = this.#inodes.get(source)
    if (image === undefined) {
      image = new Inode(survivingBytes(source, this.#policy.files, this.#random))
      this.#inodes.set(source, image)
    }
    return image
  }

  #survivors(source: Directory): Map<string, Entry> {
    const known = this.#entries.get(source)
    if (known !== undefined) return known
    const entries = new Map(source.durable)
    this.#entries.set(source, entries)
    for (const operation of this.#survivingOperations(source.operations)) {
      // A file leaves its old directory only where it has arrived in the new one.
      if (operation.kind === 'depart') {
        const arrived = this.#survivors(operation.target).get(operation.targetName)
        if (arrived !== operation.entry) continue
      }
      const stays = operation.kind === 'rename' && entries.get(operation.source)
      applyOperation(entries, operation)
      // Some file systems write the new name first: after a crash the file has both.
      if (stays && this.#policy.entries === 'subset' && this.#random.percent(20)) {
        entries.set(operation.source, stays)
      }
    }
    return entries
  }

  #survivingOperations(operations: EntryOperation[]): EntryOperation[] {
    switch (this.#policy.entries) {
      case 'drop':
        return []
      case 'keep':
        return operations
      case 'prefix':
        return operations.slice(0, this.#random.below(operations.length + 1))
      case 'subset':
        return operations.filter(() => this.#random.percent(50))
    }
  }
}

const DRAWN_LOSSES = ['drop', 'keep', 'prefix', 'pages', 'sectors', 'torn', 'hollow'] as const

function survivingBytes(inode: Inode, loss: FileLoss, random: Random): Buffer {
  const { durable, writes } = inode
  if (loss === 'cache') return inode.content()
  if (writes.length === 0) return durable
  switch (loss) {
    case 'drop':
      return durable
    case 'keep':
      return applyWrites(durable, writes)
    case 'prefix':
      return applyWrites(durable, writes.slice(0, random.below(writes.length + 1)))
    case 'pages':
      return mixVersions(durable, writes, PAGE_BYTES, random)
    case 'sectors':
      return mixVersions(durable, writes, SECTOR_BYTES, random)
    case 'torn':
      return tearWrite(durable, writes, random)
    case 'hollow':
      return applyWrites(
        durable,
        writes.map(({ offset, bytes }) => ({ offset, bytes: bytes && Buffer.alloc(bytes.length) })),
      )
    case 'any':
      return survivingBytes(inode, random.pick(DRAWN_LOSSES), random)
  }
}

/** Every unit of the file as of its own moment since the last sync, and the size as of another. */
function mixVersions(durable: Buffer, writes: Write[], unit: number, random: Random): Buffer {
  const versions = [durable]
  let version = durable
  for (const write of writes) {
    version = applyWrites(version, [write])
    versions.push(version)
  }
  const size = random.percent(50) ? version.length : random.pick(versions).length
  const mixed = Buffer.alloc(size)
  for (let at = 0; at < size; at += unit) {
    const chosen = random.pick(versions)
    if (at < chosen.length) chosen.copy(mixed, at, at, Math.min(at + unit, size))
  }
  return mixed
}

function tearWrite(durable: Buffer, writes: Write[], random: Random): Buffer {
  const whole = random.below(writes.length)
  const before = applyWrites(durable, writes.slice(0, whole))
  const torn = writes[whole]!
  if (torn.bytes === undefined) return before
  let cut = random.below(torn.bytes.length + 1)
  if (random.percent(50)) {
    const start = torn.offset % SECTOR_BYTES
    cut = Math.max(0, Math.floor((start + cut) / SECTOR_BYTES) * SECTOR_BYTES - start)
  }
  const rest = torn.bytes.length - cut
  const toSectorEnd = (SECTOR_BYTES - ((torn.offset + cut) % SECTOR_BYTES)) % SECTOR_BYTES
  const garbage = random.bytes(random.pick([0, Math.min(rest, toSectorEnd), rest]))
  return applyWrites(before, [
    { offset: torn.offset, bytes: Buffer.concat([torn.bytes.subarray(0, cut), garbage]) },
  ])
}
