// The process of the example server while it is measured: one store, one server, any free port.

import type { AddressInfo } from 'node:net'
import { report, serve } from '../../subprocess.ts'
import { requestServer } from './server.ts'
import { openStore, type StoreName } from './stores.ts'

export interface ServeOrder {
  readonly store: StoreName
  readonly directory: string
}

export interface ServeReport {
  readonly port: number
}

serve(async ({ store, directory }: ServeOrder) => {
  const server = await requestServer(await openStore(store, directory))
  server.listen({ port: 0, host: '127.0.0.1' }, () => {
    const listening: ServeReport = { port: (server.address() as AddressInfo).port }
    report(listening)
  })
})
