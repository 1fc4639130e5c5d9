// The oracle is what every crash image is held against: it must refuse what is wrong.

import test from 'ava'
import { History, NOTHING } from './history.ts'

const put = (key: number): { key: number; sizeBytes: number } => ({ key, sizeBytes: 10 })
const del = (key: number): { key: number; sizeBytes: undefined } => ({ key, sizeBytes: undefined })

test('after a power cut any prefix of unsynced writes is legal, and no hole is', (t) => {
  const history = new History(3)
  for (let key = 0; key < 3; key++) history.acknowledge(history.issue([put(key)], false))
  const { time } = history
  for (const state of [
    [-1, -1, -1],
    [0, -1, -1],
    [0, 1, -1],
    [0, 1, 2],
  ]) {
    t.is(history.judge(state, time, 'power'), undefined)
  }
  for (const state of [
    [-1, 1, -1],
    [-1, -1, 2],
    [0, -1, 2],
  ]) {
    t.regex(history.judge(state, time, 'power') ?? '', /no prefix of 0 to 3 calls/)
  }
})

test('after a kill every acknowledged write must be there', (t) => {
  const history = new History(2)
  history.acknowledge(history.issue([put(0)], false))
  history.issue([put(1)], false)
  t.is(history.judge([0, NOTHING], history.time, 'kill'), undefined)
  t.is(history.judge([0, 1], history.time, 'kill'), undefined)
  t.truthy(history.judge([NOTHING, NOTHING], history.time, 'kill'))
})

test('a sync acknowledgement covers every write acknowledged before it', (t) => {
  const history = new History(3)
  const first = history.issue([put(0)], false)
  const second = history.issue([put(1)], true)
  const third = history.issue([put(2)], false)
  history.acknowledge(first)
  const before = history.time
  history.acknowledge(second)
  history.acknowledge(third)
  t.is(history.judge([NOTHING, NOTHING, NOTHING], before, 'power'), undefined)
  t.truthy(history.judge([NOTHING, NOTHING, NOTHING], history.time, 'power'))
  t.truthy(history.judge([0, NOTHING, NOTHING], history.time, 'power'))
  t.is(history.judge([0, 1, NOTHING], history.time, 'power'), undefined)
})

test('a write issued after the image was taken cannot be in it', (t) => {
  const history = new History(1)
  const { time } = history
  history.acknowledge(history.issue([put(0)], true))
  t.truthy(history.judge([0], time, 'power'))
})

test('a batch is there whole or not at all', (t) => {
  const history = new History(2)
  history.acknowledge(history.issue([put(0), put(1)], false))
  t.is(history.judge([0, 1], history.time, 'power'), undefined)
  t.is(history.judge([NOTHING, NOTHING], history.time, 'power'), undefined)
  t.truthy(history.judge([0, NOTHING], history.time, 'power'))
  t.truthy(history.judge([NOTHING, 1], history.time, 'power'))
})

test('the last write of a key in a batch wins', (t) => {
  const history = new History(1)
  history.acknowledge(history.issue([put(0), del(0), put(0)], true))
  t.is(history.judge([2], history.time, 'power'), undefined)
  t.truthy(history.judge([0], history.time, 'power'))
  t.truthy(history.judge([NOTHING], history.time, 'power'))
})

test('a deletion that had to survive may not be undone', (t) => {
  const history = new History(1)
  history.acknowledge(history.issue([put(0)], true))
  history.acknowledge(history.issue([del(0)], true))
  t.is(history.judge([NOTHING], history.time, 'power'), undefined)
  t.truthy(history.judge([0], history.time, 'power'))
})

test('a failed call may be in or out, but only whole and in its place', (t) => {
  const history = new History(2)
  history.fail(history.issue([put(0), put(1)], true), false)
  history.acknowledge(history.issue([put(1)], true))
  const { time } = history
  t.is(history.judge([NOTHING, 2], time, 'power'), undefined)
  t.is(history.judge([0, 2], time, 'power'), undefined)
  t.truthy(history.judge([0, 1], time, 'power'))
  t.truthy(history.judge([NOTHING, 1], time, 'power'))
})

test('a failed batch with one put visible is in with its others too', (t) => {
  const history = new History(2)
  history.acknowledge(history.issue([put(1)], true))
  history.fail(history.issue([put(0), del(1)], false), false)
  t.is(history.judge([1, NOTHING], history.time, 'power'), undefined)
  t.is(history.judge([NOTHING, 0], history.time, 'power'), undefined)
  t.truthy(history.judge([1, 0], history.time, 'power'))
})

test('a refused call is never there', (t) => {
  const history = new History(1)
  history.fail(history.issue([put(0)], false), true)
  t.is(history.judge([NOTHING], history.time, 'kill'), undefined)
  t.truthy(history.judge([0], history.time, 'kill'))
})

test('a failed call that was shown to be out does not come back', (t) => {
  const history = new History(1)
  history.fail(history.issue([put(0)], false), false)
  const before = history.time
  history.decide([NOTHING])
  t.is(history.judge([0], before, 'power'), undefined)
  t.truthy(history.judge([0], history.time, 'power'))
})

test('a failed call that was shown to be in survives a kill, and a later sync covers it', (t) => {
  const history = new History(2)
  history.fail(history.issue([put(0)], false), false)
  history.decide([0])
  t.truthy(history.judge([NOTHING, NOTHING], history.time, 'kill'))
  t.is(history.judge([NOTHING, NOTHING], history.time, 'power'), undefined)
  t.is(history.judgeRunning([0, NOTHING]), undefined)
  history.acknowledge(history.issue([put(1)], true))
  t.truthy(history.judge([NOTHING, 1], history.time, 'power'))
})

test('a running database shows what was acknowledged and nothing that failed', (t) => {
  const history = new History(2)
  history.acknowledge(history.issue([put(0)], false))
  history.fail(history.issue([del(0), put(1)], false), false)
  t.is(history.judgeRunning([0, NOTHING]), undefined)
  t.regex(history.judgeRunning([NOTHING, 2]) ?? '', /key 0 shows absent/)
  t.truthy(history.judgeRunning([0, 2]))
})

test('a second history builds on the state that the first one left', (t) => {
  const second = new History(2, [7, NOTHING], 100)
  second.acknowledge(second.issue([put(1)], true))
  t.is(second.judge([7, 100], second.time, 'power'), undefined)
  t.truthy(second.judge([NOTHING, 100], second.time, 'power'))
  t.truthy(second.judge([7, NOTHING], second.time, 'power'))
})

test('a failed deletion that was shown to be in stays in', (t) => {
  const history = new History(1)
  history.acknowledge(history.issue([put(0)], true))
  history.fail(history.issue([del(0)], true), false)
  history.decide([NOTHING])
  t.is(history.judgeRunning([NOTHING]), undefined)
  t.truthy(history.judgeRunning([0]))
  t.truthy(history.judge([0], history.time, 'kill'))
})

test('a restart after a kill keeps what was acknowledged and leaves open what was pending', (t) => {
  const history = new History(3)
  history.acknowledge(history.issue([put(0)], false))
  const pending = history.issue([put(1)], false)
  const { time } = history
  history.acknowledge(pending)
  history.acknowledge(history.issue([put(2)], true))
  const restarted = history.restartedAt(time)
  t.is(restarted.nextWrite, 3)
  t.is(restarted.judge([0, NOTHING, NOTHING], time, 'kill'), undefined)
  t.is(restarted.judge([0, 1, NOTHING], time, 'kill'), undefined)
  t.truthy(restarted.judge([NOTHING, NOTHING, NOTHING], time, 'kill'))
  t.truthy(restarted.judge([0, NOTHING, 2], time, 'kill'))
  restarted.decide([0, NOTHING, NOTHING])
  t.truthy(restarted.judge([0, 1, NOTHING], restarted.time, 'power'))
  t.is(restarted.judge([NOTHING, NOTHING, NOTHING], restarted.time, 'power'), undefined)
  restarted.acknowledge(restarted.issue([put(2)], true))
  t.is(restarted.judge([0, NOTHING, 3], restarted.time, 'power'), undefined)
  t.truthy(restarted.judge([NOTHING, NOTHING, 3], restarted.time, 'power'))
})
