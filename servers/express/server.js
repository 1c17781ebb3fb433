// The workloads' routes in Express, written as Express's own documentation shows them.
//
// Address, port and the number of processes come from the environment: HOST, PORT, CPUS. Above one
// process node:cluster shares the port among them; with one there is no supervisor.

import cluster from 'node:cluster'
import express from 'express'
import database from './database.js'
import services from './services.js'

const app = express()

app.get('/health', (req, res) => {
  res.json({ status: 'ok' })
})

app.get('/plaintext', (req, res) => {
  res.type('text/plain').send('Hello, World!')
})

for (const size of ['small', 'medium', 'large', 'varied']) {
  app.post(`/json/${size}`, express.json(), (req, res) => {
    res.json(req.body)
  })
}

app.get('/users/:user_id/posts/:post_id', (req, res) => {
  res.json({ user_id: Number(req.params.user_id), post_id: Number(req.params.post_id) })
})

app.get('/search', (req, res) => {
  const { q, limit, offset, sort = 'relevance' } = req.query
  res.json({ q, limit: Number(limit), offset: Number(offset), sort })
})

app.put('/users/:user_id', express.json(), (req, res) => {
  res.json({ user_id: Number(req.params.user_id), updated: req.body })
})

app.delete('/users/:user_id', (req, res) => {
  res.json({ user_id: Number(req.params.user_id), deleted: true })
})

app.use(services)

if (process.env.POSTGRES_URL) app.use(database)

const processes = Number(process.env.CPUS ?? 1)

if (cluster.isPrimary && processes > 1) {
  for (let i = 0; i < processes; i++) cluster.fork()
} else {
  app.listen(Number(process.env.PORT), process.env.HOST)
}
