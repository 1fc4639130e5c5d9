// Jobs whose surroundings go away: the worker, the process, every reference to them.
//
// SLUICE_LEAK_JOBS: appends of the leak check (5,000, and twice as many to warm up); a million of
// them takes a minute or two.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { bothBindings, jsBinding } from '../platform/both-bindings.ts'
import { runChild } from '../platform/child-process.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'

const CHILD = 'parity/lifetime-child.js'
const LEAK_JOBS = Number(process.env['SLUICE_LEAK_JOBS'] ?? 5_000)
/** Memory that may come and go with the heap and the allocator. */
const RSS_TOLERANCE = 16 * 1024 * 1024
const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip

for (const { kind } of bothBindings) {
  const environment = { SLUICEDB_BINDING: kind }

  onLinux(
    `${kind}: a worker terminated in mid-job takes nothing down and leaves nothing open`,
    async (t) => {
      const directory = scratchDirectory(t)
      const run = async (rounds: number): Promise<number> => {
        const result = await runChild(CHILD, ['terminate', directory, `${rounds}`], [], environment)
        t.deepEqual([result.code, result.signal], [0, null], result.output)
        return Number(result.output)
      }
      const few = await run(2)
      const many = await run(20)
      // Node 20.20 loses the descriptor of an fs.open that is in flight when its worker ends, so the
      // twin may only be as bad as that: one open at a time, 18 rounds more.
      t.true(kind === 'native' ? many === few : many <= few + 18, `${few} then ${many} open`)
    },
  )

  test.serial(`${kind}: process.exit in mid-job ends the process and nothing else`, async (t) => {
    const directory = scratchDirectory(t)
    for (const delay of ['0', '1', '0', '1']) {
      const result = await runChild(CHILD, ['exit', directory, delay], [], environment)
      t.deepEqual(result, { code: 0, signal: null, output: '' })
    }
  })

  test.serial(`${kind}: what a job needs outlives every reference to it`, async (t) => {
    const directory = scratchDirectory(t)
    const rounds = 30
    const args = ['collect', directory, `${rounds}`]
    const result = await runChild(CHILD, args, ['--expose-gc'], environment)
    t.deepEqual(result, { code: 0, signal: null, output: '' })
    const path = join(directory, 'expected')
    const log = await jsBinding.createLog(path)
    await log.append(Buffer.alloc(100_000, 'z'), 0, 100_000, false)
    await log.close()
    const expected = fs.readFileSync(path)
    for (let round = 0; round < rounds; round++) {
      // Nobody closed the logs, so what they were made longer by may be behind the record.
      const contents = fs.readFileSync(join(directory, `${round}.log`))
      t.true(contents.subarray(0, expected.length).equals(expected), `${round}`)
      t.true(
        contents.subarray(expected.length).every((byte) => byte === 0),
        `${round}`,
      )
    }
  })

  onLinux(`${kind}: ${LEAK_JOBS} jobs leave no descriptor and no memory behind`, async (t) => {
    t.timeout(600_000)
    const args = ['leak', scratchDirectory(t, FAST_ROOT), `${LEAK_JOBS}`]
    const result = await runChild(CHILD, args, ['--expose-gc'], environment)
    t.deepEqual([result.code, result.signal], [0, null], result.output)
    const { before, after } = JSON.parse(result.output) as Record<string, [number, number]>
    t.true(after![0] <= before![0], `descriptors ${before![0]} -> ${after![0]}`)
    const growth = after![1] - before![1]
    t.true(growth < RSS_TOLERANCE, `${growth} bytes`)
    t.log(`${kind}: descriptors ${before![0]} -> ${after![0]}, memory ${growth >> 10} KiB more`)
  })
}
