// A folder that has the package installed, in which programs are run.

import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import { type Answer, ENTRIES, VALUE } from './programs.ts'

const TIMEOUT_MS = 120_000
/** ts/platform/load-binding.ts. */
const WARNING = /SLUICEDB_JS_BINDING/g

export interface Run {
  readonly answer: Answer
  /** How many times the process was warned that it works without the native module. */
  readonly warnings: number
}

export interface RunOptions {
  readonly flags?: readonly string[]
  readonly environment?: NodeJS.ProcessEnv
  /** One that is there; a new one by default. */
  readonly database?: string
}

export class App {
  readonly directory: string
  /** The Node that programs run on. */
  readonly node: string
  #databases = 0

  constructor(directory: string, node: string = process.execPath) {
    this.directory = directory
    this.node = node
  }

  write(name: string, text: string): string {
    const file = join(this.directory, name)
    fs.writeFileSync(file, text)
    return file
  }

  /** A path where nothing is yet. */
  newDatabase(): string {
    return join(this.directory, `database-${this.#databases++}`)
  }

  /** Runs a program of programs.ts, and checks what it did there. */
  async run(file: string, options: RunOptions = {}): Promise<Run> {
    const { flags = [], environment, database = this.newDatabase() } = options
    const { code, stdout, stderr } = await execute(this.node, [...flags, file, database], {
      cwd: this.directory,
      env: environment ?? this.environment(),
    })
    if (code !== 0) throw new Error(`${file} ended with ${code}\n${stdout}${stderr}`)
    const answer = JSON.parse(stdout) as Answer
    if (answer.entries !== ENTRIES || answer.value !== VALUE) {
      throw new Error(`${file} found ${stdout}`)
    }
    return { answer, warnings: stderr.match(WARNING)?.length ?? 0 }
  }

  /** As a user has it: without what npm or a test set for us. */
  environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    const { NODE_OPTIONS: _options, SLUICEDB_BINDING: _binding, ...rest } = process.env
    return { ...rest, ...more }
  }
}

export interface Execution {
  readonly code: number | string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, without a shell. */
export function execute(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
): Promise<Execution> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      ...options,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
    })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text
      })
    }
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code: signal ?? code, ...output }))
  })
}
