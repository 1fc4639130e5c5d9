// What the command's exit codes say to scripts.

export const OK = 0
/** get: there is no such key. verify: there is a problem. */
export const NEGATIVE = 1
/** The command line itself is wrong, or a question was not answered with yes. */
export const USAGE = 2
/** The database, or the disk, refused; or the command has a defect. */
export const FAILED = 3
/** As a shell says it: 128 and the number of SIGINT. */
export const INTERRUPTED = 130

/** Where a command leaves its exit code. */
export interface Exit {
  code: number
}

/** A mistake of the user's: told in one line, without a stack. */
export class UsageError extends Error {}
