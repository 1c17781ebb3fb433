// Routes for what real services do besides JSON, as Express's own documentation shows them.
//
// A wait, forms, uploads, files, a stream of events; a router of its own.

import { createHash } from 'node:crypto'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import compression from 'compression'
import express from 'express'
import multer from 'multer'

const root = path.join(import.meta.dirname, 'static')

const sha256 = (data) => createHash('sha256').update(data).digest('hex')

const upload = multer({ storage: multer.memoryStorage() })

const router = express.Router()

router.get('/delay/:ms', async (req, res) => {
  const ms = Number(req.params.ms)
  await setTimeout(ms)
  res.json({ waited_ms: ms })
})

router.post('/form', express.urlencoded({ extended: false }), (req, res) => {
  const { name, email, city, note } = req.body
  res.json({ name, email, city, note })
})

router.post('/multipart', upload.single('file'), (req, res) => {
  res.json({
    title: req.body.title,
    filename: req.file.originalname,
    bytes: req.file.size,
    sha256: sha256(req.file.buffer)
  })
})

router.post('/upload', express.raw({ limit: '4mb' }), (req, res) => {
  res.json({ bytes: req.body.length, sha256: sha256(req.body) })
})

router.get('/events/:topic', async (req, res) => {
  res.set('Content-Type', 'text/event-stream')
  res.flushHeaders()
  for (let number = 1; number <= 20; number++) {
    if (number > 1) await setTimeout(5)
    res.write(`data: ${req.params.topic} ${number}\n\n`)
  }
  res.end()
})

router.use('/static', express.static(root))
router.use('/static-gzip', compression({ level: 6 }), express.static(root))

export default router
