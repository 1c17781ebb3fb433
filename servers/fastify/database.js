// The routes that ask PostgreSQL, with @fastify/postgres and pg as Fastify's guide to databases
// shows them.
//
// The address comes from the environment: POSTGRES_URL, and POSTGRES_POOL for the connections of
// all CPUS processes together. Without an address there is no pool and there are no such routes.

import postgres from '@fastify/postgres'

const queries = {
  item: 'SELECT id, name, description FROM items WHERE id = $1',
  stock: 'SELECT id, stock FROM items WHERE id = $1',
  write: 'UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock'
}

const params = {
  type: 'object',
  properties: { item: { type: 'integer' } },
  required: ['item']
}

const body = {
  type: 'object',
  properties: { stock: { type: 'integer' } },
  required: ['stock']
}

export default async function database(fastify) {
  const connections = Math.floor(Number(process.env.POSTGRES_POOL) / Number(process.env.CPUS ?? 1))
  await fastify.register(postgres, {
    connectionString: process.env.POSTGRES_URL,
    max: Math.max(1, connections),
    idleTimeoutMillis: 0
  })

  // A query with a name is prepared once for each connection.
  const first = async (name, values, reply) => {
    const { rows } = await fastify.pg.query({ name, text: queries[name], values })
    return rows[0] ?? reply.code(404).send()
  }

  fastify.get('/db/items/:item', { schema: { params } }, (request, reply) =>
    first('item', [request.params.item], reply)
  )

  fastify.get('/db/items/:item/stock', { schema: { params } }, (request, reply) =>
    first('stock', [request.params.item], reply)
  )

  fastify.put('/db/items/:item', { schema: { params, body } }, (request, reply) =>
    first('write', [request.params.item, request.body.stock], reply)
  )
}
