// Sizes of ranges by what tables say of offsets, in versions of a few made-up files.

import test from 'ava'
import { approximateSizes, type SizeRange } from '../../ts/db/approximate-sizes.ts'
import { makeInternalKey } from '../../ts/format/internal-key.ts'
import { emptyEdit } from '../../ts/version/version-edit.ts'
import { Version } from '../../ts/version/version.ts'

const b = (text: string): Buffer => Buffer.from(text)

/** Each file is [level, number, first user key, last user key]; 1000 bytes each. */
function versionOf(...files: (readonly [number, number, string, string])[]): Version {
  const edit = emptyEdit()
  for (const [level, number, first, last] of files) {
    const smallest = makeInternalKey(b(first), 9, 1)
    const largest = makeInternalKey(b(last), 5, 1)
    edit.newFiles.push({ level, file: { number, sizeBytes: 1000, smallest, largest } })
  }
  return Version.empty().apply([edit])
}

/** In a table of this world every key stands at 10 times its first byte's place in the alphabet. */
function world(version: Version): {
  sizes: (...ranges: [string, string][]) => Promise<number[]>
  asked: string[]
} {
  const asked: string[] = []
  const sizes = (...texts: [string, string][]): Promise<number[]> => {
    const ranges = texts.map(([start, end]): SizeRange => [b(start), b(end)])
    return approximateSizes(version, ranges, async (number, key) => {
      asked.push(`${number} ${Buffer.from(key).toString()}`)
      return (key[0]! - 0x60) * 10
    })
  }
  return { sizes, asked }
}

test('a database without tables has sizes of nothing', async (t) => {
  const { sizes } = world(Version.empty())
  t.deepEqual(await sizes(), [])
  t.deepEqual(await sizes(['a', 'z'], ['', '\uffff']), [0, 0])
})

test('tables outside the range are not opened, whole ones count as they are', async (t) => {
  const { sizes, asked } = world(versionOf([1, 5, 'b', 'd'], [1, 6, 'f', 'h'], [1, 7, 'k', 'm']))
  t.deepEqual(
    await sizes(['a', 'e'], ['e', 'j'], ['e', 'z'], ['i', 'j'], ['', 'z']),
    [1000, 1000, 2000, 0, 3000],
  )
  t.deepEqual(asked, [])
})

test('a table that holds an end of the range is asked where the key stands', async (t) => {
  const { sizes, asked } = world(versionOf([1, 5, 'b', 'd'], [1, 6, 'f', 'h']))
  t.deepEqual(await sizes(['c', 'g'], ['c', 'd'], ['a', 'c'], ['g', 'z']), [
    1000 - 30 + 70,
    40 - 30,
    30,
    1000 - 70,
  ])
  t.deepEqual(asked.toSorted(), ['5 c', '5 c', '5 c', '5 d', '6 g', '6 g'])
})

test('the first key of a table is its beginning, and needs no opening', async (t) => {
  const { sizes, asked } = world(versionOf([1, 5, 'b', 'd']))
  t.deepEqual(await sizes(['a', 'b'], ['b', 'z']), [0, 1000])
  t.deepEqual(asked, [])
})

test('every level counts, overlapping files of level 0 too', async (t) => {
  const { sizes } = world(
    versionOf([0, 9, 'a', 'z'], [0, 8, 'c', 'x'], [1, 7, 'd', 'w'], [6, 5, 'e', 'f']),
  )
  t.deepEqual(await sizes(['b', 'g']), [70 - 20 + 70 + 70 + 1000])
})

test('a range that ends before it begins is empty', async (t) => {
  const { sizes } = world(versionOf([1, 5, 'b', 'y']))
  t.deepEqual(await sizes(['g', 'c'], ['c', 'c']), [0, 0])
})

test('a table that cannot be opened fails the call', async (t) => {
  const damage = new Error('damaged')
  const version = versionOf([1, 5, 'b', 'y'])
  const sizes = approximateSizes(version, [[b('c'), b('d')]], () => Promise.reject(damage))
  t.is(await t.throwsAsync(sizes), damage)
})

test('thousands of ranges have few tables open at a time', async (t) => {
  const version = versionOf(
    ...Array.from({ length: 6 }, (_, level) => [level, level + 1, 'b', 'y'] as const),
  )
  const ranges = Array.from({ length: 2000 }, (): SizeRange => [b('c'), b('d')])
  let open = 0
  let mostOpen = 0
  const sizes = await approximateSizes(version, ranges, async (_number, key) => {
    mostOpen = Math.max(mostOpen, ++open)
    await Promise.resolve()
    open--
    return (key[0]! - 0x60) * 10
  })
  t.deepEqual(new Set(sizes), new Set([60]))
  t.true(mostOpen <= 16, `${mostOpen} open at a time`)
})
