// A child of the lock's tests. Each line of input is a command, each answered with one line:
//
//   js|native PATH    locks with that binding: 'locked', or the error's code and message
//   classic PATH      opens a database with classic-level: 'opened', or the cause's code
//   release           releases everything locked here: 'released'
//   leave             stops listening; the process must then end by itself

import { createInterface } from 'node:readline'
import { ClassicLevel } from 'classic-level'
import { loadBinding } from '../../ts/platform/load-binding.ts'
import type { Lock } from '../../ts/platform/lock.ts'

const locks: Lock[] = []

async function lock(kind: string, path: string): Promise<string> {
  try {
    locks.push(await loadBinding({ SLUICEDB_BINDING: kind }).lock(path))
    return 'locked'
  } catch (error) {
    return error instanceof Error ? `${(error as { code?: string }).code} ${error.message}` : '?'
  }
}

async function openClassic(path: string): Promise<string> {
  const level = new ClassicLevel(path)
  try {
    await level.open()
    return 'opened'
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } }
    return cause?.code ?? String(error)
  }
}

async function answer(command: string, path: string): Promise<string> {
  if (command === 'js' || command === 'native') return lock(command, path)
  if (command === 'classic') return openClassic(path)
  if (command !== 'release') return `unknown command ${command}`
  for (const held of locks.splice(0)) await held.release()
  return 'released'
}

const input = createInterface({ input: process.stdin })
for await (const line of input) {
  const [command = '', path = ''] = line.split(' ')
  if (command === 'leave') break
  console.log(await answer(command, path))
}
