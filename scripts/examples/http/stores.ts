// The stores that the example server is measured on. Its code is the same for each.

import { ClassicLevel } from 'classic-level'
import { SluiceLevel } from 'sluicedb'
import type { RequestStore } from './server.ts'

/** 'nothing' stores nothing: what Node's HTTP alone can do on this machine. */
export const STORE_NAMES = ['sluicedb', 'classic-level', 'nothing'] as const
export type StoreName = (typeof STORE_NAMES)[number]

export type OpenStore = RequestStore & { close(): Promise<void> }

const OPTIONS = { valueEncoding: 'buffer' }

export async function openStore(name: StoreName, directory: string): Promise<OpenStore> {
  if (name === 'nothing') return NOTHING
  const db =
    name === 'sluicedb'
      ? new SluiceLevel<string, Buffer>(directory, OPTIONS)
      : new ClassicLevel<string, Buffer>(directory, OPTIONS)
  await db.open()
  return db
}

const NOTHING: OpenStore = {
  put: async () => undefined,
  get: async () => undefined,
  keys: () => ({ all: async () => [] }),
  close: async () => undefined,
}
