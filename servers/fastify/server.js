// The workloads' routes in Fastify, written as Fastify's own documentation shows them.
//
// The port and the number of processes come from the environment: PORT, CPUS. Above one
// process node:cluster shares the port among them; with one there is no supervisor. So does what
// it speaks: PROTOCOL (http, https, h2, h2c), TLS_CERT, TLS_KEY, TLS_RESUME.

import cluster from 'node:cluster'
import { constants } from 'node:crypto'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import database from './database.js'
import services from './services.js'

const { PROTOCOL = 'http', TLS_CERT, TLS_KEY, TLS_RESUME } = process.env

// Without tickets Node takes no session up again: it keeps none of them itself.
const tls = () => ({
  cert: readFileSync(TLS_CERT),
  key: readFileSync(TLS_KEY),
  ...(TLS_RESUME === 'false' && { secureOptions: constants.SSL_OP_NO_TICKET })
})

// With allErrors a body with several errors is answered with all of them.
const fastify = Fastify({
  logger: false,
  ajv: { customOptions: { allErrors: true } },
  ...(PROTOCOL.startsWith('h2') && { http2: true }),
  ...(TLS_CERT && { https: tls() })
})

fastify.register(services)

const integers = (...names) => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'integer' }])),
  required: names
})

fastify.get('/health', async () => ({ status: 'ok' }))

fastify.get('/plaintext', async () => 'Hello, World!')

for (const size of ['small', 'medium', 'large', 'varied']) {
  fastify.post(`/json/${size}`, async (request) => request.body)
}

fastify.get(
  '/users/:user_id/posts/:post_id',
  { schema: { params: integers('user_id', 'post_id') } },
  async (request) => ({ user_id: request.params.user_id, post_id: request.params.post_id })
)

fastify.get(
  '/search',
  {
    schema: {
      querystring: {
        type: 'object',
        properties: {
          q: { type: 'string' },
          limit: { type: 'integer' },
          offset: { type: 'integer' },
          sort: { type: 'string', default: 'relevance' }
        },
        required: ['q', 'limit', 'offset']
      }
    }
  },
  async (request) => {
    const { q, limit, offset, sort } = request.query
    return { q, limit, offset, sort }
  }
)

fastify.put(
  '/users/:user_id',
  { schema: { params: integers('user_id') } },
  async (request) => ({ user_id: request.params.user_id, updated: request.body })
)

fastify.delete(
  '/users/:user_id',
  { schema: { params: integers('user_id') } },
  async (request) => ({ user_id: request.params.user_id, deleted: true })
)

if (process.env.POSTGRES_URL) fastify.register(database)

const processes = Number(process.env.CPUS ?? 1)

if (cluster.isPrimary && processes > 1) {
  for (let i = 0; i < processes; i++) cluster.fork()
} else {
  await fastify.listen({ host: process.env.HOST, port: Number(process.env.PORT) })
}
