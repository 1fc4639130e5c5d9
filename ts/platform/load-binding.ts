// Chooses the binding, once, when this module is first imported.
//
//   SLUICEDB_BINDING unset    (or empty) native where it loads, else the TypeScript twin with the reason kept
//   SLUICEDB_BINDING=native   native, or an Error that says why not
//   SLUICEDB_BINDING=js       the twin
//   anything else             an Error: a misspelt choice must not pass for the default
//
// A fallback that nobody asked for is told once by a warning of the process, on its main thread:
// everything works, only slower, and nobody looks at `binding.reason` who does not know of it. It
// has a code, so that `--disable-warning=SLUICEDB_JS_BINDING` silences it. SLUICEDB_BINDING=js and a
// Node that may load no addons are somebody's choice, and stay silent.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import type { Binding } from './binding.ts'
import { createJsBinding } from './js-binding.ts'
import { createNativeBinding, loadNativeModule } from './native-binding.ts'
import { prebuiltFolder } from './prebuilt.ts'

/** From dist/ts/platform. */
const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url))

const WARNING_CODE = 'SLUICEDB_JS_BINDING'

interface Choice {
  readonly binding: Binding
  /** Set where the twin was chosen by nobody. */
  readonly warning?: string
}

/** `root`: the directory that the module is looked for in. */
export function loadBinding(
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
  root: string = PACKAGE_ROOT,
): Binding {
  return choose(environment, root).binding
}

function choose(environment: Readonly<NodeJS.ProcessEnv>, root: string): Choice {
  const forced = environment['SLUICEDB_BINDING']
  if (forced === 'js') return { binding: createJsBinding('SLUICEDB_BINDING is js') }
  if (forced !== undefined && forced !== '' && forced !== 'native') {
    throw new Error(`SLUICEDB_BINDING must be 'native' or 'js', not '${forced}'`)
  }
  const failures: string[] = []
  let isForbidden = false
  for (const file of candidates(root)) {
    try {
      return { binding: createNativeBinding(loadNativeModule(file)) }
    } catch (error) {
      isForbidden ||= (error as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED'
      failures.push(`${file}: ${existsSync(file) ? firstLine(error) : 'not there'}`)
    }
  }
  const reason = `no native module loaded: ${failures.join('; ')}`
  if (forced === 'native') throw new Error(`SLUICEDB_BINDING is native, but ${reason}`)
  const binding = createJsBinding(reason)
  return isForbidden ? { binding } : { binding, warning: warningText(reason) }
}

/** In order: built in the repository, built by a user, shipped. */
function candidates(root: string): string[] {
  return ['build/Release', 'native/build/Release', prebuiltFolder()].map((folder) =>
    join(root, folder, 'sluicedb.node'),
  )
}

function warningText(reason: string): string {
  return `SluiceDB works in TypeScript alone, and slower. \`npx sluicedb build\` compiles its native module. (${reason})`
}

/** Node appends its require stack, which says nothing here. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!
}

function chooseAndWarn(): Binding {
  const { binding: chosen, warning } = choose(process.env, PACKAGE_ROOT)
  if (warning !== undefined && isMainThread) process.emitWarning(warning, { code: WARNING_CODE })
  return chosen
}

/** The binding of this process or worker. */
export const binding: Binding = chooseAndWarn()
