// A file system in memory that knows what a power cut may leave behind, and that breaks on demand.
//
//   file       := durable bytes, then the writes that no sync has covered yet, in order
//   directory  := durable entries, then the operations that no sync of the directory has covered yet
//   operation  := link (create) | rename | unlink
//
// A crash image is another disk, made from this one by choosing, under a policy, what of the unsynced
// part reached the medium. It can be taken at any operation, from `onOperation`, while the run goes on.
//
// Invariants:
//   A sync of a file makes its data and size durable, and never its directory entry.
//   A sync of a directory makes its entries durable, and never the data of the files.
//   A rename is atomic: its target names the old file or the new one, and the file that moves is never
//   lost. Between two names no order is kept without a sync; operations on one name keep theirs.
//   The same seed and the same calls give the same disk, the same order of completion, the same images.
//   An asynchronous operation takes effect a few turns after the call and answers a few turns later.
//   A turn is one callback of process.nextTick, a slow one of setImmediate, and all microtasks behind
//   it. No timer and no thread, so the seed alone decides how callers interleave.

import { createHash } from 'node:crypto'
import { SluiceError, errnoOf } from '../../ts/format/error.ts'
import { BlockLogFile } from '../../ts/platform/block-log-file.ts'
import type {
  DirectoryEntry,
  FileSystem,
  RandomAccessFile,
  WritableFile,
} from '../../ts/platform/file-system.ts'
import { crc32c } from '../../ts/platform/js-crc32c.ts'
import type { Lock } from '../../ts/platform/lock.ts'
import type { AppendableFile, LogFile } from '../../ts/platform/log-file.ts'
import { type CrashPolicy, ImageMaker } from './crash-image.ts'
import { type Fault, type OperationKind, effectFits, errno, faultError } from './disk-fault.ts'
import { Random } from './random.ts'
import { cloneTree, Directory, type Entry, Inode } from './simulated-tree.ts'

/** 'before': nothing of the operation is there yet. 'middle': the first part of a write is. */
export type Phase = 'before' | 'middle'

export interface Operation {
  readonly ordinal: number
  readonly kind: OperationKind
  readonly path: string
}

/** Where the next write of an open file goes. */
interface FilePosition {
  offset: number
}

interface Stall {
  readonly kind: OperationKind
  readonly path: RegExp
  readonly released: Promise<void>
}

interface ArmedFault {
  readonly fault: Fault
  skipLeft: number
  timesLeft: number
}

export interface SimulatedDiskOptions {
  /** Most turns that pass before an asynchronous operation takes effect, and again after. */
  readonly latency?: number
}

export class SimulatedDisk implements FileSystem {
  /** Operations so far; the next one has this ordinal. */
  operationCount = 0
  readonly trace: Operation[] = []
  /** Called at every operation. It may take crash images, and may not call the disk otherwise. */
  onOperation:
    | ((ordinal: number, kind: OperationKind, path: string, phase: Phase) => void)
    | undefined
  /** Faults that struck so far. */
  faultCount = 0
  /** The ordinal of the operation that failed last; -1 before the first. */
  lastFault = -1
  /** Simulated time: every operation takes some, a few take long. */
  elapsedMs = 0

  readonly #seed: number
  readonly #latency: number
  readonly #random: Random
  #root = new Directory()
  #faults: ArmedFault[] = []
  readonly #stalls: Stall[] = []
  readonly #locks = new Set<Entry>()
  readonly #open = new Map<object, string>()

  constructor(seed: number, options: SimulatedDiskOptions = {}) {
    this.#seed = seed
    this.#latency = options.latency ?? 6
    this.#random = new Random(seed)
  }

  // ---- Tests: images, faults, leaks ----

  /** A disk with the same synced and unsynced state, whose images can be taken later. */
  freeze(): SimulatedDisk {
    const copy = new SimulatedDisk(this.#seed, { latency: this.#latency })
    copy.operationCount = this.operationCount
    copy.#root = cloneTree(this.#root)
    return copy
  }

  /** What a crash at this moment leaves: an independent disk on which everything is durable. */
  crashImage(policy: CrashPolicy, random: Random): SimulatedDisk {
    const image = new SimulatedDisk(random.next(), { latency: this.#latency })
    image.#root = new ImageMaker(policy, random).directory(this.#root)
    return image
  }

  inject(fault: Fault): void {
    this.#faults.push({ fault, skipLeft: fault.skip ?? 0, timesLeft: fault.times ?? 1 })
  }

  /** Takes every fault away. What a fault did stays done. */
  heal(): void {
    this.#faults = []
  }

  /**
   * Operations that match take effect and do not answer, until the function that is returned is
   * called. Synchronous ones are not held up.
   */
  stall(kind: OperationKind, path: RegExp): () => void {
    let release: (() => void) | undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#stalls.push({ kind, path, released })
    return () => release?.()
  }

  get openFileCount(): number {
    return this.#open.size
  }

  /** The paths behind openFileCount, to name a leak. */
  openFiles(): string[] {
    return [...this.#open.values()].toSorted()
  }

  get lockCount(): number {
    return this.#locks.size
  }

  /** Every file under `path` with what a process reads in it, by path; no operation, no fault. */
  contents(path = '/'): Map<string, Buffer> {
    const found = new Map<string, Buffer>()
    const walk = (directory: Directory, prefix: string): void => {
      for (const [name, entry] of directory.entries) {
        if (entry.kind === 'file') found.set(`${prefix}/${name}`, entry.content())
        else walk(entry, `${prefix}/${name}`)
      }
    }
    walk(this.#directory(path, 'scandir'), path === '/' ? '' : path)
    return found
  }

  /** The same for two disks with the same files, of the same bytes. Requires: all is durable. */
  fingerprint(): string {
    const parts: string[] = []
    const walk = (directory: Directory, prefix: string): void => {
      for (const [name, entry] of directory.durable) {
        const path = `${prefix}/${name}`
        parts.push(entry.kind === 'file' ? `${path} ${digestOf(entry.durable)}` : path)
        if (entry.kind === 'directory') walk(entry, path)
      }
    }
    walk(this.#root, '')
    return parts.toSorted().join('\n')
  }

  /** Puts a file on the disk, durable, its entry too: no operation, no fault. Directories are made. */
  plant(path: string, bytes: Uint8Array): void {
    let directory = this.#root
    const names = split(path)
    const last = names.at(-1)!
    for (const name of names.slice(0, -1)) {
      let next = directory.entries.get(name)
      if (next === undefined) {
        next = new Directory()
        directory.entries.set(name, next)
        directory.durable.set(name, next)
      }
      if (next.kind === 'file') throw errno('ENOTDIR', 'open', path)
      directory = next
    }
    const inode = new Inode(Buffer.from(bytes))
    directory.entries.set(last, inode)
    directory.durable.set(last, inode)
  }

  // ---- FileSystem ----

  crc32c(bytes: Uint8Array, start: number, end: number): number {
    return crc32c(bytes, start, end)
  }

  async createDirectory(path: string): Promise<void> {
    let parent = '/'
    for (const name of split(path)) {
      const full = join(parent, name)
      const entry = this.#find(full)
      if (entry === undefined) {
        await this.#perform('create-directory', full, () => {
          const directory = this.#directory(parent, 'mkdir')
          // Another caller may have made it between the look and now.
          if (directory.entries.has(name)) return
          directory.apply({ kind: 'link', name, entry: new Directory() })
        })
        await this.syncDirectory(parent)
      } else if (entry.kind === 'file') {
        throw errno('EEXIST', 'mkdir', full)
      }
      parent = full
    }
  }

  readDirectory(path: string): Promise<string[]> {
    return this.#perform('read-directory', path, () => [
      ...this.#directory(path, 'scandir').entries.keys(),
    ])
  }

  readEntries(path: string): Promise<DirectoryEntry[]> {
    return this.#perform('read-directory', path, () =>
      [...this.#directory(path, 'scandir').entries].map(([name, { kind }]) => ({ name, kind })),
    )
  }

  removeDirectory(path: string): Promise<void> {
    return this.#perform('unlink', path, () => {
      if (this.#directory(path, 'rmdir').entries.size > 0) throw errno('ENOTEMPTY', 'rmdir', path)
      this.#directory(parentOf(path), 'rmdir').apply({ kind: 'unlink', name: nameOf(path) })
    })
  }

  syncDirectory(path: string): Promise<void> {
    return this.#perform('sync-directory', path, () => this.#directory(path, 'fsync').sync())
  }

  syncDirectorySync(path: string): void {
    this.#operate('sync-directory', path, () => this.#directory(path, 'fsync').sync())
  }

  fileSize(path: string): Promise<number> {
    return this.#perform('stat', path, () => this.#file(path, 'stat').sizeBytes)
  }

  async readFile(path: string): Promise<Buffer> {
    const file = await this.openRandomAccess(path)
    try {
      return await file.read(0, file.sizeBytes)
    } finally {
      await file.close()
    }
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    const file = await this.#perform('create', path, () => this.#create(path))
    try {
      let at = 0
      while (at < bytes.length) {
        await this.pause()
        at += retryWhenInterrupted(() => file.writevSync([bytes.subarray(at)]))
      }
      await file.sync()
    } finally {
      await file.close()
    }
  }

  rename(source: string, target: string): Promise<void> {
    return this.#perform('rename', target, () => {
      const from = this.#directory(parentOf(source), 'rename')
      const to = this.#directory(parentOf(target), 'rename')
      const sourceName = nameOf(source)
      const name = nameOf(target)
      const entry = from.entries.get(sourceName)
      if (entry === undefined) throw errno('ENOENT', 'rename', source)
      if (to.entries.get(name)?.kind === 'directory') throw errno('EISDIR', 'rename', target)
      if (to.entries.get(name) === entry) return
      if (from === to) {
        to.apply({ kind: 'rename', name, entry, source: sourceName })
        return
      }
      to.apply({ kind: 'link', name, entry })
      from.apply({ kind: 'depart', name: sourceName, entry, target: to, targetName: name })
    })
  }

  unlink(path: string): Promise<void> {
    return this.#perform('unlink', path, () => this.#unlink(path))
  }

  unlinkSync(path: string): void {
    this.#operate('unlink', path, () => this.#unlink(path))
  }

  openRandomAccess(path: string): Promise<RandomAccessFile> {
    return this.#perform('open', path, () => this.#openForReading(path))
  }

  openRandomAccessSync(path: string): RandomAccessFile {
    return this.#operate('open', path, () => this.#openForReading(path))
  }

  createWritableSync(path: string): WritableFile {
    return this.#operate('create', path, () => this.#create(path))
  }

  async createLog(path: string): Promise<LogFile> {
    const file = await this.createAppendable(path)
    return new BlockLogFile(path, file)
  }

  /** The plain file under a log. */
  createAppendable(path: string): Promise<AppendableFile> {
    return this.#perform('create', path, () => this.#create(path))
  }

  lock(path: string): Promise<Lock> {
    return this.#perform('lock', path, () => {
      // By directory and not by path: two spellings, one lock (W10).
      const directory = this.#directory(parentOf(path), 'open')
      if (this.#locks.has(directory)) {
        throw new SluiceError('LEVEL_LOCKED', `${path} is locked`, { file: path })
      }
      const name = nameOf(path)
      if (!directory.entries.has(name)) {
        directory.apply({ kind: 'link', name, entry: new Inode(Buffer.alloc(0)) })
      }
      this.#locks.add(directory)
      return {
        release: async (): Promise<void> => {
          await this.pause()
          this.#locks.delete(directory)
        },
      }
    })
  }

  // ---- Operations ----

  /** Runs one operation as a job elsewhere would: it takes effect later, and answers later still. */
  async #perform<T>(kind: OperationKind, path: string, action: () => T): Promise<T> {
    await this.pause()
    try {
      return this.#operate(kind, path, action)
    } finally {
      await this.#answer(kind, path)
    }
  }

  async #answer(kind: OperationKind, path: string): Promise<void> {
    await this.pause()
    for (const stall of this.#stalls) {
      if (stall.kind === kind && stall.path.test(path)) await stall.released
    }
  }

  /** Lets a little of the simulated time pass: what others have started goes on meanwhile. */
  pause(): Promise<void> {
    const turns = 1 + this.#random.below(this.#latency + 1)
    // Now and then an operation is slow, so that much happens meanwhile.
    return this.#random.percent(5) ? slowTurns(turns) : passTurns(turns)
  }

  /** Lets as much pass as an operation takes, or as up to thirty of them. */
  async linger(): Promise<void> {
    const pauses = this.#random.percent(50) ? 1 : this.#random.between(2, 30)
    for (let i = 0; i < pauses; i++) await this.pause()
  }

  #operate<T>(kind: OperationKind, path: string, action: () => T): T {
    const fault = this.#begin(kind, path)
    if (fault === undefined) return action()
    if (fault.effect === 'applied') {
      const result = action()
      // Nobody gets the handle of a creation that reports an error: it is no leak of the caller.
      if (result instanceof SimulatedWriter) this.#open.delete(result)
    }
    throw faultError(fault, kind, path)
  }

  /** Counts the operation and gives the fault that strikes it. */
  #begin(kind: OperationKind, path: string): Fault | undefined {
    const ordinal = this.operationCount++
    this.trace.push({ ordinal, kind, path })
    this.elapsedMs += this.#random.percent(3) ? 5 : 0.1
    this.onOperation?.(ordinal, kind, path, 'before')
    for (const armed of this.#faults) {
      const { fault } = armed
      if (armed.timesLeft === 0 || ordinal < (fault.at ?? 0)) continue
      if (fault.kind !== undefined && fault.kind !== kind) continue
      if (fault.path !== undefined && !fault.path.test(path)) continue
      if (!effectFits(fault.effect, kind)) continue
      if (armed.skipLeft > 0) {
        armed.skipLeft--
        continue
      }
      armed.timesLeft--
      this.faultCount++
      this.lastFault = ordinal
      return fault
    }
    return undefined
  }

  /** One write at the position, which moves on; returns the bytes that landed. */
  write(inode: Inode, path: string, bytes: Buffer, at: FilePosition): number {
    const fault = this.#begin('write', path)
    if (fault?.effect === 'fail') throw faultError(fault, 'write', path)
    const cut = fault?.effect === 'short' || fault?.effect === 'partial'
    const length = cut ? Math.min(fault.bytes ?? 0, bytes.length) : bytes.length
    // In two parts, so that the moment between them can be seen: a kill in the middle of a write.
    const first = length === 0 ? 0 : this.#random.below(length)
    if (first > 0) inode.add({ offset: at.offset, bytes: bytes.subarray(0, first) })
    this.onOperation?.(this.operationCount - 1, 'write', path, 'middle')
    if (length > first) {
      inode.add({ offset: at.offset + first, bytes: bytes.subarray(first, length) })
    }
    at.offset += length
    if (fault !== undefined && fault.effect !== 'short') throw faultError(fault, 'write', path)
    return length
  }

  /** As `write`, elsewhere. The bytes are taken when they are written, not when they are handed over. */
  async writeLater(
    inode: Inode,
    path: string,
    buffers: readonly Uint8Array[],
    at: FilePosition,
  ): Promise<number> {
    await this.pause()
    try {
      return this.write(inode, path, Buffer.concat(buffers), at)
    } finally {
      await this.#answer('write', path)
    }
  }

  resizeLater(inode: Inode, path: string, sizeBytes: number): Promise<void> {
    return this.#perform('resize', path, () => inode.add({ offset: sizeBytes, bytes: undefined }))
  }

  sync(inode: Inode, path: string): void {
    const fault = this.#begin('sync', path)
    if (fault === undefined || fault.effect === 'applied') inode.sync()
    if (fault?.effect === 'dropped') inode.dropPages()
    if (fault !== undefined) throw faultError(fault, 'sync', path)
  }

  async syncLater(inode: Inode, path: string): Promise<void> {
    await this.pause()
    try {
      this.sync(inode, path)
    } finally {
      await this.#answer('sync', path)
    }
  }

  read(inode: Inode, path: string, position: number, length: number): Buffer {
    return this.#operate('read', path, () => {
      const content = inode.content()
      if (position + length > content.length) throw errno('EIO', 'read', path)
      return Buffer.from(content.subarray(position, position + length))
    })
  }

  async readLater(inode: Inode, path: string, position: number, length: number): Promise<Buffer> {
    await this.pause()
    try {
      return this.read(inode, path, position, length)
    } finally {
      await this.pause()
    }
  }

  isLinked(inode: Inode, path: string): Promise<boolean> {
    return this.#perform('stat', path, () => this.#find(path) === inode)
  }

  isLinkedSync(inode: Inode, path: string): boolean {
    return this.#operate('stat', path, () => this.#find(path) === inode)
  }

  /** The descriptor is gone whatever the close reports, as on every system we know. */
  close(handle: object): void {
    const path = this.#open.get(handle)
    if (path === undefined) return
    this.#open.delete(handle)
    const fault = this.#begin('close', path)
    if (fault !== undefined) throw faultError(fault, 'close', path)
  }

  async closeLater(handle: object): Promise<void> {
    await this.pause()
    try {
      this.close(handle)
    } finally {
      await this.pause()
    }
  }

  // ---- The tree ----

  #find(path: string): Entry | undefined {
    let entry: Entry = this.#root
    for (const name of split(path)) {
      if (entry.kind !== 'directory') return undefined
      const next = entry.entries.get(name)
      if (next === undefined) return undefined
      entry = next
    }
    return entry
  }

  #directory(path: string, call: string): Directory {
    const entry = this.#find(path)
    if (entry === undefined) throw errno('ENOENT', call, path)
    if (entry.kind !== 'directory') throw errno('ENOTDIR', call, path)
    return entry
  }

  #file(path: string, call: string): Inode {
    const entry = this.#find(path)
    if (entry === undefined) throw errno('ENOENT', call, path)
    if (entry.kind !== 'file') throw errno('EISDIR', call, path)
    return entry
  }

  #unlink(path: string): void {
    this.#file(path, 'unlink')
    this.#directory(parentOf(path), 'unlink').apply({ kind: 'unlink', name: nameOf(path) })
  }

  #openForReading(path: string): RandomAccessFile {
    const file = new SimulatedReader(this, this.#file(path, 'open'), path)
    this.#open.set(file, path)
    return file
  }

  #create(path: string): SimulatedWriter {
    const directory = this.#directory(parentOf(path), 'open')
    const name = nameOf(path)
    let inode = directory.entries.get(name)
    if (inode === undefined) {
      inode = new Inode(Buffer.alloc(0))
      directory.apply({ kind: 'link', name, entry: inode })
    } else if (inode.kind === 'directory') {
      throw errno('EISDIR', 'open', path)
    } else {
      inode.add({ offset: 0, bytes: undefined })
    }
    const file = new SimulatedWriter(this, inode, path)
    this.#open.set(file, path)
    return file
  }
}

class SimulatedReader implements RandomAccessFile {
  readonly path: string
  readonly sizeBytes: number
  readonly #disk: SimulatedDisk
  readonly #inode: Inode

  constructor(disk: SimulatedDisk, inode: Inode, path: string) {
    this.#disk = disk
    this.#inode = inode
    this.path = path
    this.sizeBytes = inode.sizeBytes
  }

  read(position: number, length: number): Promise<Buffer> {
    return this.#disk.readLater(this.#inode, this.path, position, length)
  }

  readSync(position: number, length: number): Buffer {
    return this.#disk.read(this.#inode, this.path, position, length)
  }

  readIntoSync(position: number, length: number, target: Buffer): void {
    target.set(this.readSync(position, length))
  }

  close(): Promise<void> {
    return this.#disk.closeLater(this)
  }

  closeSync(): void {
    this.#disk.close(this)
  }
}

class SimulatedWriter implements WritableFile, AppendableFile {
  readonly path: string
  readonly #disk: SimulatedDisk
  readonly #inode: Inode
  readonly #position: FilePosition = { offset: 0 }

  constructor(disk: SimulatedDisk, inode: Inode, path: string) {
    this.#disk = disk
    this.#inode = inode
    this.path = path
  }

  appendSync(bytes: Uint8Array, start: number, end: number): void {
    let at = start
    while (at < end) at += retryWhenInterrupted(() => this.writevSync([bytes.subarray(at, end)]))
  }

  writev(buffers: readonly Uint8Array[]): Promise<number> {
    return this.#disk.writeLater(this.#inode, this.path, buffers, this.#position)
  }

  writevSync(buffers: readonly Uint8Array[]): number {
    return this.#disk.write(this.#inode, this.path, Buffer.concat(buffers), this.#position)
  }

  sync(): Promise<void> {
    return this.#disk.syncLater(this.#inode, this.path)
  }

  syncSync(): void {
    this.#disk.sync(this.#inode, this.path)
  }

  resize(sizeBytes: number): Promise<void> {
    return this.#disk.resizeLater(this.#inode, this.path, sizeBytes)
  }

  isLinked(): Promise<boolean> {
    return this.#disk.isLinked(this.#inode, this.path)
  }

  isLinkedSync(): boolean {
    return this.#disk.isLinkedSync(this.#inode, this.path)
  }

  close(): Promise<void> {
    return this.#disk.closeLater(this)
  }

  closeSync(): void {
    this.#disk.close(this)
  }
}

/** Resolves after that many turns: callbacks of process.nextTick, each with the microtasks behind it. */
export function passTurns(turns: number): Promise<void> {
  return new Promise((resolve) => {
    let left = turns
    const turn = (): void => {
      if (left-- > 0) process.nextTick(turn)
      else resolve()
    }
    turn()
  })
}

function slowTurns(turns: number): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      passTurns(turns).then(resolve, resolve)
    })
  })
}

/** What the real file system does below the seam; a write that takes nothing is an error there too. */
function retryWhenInterrupted(write: () => number): number {
  for (;;) {
    try {
      const written = write()
      if (written === 0) throw errno('EIO', 'write', 'nothing was written')
      return written
    } catch (error) {
      if (errnoOf(error) !== 'EINTR') throw error
    }
  }
}

// Buffers are shared between a disk and its images, and never changed.
const digests = new WeakMap<Buffer, string>()

function digestOf(bytes: Buffer): string {
  let digest = digests.get(bytes)
  if (digest === undefined) {
    digest = createHash('sha1').update(bytes).digest('base64')
    digests.set(bytes, digest)
  }
  return digest
}

// Every operation asks for its path several times, and a run uses few paths.
const splits = new Map<string, readonly string[]>()
const MOST_SPLITS = 10_000

function split(path: string): readonly string[] {
  let names = splits.get(path)
  if (names === undefined) {
    if (splits.size >= MOST_SPLITS) splits.clear()
    names = path.split('/').filter((name) => name !== '' && name !== '.')
    splits.set(path, names)
  }
  return names
}

function join(parent: string, name: string): string {
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

function parentOf(path: string): string {
  return `/${split(path).slice(0, -1).join('/')}`
}

function nameOf(path: string): string {
  return split(path).at(-1) ?? ''
}
