// A worker that reads the memtable it is given and answers with every key and sequence, in order.

import { parentPort, workerData } from 'node:worker_threads'
import { Memtable, NO_NODE } from '../../ts/memtable/memtable.ts'

const table = Memtable.attach(workerData as SharedArrayBuffer)
const found: string[] = []
for (let node = table.first(); node !== NO_NODE; node = table.next(node)) {
  const key = table.bytes.subarray(table.keyStart(node), table.userKeyEnd(node))
  found.push(`${key.toString('latin1')}@${table.sequenceOf(node)}`)
}
parentPort!.postMessage(found)
