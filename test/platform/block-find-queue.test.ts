// The queue of searches: the first few in place, one job for a turn, two jobs at most.

import test from 'ava'
import {
  BlockFindQueue,
  type BlockFindBatch,
  type BlockFindWaiter,
} from '../../ts/platform/block-find-queue.ts'
import {
  FOUND_VALUE,
  OUTCOME,
  REQUEST_LENGTH,
  VALUE_END,
  VALUE_START,
  WHERE,
  type BlockFinds,
  type BlockQuestion,
} from '../../ts/platform/block-finds.ts'
import { BLOCK_REFUSED } from '../../ts/platform/block-reads.ts'

interface Job {
  /** The numbers of the questions, and their keys. */
  readonly asked: string[]
  /** Every value is its position, as text. */
  end(): void
  fail(): void
}

class ScriptedFinds implements BlockFinds {
  readonly jobs: Job[] = []

  createBlockFinder(): () => void {
    throw new Error('nobody searches in place here')
  }

  findInBlocks(
    requests: Float64Array,
    count: number,
    keys: Buffer,
    keysEnd: number,
  ): Promise<readonly (Buffer | undefined)[]> {
    // As C++ does, which copies the request.
    const numbers = requests.slice(0, count * REQUEST_LENGTH)
    const text = keys.toString('latin1', 0, keysEnd)
    const asked = Array.from({ length: count }, (_, i) => {
      const own = [...numbers.subarray(i * REQUEST_LENGTH, i * REQUEST_LENGTH + 8)]
      const [, , , , at, key, floor, separator] = own as [number, number, number, number] & number[]
      return `${own.slice(0, 4).join(' ')} ${text.slice(at, at! + key! + floor! + separator!)}`
    })
    const pieces = Array.from({ length: count }, (_, i) =>
      Buffer.from(`<${numbers[i * REQUEST_LENGTH + 1]}>`),
    )
    return new Promise((resolve, reject) => {
      const end = (): void => {
        for (const [i, piece] of pieces.entries()) {
          const at = i * REQUEST_LENGTH
          requests[at + OUTCOME] = FOUND_VALUE
          requests[at + WHERE] = i
          requests[at + VALUE_START] = 1
          requests[at + VALUE_END] = piece.length - 1
        }
        resolve(pieces)
      }
      this.jobs.push({ asked, end, fail: () => reject(new Error('no job')) })
    })
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function questionOf(position: number, key = 'key'): BlockQuestion {
  const places = Buffer.from('..floor.separator')
  return {
    position,
    storedSize: 20,
    flags: 1,
    key: Buffer.from(`${key}...`),
    keySize: key.length,
    places,
    floorStart: 2,
    start: 7,
    end: 17,
  }
}

/** What became of a search, as text. */
function find(queue: BlockFindQueue, question: BlockQuestion): Promise<string> {
  return new Promise((resolve) => {
    const waiter: BlockFindWaiter = {
      found: (batch: BlockFindBatch, index) => {
        const outcome = batch.outcome(index)
        const key = batch.key(index).toString()
        const value = outcome === FOUND_VALUE ? batch.value(index)!.toString() : String(outcome)
        resolve(`${key} ${batch.position(index)}: ${value}`)
      },
    }
    queue.find(3, question, waiter)
  })
}

test('the searches of a turn are one job, in order, also those that promises lead to', async (t) => {
  const finds = new ScriptedFinds()
  const queue = new BlockFindQueue(finds)
  const first = find(queue, questionOf(100, 'one'))
  const second = Promise.resolve().then(() => find(queue, questionOf(200, 'other')))
  await turn()
  t.deepEqual(
    finds.jobs.map(({ asked }) => asked),
    [['3 100 20 1 onefloor.separator', '3 200 20 1 otherfloor.separator']],
  )
  finds.jobs[0]!.end()
  t.deepEqual(await Promise.all([first, second]), ['one 100: 100', 'other 200: 200'])
})

test('many of a turn are two jobs, the first of which begins before the turn ends', async (t) => {
  const finds = new ScriptedFinds()
  const queue = new BlockFindQueue(finds)
  const answers = Array.from({ length: 64 }, (_, i) => find(queue, questionOf(i)))
  t.deepEqual(
    finds.jobs.map(({ asked }) => asked.length),
    [32, 32],
  )
  for (const job of finds.jobs) job.end()
  t.deepEqual(
    await Promise.all(answers),
    Array.from({ length: 64 }, (_, i) => `key ${i}: ${i}`),
  )
})

test('two jobs run at most, none is larger than 128, and all are answered', async (t) => {
  const finds = new ScriptedFinds()
  const queue = new BlockFindQueue(finds)
  const key = 'k'.repeat(300)
  const answers = Array.from({ length: 400 }, (_, i) => find(queue, questionOf(i, key)))
  await turn()
  t.is(finds.jobs.length, 2)
  for (let i = 0; i < finds.jobs.length; i++) {
    finds.jobs[i]!.end()
    await turn()
    t.true(finds.jobs.length <= i + 3)
  }
  t.deepEqual(
    finds.jobs.map(({ asked }) => asked.length),
    [32, 32, 128, 128, 80],
  )
  t.deepEqual(
    await Promise.all(answers),
    Array.from({ length: 400 }, (_, i) => `${key} ${i}: ${i}`),
  )
})

test('where no job can be made every search is refused, and the queue goes on', async (t) => {
  const finds = new ScriptedFinds()
  const queue = new BlockFindQueue(finds)
  const first = find(queue, questionOf(1))
  await turn()
  finds.jobs[0]!.fail()
  t.is(await first, `key 1: ${BLOCK_REFUSED}`)
  const second = find(queue, questionOf(2))
  await turn()
  finds.jobs[1]!.end()
  t.is(await second, 'key 2: 2')
})

test('searches are made in place while few ask, and none waits', async (t) => {
  const finds = new ScriptedFinds()
  const queue = new BlockFindQueue(finds)
  // One after the other, each behind the answer of the one before.
  for (let i = 0; i < 100; i++) {
    t.true(queue.takesInPlace(), String(i))
    await Promise.resolve()
  }
  let inPlace = 0
  while (queue.takesInPlace()) inPlace++
  t.is(inPlace, 16)
  await turn()
  t.true(queue.takesInPlace())
  const answer = find(queue, questionOf(1))
  t.false(queue.takesInPlace(), 'one is gathered')
  await turn()
  t.false(queue.takesInPlace(), 'a job runs')
  finds.jobs[0]!.end()
  await answer
  t.true(queue.takesInPlace())
})
