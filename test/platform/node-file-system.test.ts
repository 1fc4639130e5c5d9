// The real file system behind the seam, with both bindings.

import fs from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { NodeFileSystem } from '../../ts/platform/node-file-system.ts'
import { bothBindings } from './both-bindings.ts'
import { scratchDirectory } from './scratch-directory.ts'

const SOME_BYTES = Buffer.from(
  Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 9)) & 255),
)
const openDescriptors = (): number => fs.readdirSync('/proc/self/fd').length

for (const binding of bothBindings) {
  const fileSystem = new NodeFileSystem(binding)
  const kind = binding.kind

  test(`${kind}: a directory is created with its missing parents, and again without complaint`, async (t) => {
    const directory = join(scratchDirectory(t), 'a', 'b', 'c')
    await fileSystem.createDirectory(directory)
    await fileSystem.createDirectory(directory)
    t.true(fs.statSync(directory).isDirectory())
    await fileSystem.syncDirectory(directory)
    fileSystem.syncDirectorySync(directory)
  })

  test(`${kind}: a directory cannot be created where a file is`, async (t) => {
    const file = join(scratchDirectory(t), 'file')
    fs.writeFileSync(file, '')
    await t.throwsAsync(fileSystem.createDirectory(file), { code: 'EEXIST' })
    await t.throwsAsync(fileSystem.createDirectory(join(file, 'below')), { code: 'ENOTDIR' })
  })

  test(`${kind}: syncing what is no directory is an error with the system's code`, async (t) => {
    const directory = scratchDirectory(t)
    const missing = join(directory, 'missing')
    const error = await t.throwsAsync(fileSystem.syncDirectory(missing), { code: 'ENOENT' })
    t.like(error, { syscall: 'open', path: missing, errno: -2 })
    t.throws(() => fileSystem.syncDirectorySync(missing), { code: 'ENOENT' })
    fs.writeFileSync(missing, '')
    await t.throwsAsync(fileSystem.syncDirectory(missing), { code: 'ENOTDIR' })
  })

  test(`${kind}: only a name that is not there is ENOENT`, async (t) => {
    const directory = scratchDirectory(t)
    const missing = join(directory, 'missing')
    const file = join(directory, 'file')
    fs.writeFileSync(file, 'x')
    for (const operation of [
      fileSystem.fileSize(missing),
      fileSystem.readFile(missing),
      fileSystem.openRandomAccess(missing),
      fileSystem.readDirectory(missing),
      fileSystem.unlink(missing),
      fileSystem.rename(missing, join(directory, 'other')),
      fileSystem.createLog(join(missing, 'log')),
    ]) {
      await t.throwsAsync(operation, { code: 'ENOENT' })
    }
    t.throws(() => fileSystem.openRandomAccessSync(missing), { code: 'ENOENT' })
    t.throws(() => fileSystem.unlinkSync(missing), { code: 'ENOENT' })
    await t.throwsAsync(fileSystem.readFile(directory), { code: 'EISDIR' })
    await t.throwsAsync(fileSystem.readDirectory(file), { code: 'ENOTDIR' })
    await t.throwsAsync(fileSystem.fileSize(join(file, 'below')), { code: 'ENOTDIR' })
    await t.throwsAsync(fileSystem.createLog(directory), { code: 'EISDIR' })
  })

  test(`${kind}: a file is written whole, read whole, renamed and removed`, async (t) => {
    const directory = scratchDirectory(t)
    const path = join(directory, 'one')
    await fileSystem.writeFile(path, SOME_BYTES)
    t.is(await fileSystem.fileSize(path), SOME_BYTES.length)
    t.true(SOME_BYTES.equals(await fileSystem.readFile(path)))
    await fileSystem.writeFile(path, Buffer.from('short'))
    t.is((await fileSystem.readFile(path)).toString(), 'short')
    await fileSystem.writeFile(path, new Uint8Array(0))
    t.is((await fileSystem.readFile(path)).length, 0)
    await fileSystem.rename(path, join(directory, 'two'))
    t.deepEqual(await fileSystem.readDirectory(directory), ['two'])
    await fileSystem.unlink(join(directory, 'two'))
    t.deepEqual(await fileSystem.readDirectory(directory), [])
  })

  test(`${kind}: what a log is made longer by ahead of its appends has its blocks`, async (t) => {
    const directory = scratchDirectory(t)
    const zeroes = join(directory, 'zeroes')
    fs.writeFileSync(zeroes, Buffer.alloc(64 * 1024))
    if (fs.statSync(zeroes).blocks * 512 < 64 * 1024) {
      t.log('this file system keeps no zeroes')
      t.pass()
      return
    }
    const path = join(directory, '000003.log')
    const log = await fileSystem.createLog(path)
    await log.append(SOME_BYTES, 0, 100_000, false)
    await log.append(SOME_BYTES, 0, 10, true)
    const heldBytes = log.sizeBytes
    const { size, blocks } = fs.statSync(path)
    t.is(size, 2 * heldBytes)
    t.true(blocks * 512 >= size, String(blocks))
    const contents = fs.readFileSync(path)
    t.true(contents.subarray(heldBytes).equals(Buffer.alloc(heldBytes)))
    await log.append(SOME_BYTES, 0, 10, true)
    await log.close()
    t.is(fs.statSync(path).size, heldBytes + 17)
    t.true(fs.readFileSync(path).subarray(0, heldBytes).equals(contents.subarray(0, heldBytes)))
  })

  test(`${kind}: a file written front to back is read at any position, in both ways`, async (t) => {
    const path = join(scratchDirectory(t), 'table')
    const target = fileSystem.createWritableSync(path)
    target.appendSync(SOME_BYTES, 0, 100_000)
    target.appendSync(SOME_BYTES, 100_000, 100_000)
    target.appendSync(SOME_BYTES, 100_000, SOME_BYTES.length)
    target.syncSync()
    target.closeSync()
    target.closeSync()
    t.throws(() => target.appendSync(SOME_BYTES, 0, 1), { code: 'EBADF' })
    t.throws(() => target.syncSync(), { code: 'EBADF' })
    const source = await fileSystem.openRandomAccess(path)
    t.is(source.sizeBytes, SOME_BYTES.length)
    for (const [position, length] of [
      [0, 1],
      [0, SOME_BYTES.length],
      [99_999, 5],
      [SOME_BYTES.length, 0],
    ] as const) {
      const expected = SOME_BYTES.subarray(position, position + length)
      t.true(expected.equals(await source.read(position, length)))
      t.true(expected.equals(source.readSync(position, length)))
      const target = Buffer.alloc(length + 1, 0xee)
      source.readIntoSync(position, length, target)
      t.deepEqual(target, Buffer.concat([expected, Buffer.of(0xee)]))
    }
    await source.close()
    await source.close()
    source.closeSync()
  })

  test(`${kind}: a file that ends before what was asked for is EIO, never fewer bytes`, async (t) => {
    const path = join(scratchDirectory(t), 'table')
    fs.writeFileSync(path, SOME_BYTES)
    const source = await fileSystem.openRandomAccess(path)
    const size = SOME_BYTES.length
    for (const [position, length] of [
      [size, 1],
      [size - 10, 11],
      [0, size + 1],
      [size + 1000, 5],
    ] as const) {
      const error = await t.throwsAsync(source.read(position, length), { code: 'EIO' })
      t.like(error, { path, syscall: 'read' })
      t.throws(() => source.readSync(position, length), { code: 'EIO' })
      const target = Buffer.alloc(length + 100)
      t.throws(() => source.readIntoSync(position, length, target), { code: 'EIO' })
    }
    fs.truncateSync(path, 100)
    await t.throwsAsync(source.read(0, size), { code: 'EIO' })
    t.is((await source.read(0, 100)).length, 100)
    await source.close()
  })

  test(`${kind}: a close waits for the reads in flight, and reads after it are refused`, async (t) => {
    const path = join(scratchDirectory(t), 'table')
    fs.writeFileSync(path, SOME_BYTES)
    for (const closeInPlace of [false, true]) {
      const source = await fileSystem.openRandomAccess(path)
      const reads = Array.from({ length: 30 }, (_, i) => source.read(i, SOME_BYTES.length - i))
      if (closeInPlace) source.closeSync()
      const closed = source.close()
      await t.throwsAsync(source.read(0, 1), { code: 'EBADF' })
      t.throws(() => source.readSync(0, 1), { code: 'EBADF' })
      const results = await Promise.all(reads)
      results.forEach((bytes, i) => t.true(bytes.equals(SOME_BYTES.subarray(i))))
      await closed
    }
  })

  test(`${kind}: creating over an existing file empties it`, async (t) => {
    const path = join(scratchDirectory(t), 'file')
    fs.writeFileSync(path, 'something old')
    fileSystem.createWritableSync(path).closeSync()
    t.is(fs.statSync(path).size, 0)
    fs.writeFileSync(path, 'something old')
    await (await fileSystem.createLog(path)).close()
    t.is(fs.statSync(path).size, 0)
  })
}

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip

onLinux('no failure leaves a descriptor open', async (t) => {
  const directory = scratchDirectory(t)
  for (const binding of bothBindings) {
    const fileSystem = new NodeFileSystem(binding)
    const attempt = async (): Promise<void> => {
      await t.throwsAsync(fileSystem.readFile(directory))
      t.throws(() => fileSystem.openRandomAccessSync(directory))
      await t.throwsAsync(fileSystem.createLog(directory))
      await t.throwsAsync(fileSystem.syncDirectory(join(directory, 'missing')))
    }
    await attempt()
    const before = openDescriptors()
    for (let i = 0; i < 20; i++) await attempt()
    t.is(openDescriptors(), before, binding.kind)
  }
})
