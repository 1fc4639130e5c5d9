// The example server by itself:  node dist/scripts/examples/http/main.js [directory] [port]

import { SluiceLevel } from 'sluicedb'
import { requestServer } from './server.ts'

const [directory = './requests', port = '8080'] = process.argv.slice(2)
const db = new SluiceLevel<string, Buffer>(directory, { valueEncoding: 'buffer' })
await db.open()
const server = await requestServer(db)
server.listen(Number(port), () => {
  console.log(`Storing in ${db.location}, listening on port ${port}`)
})

process.once('SIGINT', () => {
  // Answers what has arrived, then gives the directory free.
  server.close(() => {
    void db.close()
  })
  server.closeIdleConnections()
})
