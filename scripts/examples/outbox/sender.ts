// The process of the outbox's demonstration that sends and delivers, and is killed in between.

import { serve } from '../../subprocess.ts'
import { Outbox } from './outbox.ts'

export interface SenderOrder {
  readonly directory: string
  readonly messages: number
  /** Callers at once, each of which waits for its message to be on the disk. */
  readonly callers: number
}

export type SenderReport =
  | { readonly kind: 'sent'; readonly elapsedMs: number }
  | { readonly kind: 'delivered'; readonly position: number }

/** Resolves when the message has left this process, which may be killed at any time. */
function tell(message: SenderReport): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })
}

serve(async ({ directory, messages, callers }: SenderOrder) => {
  const outbox = await Outbox.open<number>(directory, ({ position }) =>
    tell({ kind: 'delivered', position }),
  )
  const startMs = performance.now()
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < messages) await outbox.send(next++)
  }
  await Promise.all(Array.from({ length: callers }, caller))
  await tell({ kind: 'sent', elapsedMs: performance.now() - startMs })
  await outbox.start()
})
