// Databases that C++ LevelDB and we write to the same bytes: calls made one at a time, in sessions
// between which the database is closed.
//
// One memtable a session, no compression, and never more than three tables, because there the bytes
// may differ, for these reasons:
//   When a memtable is full is a matter of how memory is counted, which differs.
//   A memtable flushed while the database is open may go down to level 2 there; here it stays in 0.
//   Four level-0 tables start a compaction there.
//   The bytes of a compressed block depend on the encoder, and whose encoder loads depends on the
//   platform; what they expand to does not.

import { type Call, del, put } from '../interop/contents.ts'
import type { StoreOptions } from '../interop/stores.ts'

export interface Scenario {
  /** Also the start of the names of its golden files. */
  readonly name: string
  readonly options?: StoreOptions
  readonly sessions: readonly (readonly Call[])[]
  /** Which files are kept as golden: `session:file`, sessions from 1. */
  readonly golden: readonly string[]
}

const BLOCK = 32 * 1024

/** A put that, alone in its record and at the start of a block, ends `left` bytes before its end. */
function putUpTo(left: number, name: string): Call {
  // The record's header, the batch's, type, key length, value length of three bytes.
  const overheadBytes = 7 + 12 + 1 + 1 + name.length + 3
  return [put(name, Buffer.alloc(BLOCK - left - overheadBytes, name))]
}

function entries(prefix: string, count: number, sizeBytes: number): Call[] {
  return Array.from({ length: count }, (_, i) => [
    put(`${prefix}${String(i * 7).padStart(5, '0')}`, Buffer.alloc(sizeBytes, `${prefix}${i}`)),
  ])
}

/** Records that end 0 to 8 bytes before the end of a block, each with one more behind it. */
function edgeScenario(left: number): Scenario {
  return {
    name: `log-edge-${left}`,
    sessions: [[putUpTo(left, 'edge'), [put('next', 'record')], [del('edge')]]],
    golden: ['1:000003.log'],
  }
}

export const scenarios: readonly Scenario[] = [
  { name: 'new', sessions: [[]], golden: ['1:CURRENT', '1:MANIFEST-000002', '1:000003.log'] },
  {
    name: 'reopened-empty',
    sessions: [[], []],
    golden: ['2:CURRENT', '2:MANIFEST-000004'],
  },
  {
    name: 'log-writes',
    sessions: [
      [
        [put('a', '1')],
        [put('a', '2'), put('b', ''), del('a')],
        [del('not there')],
        [put('', 'the empty key')],
        [put('b', Buffer.alloc(127, 'x'))],
        [put('b', Buffer.alloc(128, 'y'))],
        [put(Buffer.from([0, 0xff, 0x80]), Buffer.from([0xff, 0]))],
      ],
    ],
    golden: ['1:000003.log'],
  },
  {
    name: 'log-batch',
    sessions: [[[...entries('k', 300, 20).flat(), del('k00007'), put('k00014', 'twice')]]],
    golden: ['1:000003.log'],
  },
  ...[0, 1, 2, 3, 4, 5, 6, 7, 8].map(edgeScenario),
  {
    name: 'log-fragments',
    sessions: [
      [
        [put('small', '1')],
        [put('two blocks', Buffer.alloc(BLOCK, 'b'))],
        [put('five blocks', Buffer.alloc(5 * BLOCK, 'five'))],
        [put('last', '1')],
      ],
    ],
    golden: ['1:000003.log'],
  },
  {
    name: 'table',
    sessions: [[...entries('a', 200, 30), [del('a00000')], ...entries('b', 50, 90)], []],
    golden: ['2:000005.ldb', '2:MANIFEST-000004', '2:CURRENT'],
  },
  {
    name: 'table-versions',
    sessions: [[[put('k', '1')], [put('k', '2')], [del('k')], [put('k', '3')], [del('')]], []],
    golden: ['2:000005.ldb', '2:MANIFEST-000004'],
  },
  {
    name: 'table-small-blocks',
    options: { blockSize: 1024, blockRestartInterval: 1 },
    sessions: [[...entries('prefix-', 200, 40), [put('\u00ff\u00ff', 'last')]], []],
    golden: ['2:000005.ldb', '2:MANIFEST-000004'],
  },
  {
    name: 'table-large-value',
    options: { blockRestartInterval: 3 },
    sessions: [[...entries('k', 20, 10), [put('k00050', Buffer.alloc(70_000, 'v'))]], []],
    golden: ['2:000005.ldb'],
  },
  {
    name: 'three-tables',
    sessions: [
      [...entries('k', 40, 20)],
      [...entries('j', 40, 20), [del('k00007')]],
      [...entries('l', 40, 20), [del('')]],
      [[put('in the log', 'only')]],
    ],
    golden: ['4:MANIFEST-000010', '4:CURRENT', '4:000012.log'],
  },
]
