// The outbox, with its process killed in the middle of the deliveries.
//
// Run it:  npm run example -- outbox
//          npm run example -- outbox --messages 20000 --callers 256

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { count } from '../../figures.ts'
import { Subprocess } from '../../subprocess.ts'
import { Outbox } from './outbox.ts'
import type { SenderOrder, SenderReport } from './sender.ts'

export interface Outcome {
  readonly messages: number
  readonly deliveredBeforeKill: number
  readonly deliveredAfterwards: number
  /** Delivered by both processes: the kill came before the position was stored. */
  readonly deliveredTwice: number
  readonly neverDelivered: number
}

/** Runs the demonstration under `directory`; `say` prints a line of it. */
export async function demonstrate(
  directory: string,
  args: readonly string[],
  say: (line: string) => void = console.log,
): Promise<Outcome> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      messages: { type: 'string', default: '20000' },
      callers: { type: 'string', default: '256' },
    },
  })
  const messages = Number(values.messages)
  const order = { directory: join(directory, 'outbox'), messages, callers: Number(values.callers) }
  const before = await sendAndDie(order, say)
  const after = await deliverTheRest(order.directory)
  const both = after.filter((position) => position <= before.length)
  const outcome = {
    messages,
    deliveredBeforeKill: before.length,
    deliveredAfterwards: after.length,
    deliveredTwice: both.length,
    neverDelivered: messages - new Set([...before, ...after]).size,
  }
  say(
    `${count(messages)} messages: ${count(before.length)} delivered before the kill, ` +
      `${count(after.length)} after it, ${count(both.length)} of them twice, ` +
      `${count(outcome.neverDelivered)} never`,
  )
  return outcome
}

/** Resolves to the positions that were delivered when the process was killed. */
async function sendAndDie(order: SenderOrder, say: (line: string) => void): Promise<number[]> {
  const delivered: number[] = []
  const child = new Subprocess<SenderReport>(
    new URL('sender.js', import.meta.url),
    order,
    (report) => {
      if (report.kind === 'sent') {
        const rate = count((order.messages / report.elapsedMs) * 1000)
        say(`${count(order.messages)} messages sent, each of them durably: ${rate}/s`)
        return
      }
      delivered.push(report.position)
      if (delivered.length * 2 >= order.messages) child.kill()
    },
  )
  await child.ended
  return delivered
}

/** What the dead process had not delivered, or not said so, comes now. */
async function deliverTheRest(directory: string): Promise<number[]> {
  const delivered: number[] = []
  const outbox: Outbox<number> = await Outbox.open<number>(directory, async ({ position }) => {
    delivered.push(position)
  })
  const running = outbox.start()
  while (outbox.waiting > 0) await new Promise(setImmediate)
  await outbox.close()
  await running
  return delivered
}
