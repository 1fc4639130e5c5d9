// Who holds a lock on a file, as Linux tells it in /proc/locks, without opening that file.
//
// It takes some 12 ms: the kernel stops whoever takes or gives up a lock, on all processors, while it
// writes the table. A lock with it took 12.3 ms and one without it 0.4 ms on a busy machine (Linux
// 6.18, 2026-11-21, `node dist/scripts/bench-platform.js`). So only who has no other way asks first;
// who was refused asks in order to say by whom.
//
//   line := id ':' kind ADVISORY|MANDATORY READ|WRITE pid major ':' minor ':' inode start end
//
// Opening the file to ask the kernel was rejected: closing that descriptor again would drop the
// lock of a LevelDB in this very process, since POSIX locks belong to the process.
// The device is the one that stat reports, which holds on ext4, XFS and tmpfs; on a file system
// that shows stat a device of its own (btrfs subvolumes) a holder goes unseen here.

import fs from 'node:fs'

/** The pid of a holder; 0 when it is held and the kernel does not say by whom. */
export type HolderPid = number

/** The holder of a lock on `path`, or undefined when there is none or none can be seen. */
export function lockHolder(path: string): HolderPid | undefined {
  if (process.platform !== 'linux') return undefined
  // In place, both: the kernel answers from memory, and a worker that is ended inside a pending
  // fs.promises.open would leave the descriptor open in its process (Node 20.20).
  const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
  if (stat === undefined) return undefined
  let table: string
  try {
    table = fs.readFileSync('/proc/locks', 'latin1')
  } catch {
    return undefined // No /proc in this container: the socket and the lock itself remain.
  }
  return holderIn(table, lockName(stat.dev, stat.ino))
}

/** How /proc/locks names a file: major and minor in hexadecimal, the inode in decimal. */
export function lockName(device: bigint, inode: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xffff_f000n)
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffff_ff00n)
  return `${hex(major)}:${hex(minor)}:${inode}`
}

/**
 * Looks `name` up in the text of /proc/locks. A line with '->' before its kind waits for a lock and
 * holds none; flock(2) and leases do not conflict with what LevelDB takes.
 */
export function holderIn(table: string, name: string): HolderPid | undefined {
  for (const line of table.split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields[5] !== name || (fields[1] !== 'POSIX' && fields[1] !== 'OFDLCK')) continue
    // A lock of an open file description (OFDLCK) belongs to no process: pid -1.
    return Math.max(0, Number(fields[4]))
  }
  return undefined
}

function hex(value: bigint): string {
  return value.toString(16).padStart(2, '0')
}
