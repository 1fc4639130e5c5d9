// Which of the engine's events are told as events of the database, under their own names.
//
//   recovery   { report }              the database has opened: what its logs held, what was dropped
//   failure    { error }               writes are refused from now on, until resume()
//   resume     {}                      they are taken again
//   stall      { cause, durationMs }   a write waited at the gate

import type { DatabaseEvent } from '../db/event.ts'

export const TOLD_EVENTS: ReadonlySet<DatabaseEvent['type']> = new Set([
  'recovery',
  'failure',
  'resume',
  'stall',
])
