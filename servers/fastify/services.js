// Routes for what real services do besides JSON, as Fastify's own documentation shows them.
//
// A wait, forms, uploads, validation, files, a stream of events; a plugin of its own, so that its
// parsers of bodies are for these routes alone.

import { createHash } from 'node:crypto'
import path from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import compress from '@fastify/compress'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import serveStatic from '@fastify/static'

const root = path.join(import.meta.dirname, 'static')

const sha256 = (data) => createHash('sha256').update(data).digest('hex')

const signup = {
  type: 'object',
  properties: {
    id: { type: 'integer', minimum: 1 },
    display_name: { type: 'string', minLength: 2, maxLength: 40 },
    email: { type: 'string', pattern: '^[^@\\s]+@[^@\\s]+\\.[a-z]+$' },
    seats: { type: 'integer', minimum: 1, maximum: 99 },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 5 },
    note: { type: 'string' }
  },
  required: ['id', 'display_name', 'email', 'seats', 'tags', 'note']
}

async function * twenty (topic) {
  for (let number = 1; number <= 20; number++) {
    if (number > 1) await setTimeout(5)
    yield `data: ${topic} ${number}\n\n`
  }
}

async function compressed (fastify) {
  await fastify.register(compress, { encodings: ['gzip'], zlibOptions: { level: 6 } })
  await fastify.register(serveStatic, { root, prefix: '/static-gzip/', decorateReply: false })
}

export default async function services (fastify) {
  await fastify.register(formbody)
  await fastify.register(multipart)
  await fastify.register(serveStatic, { root, prefix: '/static/' })
  await fastify.register(compressed)

  fastify.get(
    '/delay/:ms',
    { schema: { params: { type: 'object', properties: { ms: { type: 'integer' } } } } },
    async (request) => {
      await setTimeout(request.params.ms)
      return { waited_ms: request.params.ms }
    }
  )

  fastify.post('/form', async (request) => {
    const { name, email, city, note } = request.body
    return { name, email, city, note }
  })

  fastify.post('/multipart', async (request) => {
    const file = await request.file()
    const content = await file.toBuffer()
    return {
      title: file.fields.title.value,
      filename: file.filename,
      bytes: content.length,
      sha256: sha256(content)
    }
  })

  fastify.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer', bodyLimit: 4_000_000 },
    async (request, body) => body
  )

  fastify.post('/upload', async (request) => ({
    bytes: request.body.length,
    sha256: sha256(request.body)
  }))

  fastify.post(
    '/validate',
    {
      schema: { body: signup },
      errorHandler: (error, request, reply) => {
        if (!error.validation) return reply.send(error)
        return reply.code(422).send({ message: error.message, errors: error.validation })
      }
    },
    async (request) => request.body
  )

  fastify.get('/events/:topic', (request, reply) => {
    reply.type('text/event-stream')
    return reply.send(Readable.from(twenty(request.params.topic)))
  })
}
