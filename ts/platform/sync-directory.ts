// Making a directory's entries durable: fsync of a descriptor that is open on the directory.

import fs from 'node:fs'

/** A no-op on Windows, which cannot open a directory as a file and has no such call. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await fs.promises.open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The same on the calling thread. */
export function syncDirectorySync(path: string): void {
  if (process.platform === 'win32') return
  const descriptor = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}
