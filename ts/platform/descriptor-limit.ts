// How many descriptors this process may have open: the soft RLIMIT_NOFILE.
//
// Read from /proc where there is one. Elsewhere from Node's diagnostic report, which takes some
// milliseconds to make, and is made once. Undefined where neither tells, as on Windows.

import fs from 'node:fs'

let known: { readonly limit: number | undefined } | undefined

export function descriptorLimit(): number | undefined {
  known ??= { limit: limitOfProc(readLimits()) ?? limitOfReport() }
  return known.limit
}

/** The limit in the text of /proc/self/limits; undefined when there is none, or it says 'unlimited'. */
export function limitOfProc(text: string): number | undefined {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(text) ?? []
  return soft === undefined ? undefined : Number(soft)
}

function readLimits(): string {
  try {
    return fs.readFileSync('/proc/self/limits', 'utf8')
  } catch {
    // Another system, or a process that may not look at itself: either way nothing is known.
    return ''
  }
}

function limitOfReport(): number | undefined {
  if (process.platform === 'linux' || process.platform === 'win32') return undefined
  const { userLimits } = process.report.getReport() as {
    userLimits?: { open_files?: { soft?: unknown } }
  }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : undefined
}
