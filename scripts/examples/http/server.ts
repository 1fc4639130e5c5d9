// Example: an HTTP server that answers a request only when it is on the disk.
//
//   POST /requests        stores the body, then answers 201 with its number
//   GET  /requests/<n>    answers 200 with the body, or 404
//
// Each request awaits its own durable put. Those that arrive while the disk is busy share the next
// sync, so hundreds of connections cost hardly more than one.
//
// Run it:  node dist/scripts/examples/http/main.js ./requests 8080
//          curl -d 'two coffees' localhost:8080/requests
//          curl localhost:8080/requests/1
// Under load, beside the same server on classic-level:  npm run example -- http

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** The part of SluiceLevel that is used here, and of any other store of abstract-level. */
export interface RequestStore {
  put(key: string, value: Buffer, options: { sync: boolean }): Promise<void>
  get(key: string): Promise<Buffer | undefined>
  keys(options: { reverse: boolean; limit: number }): { all(): Promise<string[]> }
}

const LARGEST_BODY_BYTES = 2 ** 20
/** Keys are ordered by their bytes, so numbers are written with leading zeros. */
const NUMBER_DIGITS = 16

export async function requestServer(db: RequestStore): Promise<Server> {
  // Numbers go on behind the last one that was stored, also after a crash.
  const [lastKey = '0'] = await db.keys({ reverse: true, limit: 1 }).all()
  let lastNumber = Number(lastKey)

  async function store(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    if (body === undefined) return reply(response, 413, 'too large')
    const number = ++lastNumber
    // The one line that matters: the answer waits for the disk.
    await db.put(keyOf(number), body, { sync: true })
    reply(response, 201, String(number))
  }

  async function show(number: string, response: ServerResponse): Promise<void> {
    const body = await db.get(keyOf(number))
    if (body === undefined) reply(response, 404, 'no such request')
    else reply(response, 200, body)
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '' } = request
    const number = /^\/requests\/(\d{1,16})$/.exec(url)?.[1]
    if (method === 'POST' && url === '/requests') return store(request, response)
    if (method === 'GET' && number !== undefined) return show(number, response)
    reply(response, 404, 'POST /requests or GET /requests/<number>')
  }

  return createServer((request, response) => {
    route(request, response).catch((error: unknown) => {
      // Not stored, or nobody knows: either way it must not look like success.
      reply(response, 503, error instanceof Error ? error.message : String(error))
    })
  })
}

export function keyOf(number: number | string): string {
  return String(number).padStart(NUMBER_DIGITS, '0')
}

/** Undefined for a body that is too large. */
function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      if (sizeBytes <= LARGEST_BODY_BYTES) chunks.push(chunk)
    })
    request.on('end', () => {
      resolve(sizeBytes <= LARGEST_BODY_BYTES ? Buffer.concat(chunks) : undefined)
    })
    request.on('error', reject)
  })
}

function reply(response: ServerResponse, status: number, body: string | Buffer): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body)
}
