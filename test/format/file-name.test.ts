// Names of database files, and names that are none.

import test from 'ava'
import {
  logFileName,
  manifestFileName,
  oldTableFileName,
  parseFileName,
  tableFileName,
  temporaryFileName,
} from '../../ts/format/file-name.ts'

test('names are padded to six digits and grow beyond them', (t) => {
  t.is(logFileName(3), '000003.log')
  t.is(tableFileName(5), '000005.ldb')
  t.is(oldTableFileName(5), '000005.sst')
  t.is(manifestFileName(4), 'MANIFEST-000004')
  t.is(temporaryFileName(7), '000007.dbtmp')
  t.is(logFileName(999_999), '999999.log')
  t.is(logFileName(1_000_000), '1000000.log')
  t.is(tableFileName(Number.MAX_SAFE_INTEGER), '9007199254740991.ldb')
})

test('every name that is written is read back', (t) => {
  for (const number of [0, 1, 5, 999_999, 1_000_000, Number.MAX_SAFE_INTEGER]) {
    t.deepEqual(parseFileName(logFileName(number)), { kind: 'log', number })
    t.deepEqual(parseFileName(tableFileName(number)), { kind: 'table', number })
    t.deepEqual(parseFileName(oldTableFileName(number)), { kind: 'table', number })
    t.deepEqual(parseFileName(manifestFileName(number)), { kind: 'manifest', number })
    t.deepEqual(parseFileName(temporaryFileName(number)), { kind: 'temporary', number })
  }
})

test('what is no numbered file of a database is left alone', (t) => {
  for (const name of [
    '',
    '.log',
    '90.log',
    '0000005.ldb',
    'MANIFEST-2',
    'foo',
    'foo-000004.log',
    '000004',
    '000004.',
    '000004.lo',
    '000004.logs',
    '000004.log.old',
    '000004.LOG',
    ' 000004.log',
    '000004.log\n',
    '-00004.log',
    '+00004.log',
    '0x0004.log',
    '00004e.log',
    '0000.4.log',
    'MANIFEST',
    'MANIFEST-',
    'MANIFEST-x',
    'MANIFEST-000004.log',
    'MANIFEST-000004\n',
    'XMANIFEST-000004',
    'CURRENT',
    'LOCK',
    'LOG',
    'LOG.old',
    'lost',
    '../000004.log',
    'sub/000004.log',
    '..\\000004.log',
  ]) {
    t.is(parseFileName(name), undefined, JSON.stringify(name))
  }
})

test('a number that is not exact is no number of a file', (t) => {
  t.is(parseFileName('9007199254740992.log'), undefined)
  t.is(parseFileName('18446744073709551615.ldb'), undefined)
  t.is(parseFileName('18446744073709551616.log'), undefined)
  t.is(parseFileName('MANIFEST-99999999999999999999999'), undefined)
})
