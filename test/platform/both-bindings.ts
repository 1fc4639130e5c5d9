// The bindings to run a case on: the twin always, the native one where it was built.

import type { Binding } from '../../ts/platform/binding.ts'
import { loadBinding } from '../../ts/platform/load-binding.ts'

/** Without SLUICEDB_BINDING, so that a forced run still compares both. */
const chosen: Binding = loadBinding({})

export const jsBinding: Binding = loadBinding({ SLUICEDB_BINDING: 'js' })
export const nativeBinding: Binding | undefined = chosen.kind === 'native' ? chosen : undefined
export const bothBindings: readonly Binding[] =
  nativeBinding === undefined ? [jsBinding] : [nativeBinding, jsBinding]
