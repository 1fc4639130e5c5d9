// The lock of both bindings, against each other, other processes, threads and LevelDB.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join, relative } from 'node:path'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { ClassicLevel } from 'classic-level'
import { SluiceError } from '../../ts/format/error.ts'
import type { Binding } from '../../ts/platform/binding.ts'
import { holderIn, lockName } from '../../ts/platform/held-locks.ts'
import { bothBindings, nativeBinding } from './both-bindings.ts'
import { talkToChild } from './child-process.ts'
import { scratchDirectory } from './scratch-directory.ts'

const CHILD = 'platform/lock-child.js'
const onLinux = process.platform === 'linux' ? test : test.skip
const onLinuxNative = process.platform === 'linux' && nativeBinding !== undefined ? test : test.skip

/** Every pair (holder, second opener). */
const pairs: readonly (readonly [Binding, Binding])[] = bothBindings.flatMap((holder) =>
  bothBindings.map((other) => [holder, other] as const),
)

/** Undefined for one that is gone, such as that which read the list. */
function nameOfDescriptor(descriptor: string): string | undefined {
  const link = `/proc/self/fd/${descriptor}`
  return fs.existsSync(link) ? fs.readlinkSync(link) : undefined
}

for (const [holder, other] of pairs) {
  const pair = `${holder.kind} then ${other.kind}`

  test(`${pair}: a second lock in this process is refused and the first stays intact`, async (t) => {
    const path = join(scratchDirectory(t), 'LOCK')
    const lock = await holder.lock(path)
    for (let attempt = 0; attempt < 3; attempt++) {
      const error = await t.throwsAsync(other.lock(path), { instanceOf: SluiceError })
      t.is(error.code, 'LEVEL_LOCKED')
      t.is(error.file, path)
      t.true(error.message.startsWith(`${path} is locked`), error.message)
    }
    const child = talkToChild(CHILD, [])
    t.regex(await child.ask(`${other.kind} ${path}`), /^LEVEL_LOCKED /)
    await lock.release()
    t.is(await child.ask(`${other.kind} ${path}`), 'locked')
    await t.throwsAsync(holder.lock(path), { code: 'LEVEL_LOCKED' })
    t.is(await child.finish(), 0)
    await (await holder.lock(path)).release()
  })

  test(`${pair}: a lock that another process holds is refused until that process is killed`, async (t) => {
    const path = join(scratchDirectory(t), 'LOCK')
    const child = talkToChild(CHILD, [])
    t.is(await child.ask(`${holder.kind} ${path}`), 'locked')
    await t.throwsAsync(other.lock(path), { code: 'LEVEL_LOCKED' })
    await child.kill()
    await (await other.lock(path)).release()
  })

  test(`${pair}: a symbolic link and a relative path lead to the same lock`, async (t) => {
    const directory = scratchDirectory(t)
    const real = join(directory, 'real')
    fs.mkdirSync(real)
    fs.symlinkSync(real, join(directory, 'link'))
    const lock = await holder.lock(join(real, 'LOCK'))
    for (const spelling of [
      join(directory, 'link', 'LOCK'),
      `${directory}/./real/../real//LOCK`,
      relative(process.cwd(), join(real, 'LOCK')),
    ]) {
      await t.throwsAsync(other.lock(spelling), { code: 'LEVEL_LOCKED' }, spelling)
    }
    await lock.release()
    await (await other.lock(join(directory, 'link', 'LOCK'))).release()
  })

  test(`${pair}: LOCK unlinked, or replaced, while it is held still refuses`, async (t) => {
    const path = join(scratchDirectory(t), 'LOCK')
    const lock = await holder.lock(path)
    fs.unlinkSync(path)
    await t.throwsAsync(other.lock(path), { code: 'LEVEL_LOCKED' })
    fs.writeFileSync(path, '')
    await t.throwsAsync(other.lock(path), { code: 'LEVEL_LOCKED' })
    const child = talkToChild(CHILD, [])
    t.regex(await child.ask(`${other.kind} ${path}`), /^LEVEL_LOCKED /)
    await child.finish()
    await lock.release()
  })
}

for (const binding of bothBindings) {
  test(`${binding.kind}: release may be called again, and LOCK stays`, async (t) => {
    const path = join(scratchDirectory(t), 'LOCK')
    const lock = await binding.lock(path)
    await Promise.all([lock.release(), lock.release()])
    await lock.release()
    t.is(fs.statSync(path).size, 0)
    const next = await binding.lock(path)
    await lock.release() // It is not this one's any more.
    await t.throwsAsync(binding.lock(path), { code: 'LEVEL_LOCKED' })
    await next.release()
  })

  test(`${binding.kind}: a held lock does not keep the process alive`, async (t) => {
    const path = join(scratchDirectory(t), 'LOCK')
    const child = talkToChild(CHILD, [])
    t.is(await child.ask(`${binding.kind} ${path}`), 'locked')
    t.is(await child.finish(), 0)
    await (await binding.lock(path)).release()
  })

  test(`${binding.kind}: a directory that is not there is ENOENT, and is not created`, async (t) => {
    const directory = join(scratchDirectory(t), 'missing')
    await t.throwsAsync(binding.lock(join(directory, 'LOCK')), { code: 'ENOENT' })
    t.false(fs.existsSync(directory))
  })

  test(`${binding.kind}: of many lockers at once exactly one gets it`, async (t) => {
    const path = join(scratchDirectory(t), 'LOCK')
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => binding.lock(path)))
    const held = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    t.is(held.length, 1)
    await held[0]!.value.release()
  })

  test(`${binding.kind}: a worker of this process is refused, and its end gives its lock up`, async (t) => {
    const path = join(scratchDirectory(t), 'LOCK')
    const source = `
      const { workerData, parentPort } = require('node:worker_threads')
      import(workerData.module).then(async ({ loadBinding }) => {
        const binding = loadBinding({ SLUICEDB_BINDING: workerData.kind })
        parentPort.postMessage(await binding.lock(workerData.path).then(() => 'locked', (e) => e.code))
        setInterval(() => {}, 1000)
      })`
    const module = new URL('../../ts/platform/load-binding.js', import.meta.url).href
    const lockInWorker = async (): Promise<[Worker, unknown]> => {
      const workerData = { module, kind: binding.kind, path }
      const worker = new Worker(source, { eval: true, workerData })
      return [worker, await new Promise((resolve) => worker.once('message', resolve))]
    }
    const lock = await binding.lock(path)
    const [refused, answer] = await lockInWorker()
    t.is(answer, 'LEVEL_LOCKED')
    await refused.terminate()
    await lock.release()
    const [holder, taken] = await lockInWorker()
    t.is(taken, 'locked')
    await t.throwsAsync(binding.lock(path), { code: 'LEVEL_LOCKED' })
    await holder.terminate()
    await (await binding.lock(path)).release()
  })

  onLinux(`${binding.kind}: a bind mount of the directory leads to the same lock`, async (t) => {
    const directory = scratchDirectory(t)
    const real = join(directory, 'real')
    const mounted = join(directory, 'mounted')
    fs.mkdirSync(real)
    fs.mkdirSync(mounted)
    try {
      execFileSync('mount', ['--bind', real, mounted], { stdio: 'ignore' })
    } catch {
      t.log('mounting is not permitted here')
      t.pass()
      return
    }
    try {
      const lock = await binding.lock(join(real, 'LOCK'))
      await t.throwsAsync(binding.lock(join(mounted, 'LOCK')), { code: 'LEVEL_LOCKED' })
      await lock.release()
    } finally {
      execFileSync('umount', [mounted])
    }
  })

  onLinux(
    `${binding.kind}: a LevelDB in this process refuses us by its pid and keeps its lock`,
    async (t) => {
      const directory = scratchDirectory(t)
      const path = join(directory, 'LOCK')
      const level = new ClassicLevel(directory)
      await level.open()
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = await t.throwsAsync(binding.lock(path), { code: 'LEVEL_LOCKED' })
        t.true(error.message.endsWith(`is locked by process ${process.pid}`), error.message)
      }
      const child = talkToChild(CHILD, [])
      t.regex(await child.ask(`${binding.kind} ${path}`), /^LEVEL_LOCKED .* by process \d+$/)
      t.is(await child.ask(`classic ${directory}`), 'LEVEL_LOCKED')
      await level.close()
      t.is(await child.ask(`${binding.kind} ${path}`), 'locked')
      await child.finish()
    },
  )

  onLinux(`${binding.kind}: a LevelDB in another process refuses us by its pid`, async (t) => {
    const directory = scratchDirectory(t)
    const child = talkToChild(CHILD, [])
    t.is(await child.ask(`classic ${directory}`), 'opened')
    const error = await t.throwsAsync(binding.lock(join(directory, 'LOCK')), {
      code: 'LEVEL_LOCKED',
    })
    t.true(error.message.endsWith(`is locked by process ${child.pid}`), error.message)
    await child.finish()
    await (await binding.lock(join(directory, 'LOCK'))).release()
  })
}

onLinuxNative(
  'native: refusals by a LevelDB in this process take one descriptor, which a lock then uses',
  async (t) => {
    const directory = scratchDirectory(t)
    const path = join(directory, 'LOCK')
    const descriptorsOfLock = (): number =>
      fs.readdirSync('/proc/self/fd').filter((fd) => nameOfDescriptor(fd) === path).length
    const level = new ClassicLevel(directory)
    await level.open()
    for (let attempt = 0; attempt < 3; attempt++) {
      await t.throwsAsync(nativeBinding!.lock(path), { code: 'LEVEL_LOCKED' })
    }
    t.is(descriptorsOfLock(), 2)
    await level.close()
    const lock = await nativeBinding!.lock(path)
    t.is(descriptorsOfLock(), 1)
    const child = talkToChild(CHILD, [])
    t.is(await child.ask(`classic ${directory}`), 'LEVEL_LOCKED')
    await child.finish()
    await lock.release()
    t.is(descriptorsOfLock(), 0)
  },
)

onLinuxNative(
  'native: a LevelDB, here or in another process, is refused while we hold the lock',
  async (t) => {
    const directory = scratchDirectory(t)
    const lock = await nativeBinding!.lock(join(directory, 'LOCK'))
    const child = talkToChild(CHILD, [])
    t.is(await child.ask(`classic ${directory}`), 'LEVEL_LOCKED')
    const error = await t.throwsAsync(new ClassicLevel(directory).open())
    t.is((error.cause as { code?: string }).code, 'LEVEL_LOCKED')
    // That refusal closed a descriptor of LOCK in this process: ours must not care.
    t.is(await child.ask(`classic ${directory}`), 'LEVEL_LOCKED')
    await lock.release()
    t.is(await child.ask(`classic ${directory}`), 'opened')
    await child.finish()
  },
)

test('a line of /proc/locks is matched by device and inode, and a waiter is not a holder', (t) => {
  const table = [
    '1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 0 EOF',
    '1: -> POSIX  ADVISORY  WRITE 4712 fe:00:9999 0 EOF',
    '2: OFDLCK ADVISORY  WRITE -1 00:1f:77 0 EOF',
    '3: FLOCK  ADVISORY  WRITE 0 103:02:5 0 EOF',
    '',
  ].join('\n')
  t.is(holderIn(table, 'fe:00:1234'), 4711)
  t.is(holderIn(table, 'fe:00:123'), undefined)
  t.is(holderIn(table, 'fe:00:9999'), undefined)
  t.is(holderIn(table, '00:1f:77'), 0)
  // flock(2) is another kind of lock, which conflicts with no LevelDB.
  t.is(holderIn(table, '103:02:5'), undefined)
  t.is(lockName(0xfe00n, 1234n), 'fe:00:1234')
  // makedev(0x103, 0x10002): both numbers are split in a device.
  t.is(lockName(0x1001_0302n, 5n), '103:10002:5')
})
