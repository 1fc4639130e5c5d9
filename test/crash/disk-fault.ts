// The operations of a disk, and the ways in which one of them fails.

export type OperationKind =
  | 'close'
  | 'create'
  | 'create-directory'
  | 'lock'
  | 'open'
  | 'read'
  | 'read-directory'
  | 'rename'
  | 'resize'
  | 'stat'
  | 'sync'
  | 'sync-directory'
  | 'unlink'
  | 'write'

/**
 *   fail     nothing of the operation happens, and it reports `code`
 *   applied  all of it happens, and it reports `code` all the same
 *   partial  writes: the first `bytes` land, and it reports `code`
 *   short    writes: the first `bytes` land, and it reports that count, no error
 *   dropped  syncs: it reports `code`, and what was not synced will never be: the running process
 *            still reads it, later syncs succeed, no crash image has it
 */
export type FaultEffect = 'fail' | 'applied' | 'partial' | 'short' | 'dropped'

export interface Fault {
  readonly effect: FaultEffect
  /** The errno name reported; 'EIO' unless told. */
  readonly code?: string
  /** Bytes that land of a write that does not land whole; 0 unless told. */
  readonly bytes?: number
  /** Only operations of this ordinal and later ones. */
  readonly at?: number
  readonly kind?: OperationKind
  readonly path?: RegExp
  /** Matching operations to let through first; 0 unless told. */
  readonly skip?: number
  /** How often it strikes before the disk is healthy again; 1 unless told, Infinity until heal(). */
  readonly times?: number
}

const CHANGING: ReadonlySet<OperationKind> = new Set([
  'close',
  'create',
  'create-directory',
  'rename',
  'resize',
  'sync',
  'sync-directory',
  'unlink',
  'write',
])

/** True where a fault of this effect means something for an operation of this kind. */
export function effectFits(effect: FaultEffect, kind: OperationKind): boolean {
  switch (effect) {
    case 'fail':
      return true
    case 'applied':
      return CHANGING.has(kind)
    case 'partial':
    case 'short':
      return kind === 'write'
    case 'dropped':
      return kind === 'sync'
  }
}

const SYSTEM_CALLS: Record<OperationKind, string> = {
  close: 'close',
  create: 'open',
  'create-directory': 'mkdir',
  lock: 'open',
  open: 'open',
  read: 'read',
  'read-directory': 'scandir',
  rename: 'rename',
  resize: 'ftruncate',
  stat: 'fstat',
  sync: 'fdatasync',
  'sync-directory': 'fsync',
  unlink: 'unlink',
  write: 'write',
}

export function faultError(fault: Fault, kind: OperationKind, path: string): NodeJS.ErrnoException {
  return errno(fault.code ?? 'EIO', SYSTEM_CALLS[kind], path)
}

export function errno(code: string, call: string, path: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: simulated, ${call} '${path}'`)
  error.code = code
  error.syscall = call
  error.path = path
  return error
}
