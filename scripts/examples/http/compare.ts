// The example server under load, on SluiceDB, on classic-level, and storing nothing.
//
//   for each number of connections, so many rounds, in which each store has one turn:
//     start a server process over a new directory, and a process that loads it
//     measure; kill the server with SIGKILL in the middle of the work
//     open the directory again: every request that was answered is there, byte for byte
//
// Run it:  npm run example -- http
//          npm run example -- http --connections 64,256 --seconds 3 --rounds 3

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { count, fixed, median, table } from '../../figures.ts'
import { endedWell, Subprocess } from '../../subprocess.ts'
import type { LoadOrder, LoadReport } from './load.ts'
import { type Answered, bodyOf } from './request-body.ts'
import { keyOf } from './server.ts'
import type { ServeOrder, ServeReport } from './served.ts'
import { openStore, STORE_NAMES, type StoreName } from './stores.ts'

export interface Measured {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests that were answered, and found again after the kill. */
  readonly verified: number
}

export interface Plan {
  readonly connections: number
  /** Measured in each turn, behind a third of it to warm up. */
  readonly seconds: number
  readonly rounds: number
}

const TITLES: Readonly<Record<StoreName, string>> = {
  sluicedb: 'SluiceDB',
  'classic-level': 'classic-level',
  nothing: 'nothing is stored',
}

/** Runs the comparison under `directory` and prints it. */
export async function compare(directory: string, args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connections: { type: 'string', default: '64,256' },
      seconds: { type: 'string', default: '3' },
      rounds: { type: 'string', default: '3' },
    },
  })
  const seconds = Number(values.seconds)
  const rounds = Number(values.rounds)
  for (const connections of values.connections.split(',').map(Number)) {
    const turns = await measureServers(directory, { connections, seconds, rounds })
    console.log(`\n${connections} connections\n${table(linesOf(turns))}`)
  }
}

/** The figures of every turn of every store. */
export async function measureServers(
  directory: string,
  { connections, seconds, rounds }: Plan,
): Promise<Map<StoreName, Measured[]>> {
  const measuredMs = seconds * 1000
  const load = { connections, warmUpMs: measuredMs / 3, measuredMs }
  const turns = new Map<StoreName, Measured[]>(STORE_NAMES.map((store) => [store, []]))
  for (let round = 0; round < rounds; round++) {
    for (const store of round % 2 === 0 ? STORE_NAMES : STORE_NAMES.toReversed()) {
      const path = join(directory, `${store}-${connections}-${round}`)
      turns.get(store)!.push(await measure(store, path, load))
    }
  }
  return turns
}

/** One turn of one store: loads it, kills it, and looks whether it kept what it promised. */
export async function measure(
  store: StoreName,
  directory: string,
  load: Omit<LoadOrder, 'port'>,
): Promise<Measured> {
  const { server, port } = await startServer({ store, directory })
  let measured: Extract<LoadReport, { kind: 'measured' }> | undefined
  let answered: readonly Answered[] = []
  const order: LoadOrder = { port, ...load }
  const loader = new Subprocess<LoadReport>(
    new URL('load.js', import.meta.url),
    order,
    (report) => {
      if (report.kind === 'measured') {
        measured = report
        server.kill()
      } else answered = report.answered
    },
  )
  await endedWell(loader, 'the load')
  const { signal } = await server.ended
  if (measured === undefined || signal !== 'SIGKILL') throw new Error('the server ended by itself')
  if (answered.length === 0) throw new Error('the load does not say what was answered')
  if (store !== 'nothing') await verify(store, directory, answered)
  const { requestsPerSecond, p50Ms, p99Ms } = measured
  return { requestsPerSecond, p50Ms, p99Ms, verified: store === 'nothing' ? 0 : answered.length }
}

async function startServer(
  order: ServeOrder,
): Promise<{ readonly server: Subprocess<ServeReport>; readonly port: number }> {
  return new Promise((resolve, reject) => {
    const server = new Subprocess<ServeReport>(
      new URL('served.js', import.meta.url),
      order,
      ({ port }) => resolve({ server, port }),
    )
    server.ended.then(() => reject(new Error('the server ended before it listened')), reject)
  })
}

/** Throws unless every request that was answered is stored as it was sent. */
async function verify(
  store: StoreName,
  directory: string,
  answered: readonly Answered[],
): Promise<void> {
  const db = await openStore(store, directory)
  for (const { number, connection, request } of answered) {
    const body = await db.get(keyOf(number))
    if (body?.toString() !== bodyOf(connection, request)) {
      throw new Error(`${store} answered request ${number}, and holds ${body?.toString()}`)
    }
  }
  await db.close()
}

/** The medians of the rounds as a table, a line for each store. */
export function linesOf(turns: ReadonlyMap<StoreName, readonly Measured[]>): string[][] {
  const lines = [...turns].map(([store, rounds]) => {
    const middle = (figure: (measured: Measured) => number): number => median(rounds.map(figure))
    const verified = rounds.reduce((sum, round) => sum + round.verified, 0)
    return [
      TITLES[store],
      count(middle(({ requestsPerSecond }) => requestsPerSecond)),
      `${fixed(
        middle(({ p50Ms }) => p50Ms),
        2,
      )} ms`,
      `${fixed(
        middle(({ p99Ms }) => p99Ms),
        2,
      )} ms`,
      store === 'nothing' ? '-' : count(verified),
    ]
  })
  return [['', 'requests/s', 'p50', 'p99', 'answered, killed, found again'], ...lines]
}
