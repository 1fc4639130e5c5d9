// Every operation of a run, with every way in which it can fail.

import { effectFits, type Fault, type FaultEffect, type OperationKind } from './disk-fault.ts'
import type { Random } from './random.ts'
import type { Operation } from './simulated-disk.ts'

export interface StruckOperation {
  readonly operation: Operation
  readonly fault: Fault
}

const EFFECTS: readonly FaultEffect[] = ['fail', 'applied', 'partial', 'short', 'dropped']

/**
 * What each kind of operation fails with in life. EINTR, which the floors below repeat, means that
 * nothing of the operation happened, so it stands behind the first two.
 */
const CODES: Readonly<Record<OperationKind, readonly string[]>> = {
  close: ['EIO', 'ENOSPC', 'EDQUOT'],
  create: ['ENOSPC', 'EMFILE', 'EACCES', 'EROFS', 'EIO', 'EDQUOT'],
  'create-directory': ['ENOSPC', 'EACCES', 'EROFS', 'EIO'],
  lock: ['EACCES', 'EMFILE', 'EROFS', 'EIO'],
  open: ['EMFILE', 'EACCES', 'EIO'],
  read: ['EIO'],
  'read-directory': ['EIO', 'EMFILE', 'EACCES'],
  rename: ['ENOSPC', 'EACCES', 'EROFS', 'EIO'],
  resize: ['ENOSPC', 'EDQUOT', 'EIO'],
  stat: ['EIO', 'EACCES'],
  sync: ['EIO', 'ENOSPC', 'EDQUOT'],
  'sync-directory': ['EIO', 'ENOSPC'],
  unlink: ['EIO', 'EACCES', 'EROFS'],
  write: ['ENOSPC', 'EIO', 'EDQUOT', 'EINTR', 'EROFS'],
}

export function* faultsOf(
  trace: readonly Operation[],
  random: Random,
): Generator<StruckOperation, void> {
  for (const operation of trace) {
    for (const effect of EFFECTS) {
      if (!effectFits(effect, operation.kind)) continue
      const codes = CODES[operation.kind]
      const isCut = effect === 'partial' || effect === 'short'
      // A disk that stays bad, one that is bad for a while, and one bad moment.
      for (const times of effect === 'fail' ? [1, Infinity] : [1]) {
        const fault: Fault = {
          effect,
          at: operation.ordinal,
          code: effect === 'fail' ? random.pick(codes) : codes[random.below(2) % codes.length]!,
          // A write that breaks off often does so near its start: in a header.
          ...(isCut ? { bytes: random.below(random.pick([8, 40, 400])) } : {}),
          times: times === 1 && random.percent(20) ? 3 : times,
        }
        // An interruption that never ends is no fault of a disk.
        if (fault.code === 'EINTR' && times === Infinity) continue
        yield { operation, fault }
      }
    }
  }
}

export function describeFault({ operation, fault }: StruckOperation): string {
  const { ordinal, kind, path } = operation
  const bytes = fault.bytes === undefined ? '' : ` after ${fault.bytes} bytes`
  const times = fault.times === 1 ? '' : `, ${fault.times} times`
  const what = `${fault.effect} ${fault.code ?? ''}${bytes}${times}`
  return `${what} at operation ${ordinal} (${kind} ${path})`
}
