// What follows from the options.

import test from 'ava'
import { checkOptions, openTableLimit } from '../../ts/db/options.ts'

function limit(maxOpenFiles: number, descriptorLimit: number | undefined): number {
  return openTableLimit(checkOptions({ maxOpenFiles }), { descriptorLimit })
}

test('tables take a fifth of the descriptors at most, and one at least', (t) => {
  t.is(limit(1000, undefined), 1000)
  t.is(limit(1000, 1024), 204)
  t.is(limit(100, 1024), 100)
  t.is(limit(1000, 20_000), 1000)
  t.is(limit(1000, 3), 1)
})
