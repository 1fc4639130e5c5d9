// A local socket as a lock: whoever listens on the name holds it, and the kernel ends that with
// the process, however it ends.
//
//   Linux     an abstract socket: no file, nothing to clean up
//   Windows   a named pipe, of which libuv makes the first instance only
//   others    a socket file in /tmp; one that a dead process left behind is taken over
//
// An abstract name is seen by all users of the machine (of the network name space) and guarded by
// no permission: someone hostile can keep a database from being opened, but not the reverse.

import fs from 'node:fs'
import net from 'node:net'
import { errnoOf, isMissing } from '../format/error.ts'

export interface HeldSocket {
  /** Idempotent. Resolves when the name is free. */
  release(): Promise<void>
}

/** Takes `name`, or returns undefined when someone, in this process or another, holds it. */
export async function holdSocket(name: string): Promise<HeldSocket | undefined> {
  const address = socketAddress(name)
  const held = await listen(address)
  if (held !== undefined || !isSocketFile()) return held
  return (await clearStaleFile(address)) ? listen(address) : undefined
}

function isSocketFile(): boolean {
  return process.platform !== 'linux' && process.platform !== 'win32'
}

function socketAddress(name: string): string {
  if (process.platform === 'linux') return `\0${name}`
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`
  // Not os.tmpdir(): TMPDIR may differ between two processes that must meet here.
  return `/tmp/${name}.sock`
}

function listen(address: string): Promise<HeldSocket | undefined> {
  return new Promise((resolve, reject) => {
    // Nobody has anything to say here; a caller only wants to know that we live.
    const server = net.createServer((caller) => caller.destroy())
    server.once('error', (error) => {
      if (errnoOf(error) === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    // exclusive: in a cluster's worker the primary would otherwise share one listener among all.
    server.listen({ path: address, exclusive: true }, () => {
      // A failed accept (EMFILE) must not become an uncaught error: the name stays ours.
      server.removeAllListeners('error').on('error', () => undefined)
      resolve(new ListeningSocket(server))
    })
    server.unref()
  })
}

class ListeningSocket implements HeldSocket {
  readonly #server: net.Server
  #releasing: Promise<void> | undefined

  constructor(server: net.Server) {
    this.#server = server
  }

  release(): Promise<void> {
    this.#releasing ??= new Promise((resolve) => {
      this.#server.close(() => resolve())
    })
    return this.#releasing
  }
}

/**
 * Removes the socket file when nobody answers on it; true when the name may be tried again.
 * The file is first moved aside and asked again under its new name: two processes that both found
 * it stale could otherwise remove each other's fresh socket.
 */
async function clearStaleFile(address: string): Promise<boolean> {
  if (await answers(address)) return false
  const aside = `${address}.${process.pid}.${process.hrtime.bigint()}`
  try {
    await fs.promises.rename(address, aside)
  } catch (error) {
    if (isMissing(error)) return true
    throw error
  }
  if (!(await answers(aside))) {
    await fs.promises.unlink(aside)
    return true
  }
  await fs.promises.rename(aside, address)
  return false
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const caller = net.connect(address)
    caller.once('connect', () => {
      caller.destroy()
      resolve(true)
    })
    caller.once('error', (error) => {
      // Anything but a clear refusal counts as alive: to refuse wrongly is safe.
      resolve(errnoOf(error) !== 'ECONNREFUSED' && errnoOf(error) !== 'ENOENT')
    })
  })
}
