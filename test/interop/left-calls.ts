// What a process writes before it ends without closing: known to it and to the test.

import { type Call, del, put } from './contents.ts'

/** Single writes and batches, some of several log blocks, some deletions. */
export function leftCalls(): Call[] {
  const calls: Call[] = []
  for (let i = 0; i < 200; i++) {
    calls.push([put(`left-${i % 80}`, Buffer.alloc((i * 37) % 3000, `${i}`))])
    if (i % 7 === 3) calls.push([del(`left-${(i * 3) % 80}`)])
    if (i % 20 === 9) {
      calls.push([put(`batch-${i}`, Buffer.alloc(50_000, 'b')), del(`batch-${i - 20}`)])
    }
  }
  return calls
}
