// A child of the loader's tests: prints what the import chose.

import { binding } from '../../ts/platform/load-binding.ts'

console.log(binding.kind, binding.reason)
