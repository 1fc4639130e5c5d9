// One database, one process: each side refuses while the other has it open, and nothing is harmed.

import test, { type ExecutionContext } from 'ava'
import { SluiceError, binding } from '../../ts/index.ts'
import { talkToChild } from '../platform/child-process.ts'
import { FAST_ROOT, scratchDirectory } from '../platform/scratch-directory.ts'
import { Contents, put } from './contents.ts'
import { leftCalls } from './left-calls.ts'
import { ClassicStore, OurStore } from './stores.ts'

// The twin of the native module cannot take a lock that C++ sees; it only sees those of others.
const onNative = binding.kind === 'native' && process.platform !== 'win32' ? test : test.skip
// It sees them in /proc/locks.
const whereSeen = binding.kind === 'native' || process.platform === 'linux' ? test : test.skip

whereSeen('we are refused while a LevelDB of this process has the database', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const contents = new Contents()
  const level = await ClassicStore.open(directory)
  for (let i = 0; i < 3; i++) {
    await checkRefused(t, directory)
    const call = [put(`key-${i}`, 'still writes')]
    contents.apply(call)
    await level.write(call, true)
  }
  await level.close()
  const ours = await OurStore.open(directory)
  t.is(await ours.difference(contents), undefined)
  await ours.close()
})

whereSeen('we are refused while a LevelDB of another process has the database', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const child = talkToChild('interop/write-child.js', ['classic', directory, 'wait'])
  t.is(await child.ask(''), 'written')
  await checkRefused(t, directory)
  await child.kill()
  const contents = new Contents()
  for (const call of leftCalls()) contents.apply(call)
  const ours = await OurStore.open(directory)
  t.is(await ours.difference(contents), undefined)
  await ours.close()
})

onNative('LevelDB is refused while we have the database', async (t) => {
  const directory = scratchDirectory(t, FAST_ROOT)
  const contents = new Contents()
  const ours = await OurStore.open(directory)
  for (let i = 0; i < 3; i++) {
    const error = await t.throwsAsync(ClassicStore.open(directory))
    t.is((error.cause as { code?: string }).code, 'LEVEL_LOCKED')
    const call = [put(`key-${i}`, 'still writes')]
    contents.apply(call)
    await ours.write(call, true)
    await ours.rewrite()
  }
  t.is(await ours.difference(contents), undefined)
  await ours.close()
  const level = await ClassicStore.open(directory)
  t.is(await level.difference(contents), undefined)
  await level.close()
})

async function checkRefused(t: ExecutionContext, directory: string): Promise<void> {
  const error = await t.throwsAsync(OurStore.open(directory), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  t.true(error.cause instanceof SluiceError)
  t.is((error.cause as SluiceError).code, 'LEVEL_LOCKED')
}
