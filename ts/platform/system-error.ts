// Errors in the shape of Node's own: what the operating system would say where it is not asked.

import { constants } from 'node:os'

/** An operating system error as node:fs makes them. */
export interface SystemError extends Error {
  code: string
  errno: number
  syscall: string
  path: string
}

/** Makes the error `code` for the call `syscall` on `path`. */
export function systemError(
  code: keyof typeof constants.errno,
  description: string,
  syscall: string,
  path: string,
): SystemError {
  const error = new Error(`${code}: ${description}, ${syscall} '${path}'`)
  return Object.assign(error, { code, errno: -constants.errno[code], syscall, path })
}
