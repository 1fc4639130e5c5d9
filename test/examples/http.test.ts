// The example server: what it answers, when, and what is left of it after a kill.

import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { measure } from '../../scripts/examples/http/compare.ts'
import { requestServer, type RequestStore } from '../../scripts/examples/http/server.ts'
import { SluiceLevel } from '../../ts/index.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

async function listen(t: ExecutionContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function post(url: string, body: string): Promise<[status: number, text: string]> {
  const response = await fetch(`${url}/requests`, { method: 'POST', body })
  return [response.status, await response.text()]
}

async function get(url: string): Promise<[status: number, text: string]> {
  const response = await fetch(url)
  return [response.status, await response.text()]
}

test('a request is stored under the next number, which goes on after a restart', async (t) => {
  const directory = join(scratchDirectory(t, FAST_ROOT), 'db')
  const open = (): SluiceLevel<string, Buffer> =>
    new SluiceLevel(directory, { valueEncoding: 'buffer' })
  const first = open()
  const url = await listen(t, await requestServer(first))
  t.deepEqual(await post(url, 'one'), [201, '1'])
  t.deepEqual(await post(url, 'two'), [201, '2'])
  t.deepEqual(await get(`${url}/requests/2`), [200, 'two'])
  t.deepEqual(await get(`${url}/requests/3`), [404, 'no such request'])
  t.is((await get(`${url}/elsewhere`))[0], 404)
  t.is((await post(url, 'x'.repeat(2 ** 20 + 1)))[0], 413)
  await first.close()

  const second = open()
  const again = await listen(t, await requestServer(second))
  t.deepEqual(await get(`${again}/requests/1`), [200, 'one'])
  t.deepEqual(await post(again, 'three'), [201, '3'])
  await second.close()
})

test('the answer waits for a durable put', async (t) => {
  const happened: string[] = []
  let tellAsked!: () => void
  let settle!: () => void
  const asked = new Promise<void>((resolve) => (tellAsked = resolve))
  const stored = new Promise<void>((resolve) => (settle = resolve))
  const db: RequestStore = {
    put: (_key, _value, { sync }) => {
      happened.push(`put, sync ${sync}`)
      tellAsked()
      return stored
    },
    get: async () => undefined,
    keys: () => ({ all: async () => [] }),
  }
  const url = await listen(t, await requestServer(db))
  const answered = post(url, 'one').then(([status]) => happened.push(`answered ${status}`))
  await asked
  // A whole exchange with the same server: time enough for an answer that does not wait.
  await get(`${url}/requests/1`)
  happened.push('stored')
  settle()
  await answered
  t.deepEqual(happened, ['put, sync true', 'stored', 'answered 201'])
})

test('a put that fails is no success', async (t) => {
  const db: RequestStore = {
    put: async () => {
      throw new Error('no space left on device')
    },
    get: async () => undefined,
    keys: () => ({ all: async () => [] }),
  }
  const url = await listen(t, await requestServer(db))
  t.deepEqual(await post(url, 'one'), [503, 'no space left on device'])
})

test('every request that was answered is there after the server was killed', async (t) => {
  const directory = join(scratchDirectory(t), 'db')
  const load = { connections: 8, warmUpMs: 0, measuredMs: 50 }
  const { verified, requestsPerSecond } = await measure('sluicedb', directory, load)
  t.true(verified > 0)
  t.true(requestsPerSecond > 0)
})
