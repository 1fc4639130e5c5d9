// Load for the example server, from a process of its own: so many keep-alive connections, each
// with one request at a time.
//
// Raw sockets rather than node:http: a client that takes as much processor as the server would
// measure itself, where both share a machine.
//
// Steps: connect; load; after the warm-up, count; when the time is up, say so and go on until the
// server is gone, which it is in the middle of the work; then hand over all that was answered.

import { connect, type Socket } from 'node:net'
import { report, serve } from '../../subprocess.ts'
import { type Answered, bodyOf } from './request-body.ts'

export interface LoadOrder {
  readonly port: number
  readonly connections: number
  readonly warmUpMs: number
  readonly measuredMs: number
}

export type LoadReport =
  | {
      readonly kind: 'measured'
      readonly requestsPerSecond: number
      readonly p50Ms: number
      readonly p99Ms: number
    }
  | { readonly kind: 'ended'; readonly answered: readonly Answered[] }

class Load {
  readonly answered: Answered[] = []
  readonly #latenciesMs: number[] = []
  readonly #order: LoadOrder
  readonly #startMs = performance.now()
  #isMeasured = false

  constructor(order: LoadOrder) {
    this.#order = order
  }

  async run(): Promise<void> {
    const { connections } = this.#order
    await Promise.all(Array.from({ length: connections }, (_, index) => this.#connection(index)))
  }

  /** Resolves when the server is gone. */
  #connection(connection: number): Promise<void> {
    return new Promise((resolve) => {
      const socket = connect({ port: this.#order.port, host: '127.0.0.1', noDelay: true })
      let request = 0
      let text = ''
      let sentMs = send(socket, connection, request)
      socket.setEncoding('latin1')
      socket.on('data', (chunk: string) => {
        text += chunk
        const number = numberIn(text)
        if (number === undefined) return
        text = ''
        this.#note(sentMs, { number, connection, request })
        sentMs = send(socket, connection, ++request)
      })
      // Ignored: a server that is killed resets its connections.
      socket.on('error', () => undefined)
      socket.on('close', () => resolve())
    })
  }

  #note(sentMs: number, answered: Answered): void {
    this.answered.push(answered)
    const nowMs = performance.now()
    const { warmUpMs, measuredMs } = this.#order
    const sinceMs = nowMs - this.#startMs - warmUpMs
    if (sinceMs < 0 || this.#isMeasured) return
    this.#latenciesMs.push(nowMs - sentMs)
    if (sinceMs < measuredMs) return
    this.#isMeasured = true
    const sorted = this.#latenciesMs.toSorted((a, b) => a - b)
    const measured: LoadReport = {
      kind: 'measured',
      requestsPerSecond: (sorted.length / sinceMs) * 1000,
      p50Ms: sorted[Math.floor(sorted.length * 0.5)]!,
      p99Ms: sorted[Math.floor(sorted.length * 0.99)]!,
    }
    report(measured)
  }
}

function send(socket: Socket, connection: number, request: number): number {
  const body = bodyOf(connection, request)
  socket.write(
    `POST /requests HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  return performance.now()
}

/** The number in a whole response; undefined while a part of it is missing. Throws for no 201. */
function numberIn(text: string): number | undefined {
  const headEnd = text.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const lengthBytes = Number(/content-length: (\d+)/i.exec(text)?.[1])
  const body = text.slice(headEnd + 4)
  if (body.length < lengthBytes) return undefined
  if (text.startsWith('HTTP/1.1 201 ')) return Number(body)
  throw new Error(`the server answered ${text}`)
}

serve(async (order: LoadOrder) => {
  const load = new Load(order)
  await load.run()
  const ended: LoadReport = { kind: 'ended', answered: load.answered }
  // Not report() and disconnect(), which would cut off what the channel has not taken yet.
  process.send!(ended, () => process.disconnect())
})
