// Loaded by `node --require`: SIGUSR2 starts V8's profiler, a second one writes what it saw.
// --cpu-prof would take in the start and the warm-up too, and be lost when a signal ends node.
'use strict'
const { Session } = require('node:inspector')
const { writeFileSync, renameSync } = require('node:fs')

let session = null
process.on('SIGUSR2', () => {
  if (session === null) {
    session = new Session()
    session.connect()
    session.post('Profiler.enable')
    session.post('Profiler.setSamplingInterval', { interval: 1000 })
    session.post('Profiler.start')
    return
  }
  session.post('Profiler.stop', (error, result) => {
    const out = `${process.env.NODE_PROFILE_OUT}.${process.pid}`
    writeFileSync(`${out}.tmp`, JSON.stringify(error ? { error: String(error) } : result.profile))
    renameSync(`${out}.tmp`, out)
  })
  session.disconnect()
  session = null
})
