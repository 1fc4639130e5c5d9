// CURRENT and the manifest: what a crash leaves is read, what is damaged is refused.

import test from 'ava'
import { makeInternalKey } from '../../ts/format/internal-key.ts'
import { type ManifestState, readCurrent, readManifest } from '../../ts/version/manifest-reader.ts'
import { emptyEdit, encodeEdit, type VersionEdit } from '../../ts/version/version-edit.ts'
import { SimulatedDisk } from '../crash/simulated-disk.ts'
import { fragment, FIRST, FULL, logOf } from '../log/log-file-bytes.ts'

const MANIFEST = '/db/MANIFEST-000004'
const key = (userKey: string): Buffer => makeInternalKey(Buffer.from(userKey), 1, 1)

function firstEdit(): VersionEdit {
  const edit = emptyEdit()
  edit.comparator = 'leveldb.BytewiseComparator'
  edit.logNumber = 3
  edit.nextFileNumber = 10
  edit.lastSequence = 100
  return edit
}

function fileEdit(number: number, level = 0, from = 'a', to = 'b'): VersionEdit {
  const edit = emptyEdit()
  edit.newFiles.push({
    level,
    file: { number, sizeBytes: 10, smallest: key(from), largest: key(to) },
  })
  return edit
}

function change(fields: Partial<VersionEdit>): VersionEdit {
  return Object.assign(firstEdit(), fields)
}

function manifestOf(...edits: readonly (VersionEdit | Buffer)[]): Buffer {
  return logOf(edits.map((edit) => (Buffer.isBuffer(edit) ? edit : encodeEdit(edit))))
}

function read(bytes: Buffer): Promise<ManifestState> {
  const disk = new SimulatedDisk(1)
  disk.plant(MANIFEST, bytes)
  return readManifest(disk, MANIFEST, 4)
}

test('a manifest gives the last of each number and every file', async (t) => {
  const second = fileEdit(7)
  second.logNumber = 6
  second.lastSequence = 200
  second.compactPointers.push({ level: 1, key: key('c') })
  const { version, ...state } = await read(manifestOf(firstEdit(), second, fileEdit(8, 2)))
  t.deepEqual(state, {
    manifestNumber: 4,
    logNumber: 6,
    previousLogNumber: 0,
    nextFileNumber: 10,
    lastSequence: 200,
    compactPointers: new Map([[1, key('c')]]),
    damage: undefined,
  })
  t.deepEqual(
    version.levels.map((files) => files.map(({ number }) => number)),
    [[7], [], [8], [], [], [], []],
  )
})

test('a torn end is left out and reported', async (t) => {
  const whole = manifestOf(firstEdit())
  const bytes = manifestOf(firstEdit(), fileEdit(7))
  for (let cut = whole.length + 1; cut < bytes.length; cut++) {
    const { version, damage } = await read(bytes.subarray(0, cut))
    t.is(version.fileCount, 0)
    t.like(damage, { kind: 'torn', offset: whole.length, droppedBytes: cut - whole.length })
  }
})

test('a last record that never reached the disk whole is left out and reported', async (t) => {
  const whole = manifestOf(firstEdit())
  const bytes = manifestOf(firstEdit(), fileEdit(7))
  bytes.fill(0, bytes.length - 12)
  const { version, damage } = await read(bytes)
  t.is(version.fileCount, 0)
  t.like(damage, { kind: 'damaged', offset: whole.length })
})

test('damage with records behind it is refused, whatever part of the record it hits', async (t) => {
  const start = manifestOf(firstEdit()).length
  const end = manifestOf(firstEdit(), fileEdit(7)).length
  const bytes = manifestOf(firstEdit(), fileEdit(7), fileEdit(8))
  for (let at = start; at < end; at++) {
    // The length of the last block's fragments is another test's: it hides what is behind it.
    if (at === start + 4 || at === start + 5) continue
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 0x10
    const error = await t.throwsAsync(read(flipped), { code: 'LEVEL_CORRUPTION' }, `byte ${at}`)
    t.like(error, { file: MANIFEST, offset: start })
  }
})

test('damage in the first record leaves nothing to start from', async (t) => {
  const bytes = manifestOf(firstEdit())
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 0x10
    await t.throwsAsync(read(flipped), { code: 'LEVEL_CORRUPTION' }, `byte ${at}`)
    await t.throwsAsync(read(bytes.subarray(0, at)), { code: 'LEVEL_CORRUPTION' }, `cut at ${at}`)
  }
})

test('a manifest that is empty, or zeroes, is refused', async (t) => {
  for (const size of [0, 1, 7, 100, 40_000]) {
    await t.throwsAsync(read(Buffer.alloc(size)), { code: 'LEVEL_CORRUPTION' })
  }
})

const CANNOT_BE: readonly (readonly [
  what: string,
  code: string,
  edits: (VersionEdit | Buffer)[],
])[] = [
  ['a key of one byte', 'LEVEL_CORRUPTION', [Buffer.from('070005010161080101000000000000', 'hex')]],
  ['level 200', 'LEVEL_CORRUPTION', [Buffer.from('06c80105', 'hex')]],
  ['next file number 2^64 - 1', 'LEVEL_CORRUPTION', [Buffer.from('03ffffffffffffffffff01', 'hex')]],
  ['next file number 2^53 - 1', 'LEVEL_CORRUPTION', [change({ nextFileNumber: 2 ** 53 - 1 })]],
  ['last sequence 2^56 - 1', 'LEVEL_CORRUPTION', [Buffer.from('04ffffffffffffff7f', 'hex')]],
  ['a log number that is the next file number', 'LEVEL_CORRUPTION', [change({ logNumber: 10 })]],
  ['a log number beyond it', 'LEVEL_CORRUPTION', [change({ logNumber: 2 ** 40 })]],
  ['a previous log number beyond it', 'LEVEL_CORRUPTION', [change({ previousLogNumber: 10 })]],
  ['a file number beyond it', 'LEVEL_CORRUPTION', [fileEdit(10)]],
  [
    'overlapping files of a level',
    'LEVEL_CORRUPTION',
    [fileEdit(7, 1, 'a', 'f'), fileEdit(8, 1, 'e', 'z')],
  ],
  ['a file twice', 'LEVEL_CORRUPTION', [fileEdit(7), fileEdit(7)]],
  ['another comparator', 'LEVEL_NOT_SUPPORTED', [change({ comparator: 'idb_cmp1' })]],
  ['an empty comparator', 'LEVEL_NOT_SUPPORTED', [change({ comparator: '' })]],
  ['a tag of another time', 'LEVEL_NOT_SUPPORTED', [Buffer.from('0a00', 'hex')]],
  ['a record of random bytes', 'LEVEL_CORRUPTION', [Buffer.from('0707070707', 'hex')]],
]

for (const [what, code, edits] of CANNOT_BE) {
  test(`whole records that cannot be are refused: ${what}`, async (t) => {
    t.like(await t.throwsAsync(read(manifestOf(firstEdit(), ...edits)), { code }), {
      file: MANIFEST,
    })
  })
}

test('a manifest without one of its numbers is refused', async (t) => {
  for (const name of ['logNumber', 'nextFileNumber', 'lastSequence'] as const) {
    const edit = firstEdit()
    delete edit[name]
    await t.throwsAsync(read(manifestOf(edit)), { code: 'LEVEL_CORRUPTION' }, name)
  }
})

test('a file that was deleted again may have had any number of neighbours', async (t) => {
  const second = fileEdit(8, 1, 'a', 'f')
  second.deletedFiles.push({ level: 1, number: 7 })
  const { version } = await read(manifestOf(firstEdit(), fileEdit(7, 1, 'a', 'f'), second))
  t.deepEqual(
    version.levels[1]!.map(({ number }) => number),
    [8],
  )
})

test('a first fragment alone at the end is a torn end', async (t) => {
  const bytes = Buffer.concat([
    manifestOf(firstEdit()),
    fragment(FIRST, Buffer.from('0105', 'hex')),
  ])
  t.is((await read(bytes)).damage?.kind, 'torn')
  const more = Buffer.concat([bytes, ...[1, 2].map(() => fragment(FULL, encodeEdit(firstEdit())))])
  await t.throwsAsync(read(more), { code: 'LEVEL_CORRUPTION' })
})

test('a manifest that is not there, or cannot be read, is not the same', async (t) => {
  const disk = new SimulatedDisk(1)
  disk.plant('/db/LOCK', Buffer.alloc(0))
  await t.throwsAsync(readManifest(disk, MANIFEST, 4), { code: 'LEVEL_CORRUPTION' })
  disk.plant(MANIFEST, manifestOf(firstEdit()))
  for (const kind of ['open', 'read'] as const) {
    for (const code of ['EIO', 'EMFILE', 'EACCES']) {
      disk.inject({ effect: 'fail', kind, code })
      const error = await t.throwsAsync(readManifest(disk, MANIFEST, 4), { code: 'LEVEL_IO_ERROR' })
      t.like(error, { file: MANIFEST, cause: { code } })
    }
  }
  t.is((await readManifest(disk, MANIFEST, 4)).lastSequence, 100)
  t.is(disk.openFileCount, 0)
})

// ---- CURRENT ----

function current(text: string | undefined): Promise<number | undefined> {
  const disk = new SimulatedDisk(1)
  disk.plant('/db/LOCK', Buffer.alloc(0))
  if (text !== undefined) disk.plant('/db/CURRENT', Buffer.from(text, 'latin1'))
  return readCurrent(disk, '/db')
}

test('CURRENT is the name of a manifest and a newline', async (t) => {
  t.is(await current('MANIFEST-000004\n'), 4)
  t.is(await current('MANIFEST-1000000\n'), 1_000_000)
  t.is(await current(undefined), undefined)
})

for (const text of [
  '',
  '\n',
  'MANIFEST-000004',
  'MANIFEST-000004\r\n',
  'MANIFEST-000004\n\n',
  ' MANIFEST-000004\n',
  'MANIFEST-000004 \n',
  'MANIFEST-000004\nMANIFEST-000004\n',
  'MANIFEST-000004MANIFEST-000004\n',
  'MANIFEST-\n',
  'MANIFEST-00000x\n',
  'MANIFEST-99999999999999999999\n',
  'manifest-000004\n',
  '000004.log\n',
  'CURRENT\n',
  '../db/MANIFEST-000004\n',
  './MANIFEST-000004\n',
  '/db/MANIFEST-000004\n',
  'sub/MANIFEST-000004\n',
  'MANIFEST-000004/\n',
  'MANIFEST-000004/..\n',
  '..\n',
  'MANIFEST-000004\0\n',
]) {
  test(`a CURRENT of ${JSON.stringify(text)} is refused`, async (t) => {
    t.like(await t.throwsAsync(current(text), { code: 'LEVEL_CORRUPTION' }), {
      file: '/db/CURRENT',
    })
  })
}

test('a CURRENT that cannot be read is an error, not a missing one', async (t) => {
  const disk = new SimulatedDisk(1)
  disk.plant('/db/CURRENT', Buffer.from('MANIFEST-000004\n'))
  for (const kind of ['open', 'read'] as const) {
    for (const code of ['EIO', 'EMFILE', 'EACCES', 'ENOTDIR']) {
      disk.inject({ effect: 'fail', kind, code })
      await t.throwsAsync(readCurrent(disk, '/db'), { code: 'LEVEL_IO_ERROR' })
    }
  }
  t.is(await readCurrent(disk, '/db'), 4)
})
