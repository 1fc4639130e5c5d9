// Chooses the binding, once, when this module is first imported.
//
//   SLUICEDB_BINDING unset    (or empty) native where it loads, else the TypeScript twin with the reason kept
//   SLUICEDB_BINDING=native   native, or an Error that says why not
//   SLUICEDB_BINDING=js       the twin
//   anything else             an Error: a misspelt choice must not pass for the default

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Binding } from './binding.ts'
import { createJsBinding } from './js-binding.ts'
import { createNativeBinding, loadNativeModule } from './native-binding.ts'

/** From dist/ts/platform. */
const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Where a module may be, in order: built in the repository, built by a user, shipped. */
const CANDIDATES = [
  'build/Release/sluicedb.node',
  'native/build/Release/sluicedb.node',
  `prebuilds/${process.platform}-${process.arch}/sluicedb.node`,
]

/** `root`: the directory that the candidates are looked for in. */
export function loadBinding(
  environment: Readonly<NodeJS.ProcessEnv> = process.env,
  root: string = PACKAGE_ROOT,
): Binding {
  const forced = environment['SLUICEDB_BINDING']
  if (forced === 'js') return createJsBinding('SLUICEDB_BINDING is js')
  if (forced !== undefined && forced !== '' && forced !== 'native') {
    throw new Error(`SLUICEDB_BINDING must be 'native' or 'js', not '${forced}'`)
  }
  const failures: string[] = []
  for (const candidate of CANDIDATES) {
    const file = join(root, candidate)
    try {
      return createNativeBinding(loadNativeModule(file))
    } catch (error) {
      failures.push(`${file}: ${firstLine(error)}`)
    }
  }
  const reason = `no native module loaded: ${failures.join('; ')}`
  if (forced === 'native') throw new Error(`SLUICEDB_BINDING is native, but ${reason}`)
  return createJsBinding(reason)
}

/** Node appends its require stack, which says nothing here. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!
}

/** The binding of this process or worker. */
export const binding: Binding = loadBinding()
