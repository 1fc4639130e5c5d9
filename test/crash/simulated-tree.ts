// Files and directories of the simulated disk: what is durable, and what is only written.
//
//   file       := durable bytes, then the writes that no sync has covered yet, in order
//   directory  := durable entries, then the operations that no sync of the directory has covered yet
//   operation  := link (create) | rename | unlink | depart (half of a move to another directory)
//
// Invariant: buffers and operations are shared between a disk and its copies, and never changed.

export interface Write {
  /** Where the bytes go; for a truncation the size that it sets. */
  readonly offset: number
  /** Undefined for a truncation. Never changed after it was recorded. */
  readonly bytes: Buffer | undefined
}

// Buffers in here are shared between a disk and its images: they are replaced, never changed.
export class Inode {
  readonly kind = 'file'
  durable: Buffer
  /** What the running process sees where it differs from `durable` + `writes`: a sync dropped pages. */
  pageCache: Buffer | undefined
  writes: Write[]
  sizeBytes: number
  #content: Buffer | undefined

  constructor(durable: Buffer) {
    this.durable = durable
    this.writes = []
    this.sizeBytes = durable.length
  }

  clone(): Inode {
    const copy = new Inode(this.durable)
    copy.pageCache = this.pageCache
    copy.writes = this.writes.slice()
    copy.sizeBytes = this.sizeBytes
    return copy
  }

  /** What a process reads. */
  content(): Buffer {
    this.#content ??= applyWrites(this.pageCache ?? this.durable, this.writes)
    return this.#content
  }

  add(write: Write): void {
    this.writes.push(write)
    this.#content = undefined
    const { offset, bytes } = write
    this.sizeBytes = bytes === undefined ? offset : Math.max(this.sizeBytes, offset + bytes.length)
  }

  sync(): void {
    if (this.writes.length === 0) return
    if (this.pageCache !== undefined) this.pageCache = this.content()
    this.durable = applyWrites(this.durable, this.writes)
    this.writes = []
  }

  dropPages(): void {
    this.pageCache = this.content()
    this.writes = []
  }
}

export type Entry = Inode | Directory

export type EntryOperation =
  | { readonly kind: 'link'; readonly name: string; readonly entry: Entry }
  | { readonly kind: 'unlink'; readonly name: string }
  | {
      readonly kind: 'rename'
      readonly name: string
      readonly entry: Entry
      readonly source: string
    }
  // The half of a rename into another directory that lies in the source's directory.
  | {
      readonly kind: 'depart'
      readonly name: string
      readonly entry: Entry
      readonly target: Directory
      readonly targetName: string
    }

export class Directory {
  readonly kind = 'directory'
  durable: Map<string, Entry> = new Map()
  operations: EntryOperation[] = []
  entries: Map<string, Entry> = new Map()

  apply(operation: EntryOperation): void {
    applyOperation(this.entries, operation)
    this.operations.push(operation)
  }

  /** Makes every operation durable; a file that moved away takes its new entry along. */
  sync(): void {
    for (const operation of this.operations) {
      if (operation.kind === 'depart') operation.target.settleArrival(operation.targetName)
      applyOperation(this.durable, operation)
    }
    this.operations = []
  }

  /** Makes durable what happened to one name: the journal has both halves of a move, or none. */
  settleArrival(name: string): void {
    for (const operation of this.operations) {
      if (operation.name === name) applyOperation(this.durable, operation)
    }
    this.operations = this.operations.filter((operation) => operation.name !== name)
  }
}

export function applyWrites(base: Buffer, writes: readonly Write[]): Buffer {
  if (writes.length === 0) return base
  let size = base.length
  let limit = base.length
  for (const { offset, bytes } of writes) {
    size = bytes === undefined ? offset : Math.max(size, offset + bytes.length)
    limit = Math.max(limit, size)
  }
  const result = Buffer.alloc(limit)
  base.copy(result)
  let end = base.length
  for (const { offset, bytes } of writes) {
    if (bytes === undefined) {
      // What a truncation cut off reads as zeroes when the file grows again.
      if (offset < end) result.fill(0, offset, end)
      end = offset
    } else {
      bytes.copy(result, offset)
      end = Math.max(end, offset + bytes.length)
    }
  }
  return result.subarray(0, size)
}

export function applyOperation(entries: Map<string, Entry>, operation: EntryOperation): void {
  switch (operation.kind) {
    case 'link':
      entries.set(operation.name, operation.entry)
      return
    case 'unlink':
      entries.delete(operation.name)
      return
    case 'rename':
      entries.set(operation.name, operation.entry)
      if (entries.get(operation.source) === operation.entry) entries.delete(operation.source)
      return
    case 'depart':
      if (entries.get(operation.name) === operation.entry) entries.delete(operation.name)
      return
  }
}

export function cloneTree(root: Directory): Directory {
  const clones = new Map<Entry, Entry>()
  const cloneEntry = (entry: Entry): Entry => {
    let copy = clones.get(entry)
    if (copy !== undefined) return copy
    if (entry.kind === 'file') {
      copy = entry.clone()
      clones.set(entry, copy)
      return copy
    }
    copy = cloneDirectory(entry)
    return copy
  }
  const cloneDirectory = (directory: Directory): Directory => {
    const copy = new Directory()
    clones.set(directory, copy)
    for (const [name, entry] of directory.durable) copy.durable.set(name, cloneEntry(entry))
    for (const [name, entry] of directory.entries) copy.entries.set(name, cloneEntry(entry))
    copy.operations = directory.operations.map((operation) => {
      switch (operation.kind) {
        case 'unlink':
          return operation
        case 'depart':
          return {
            ...operation,
            entry: cloneEntry(operation.entry),
            target: cloneEntry(operation.target) as Directory,
          }
        case 'link':
        case 'rename':
          return { ...operation, entry: cloneEntry(operation.entry) }
      }
    })
    return copy
  }
  return cloneDirectory(root)
}
