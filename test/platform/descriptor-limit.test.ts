// The limit of open files, where the system says it.

import test from 'ava'
import { descriptorLimit, limitOfProc } from '../../ts/platform/descriptor-limit.ts'

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             96326                96326                processes
Max open files            1024                 524288               files
Max locked memory         8388608              8388608              bytes
`

test('the soft limit of open files is found among the others', (t) => {
  t.is(limitOfProc(LIMITS), 1024)
  t.is(limitOfProc(LIMITS.replace('1024  ', 'unlimited')), undefined)
  t.is(limitOfProc(''), undefined)
})

test('this process has a limit, or none is known', (t) => {
  const limit = descriptorLimit()
  if (process.platform === 'linux') t.true(limit === undefined || limit > 10)
  t.is(descriptorLimit(), limit)
})
