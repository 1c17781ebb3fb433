// The routes that ask PostgreSQL, with node-postgres as its guide for Express shows it.
//
// The address comes from the environment: POSTGRES_URL, and POSTGRES_POOL for the connections of
// all CPUS processes together. Without an address nothing asks these routes.

import express from 'express'
import pg from 'pg'

const queries = {
  item: 'SELECT id, name, description FROM items WHERE id = $1',
  stock: 'SELECT id, stock FROM items WHERE id = $1',
  write: 'UPDATE items SET stock = $2 WHERE id = $1 RETURNING id, stock'
}

const connections = Math.floor(Number(process.env.POSTGRES_POOL) / Number(process.env.CPUS ?? 1))

const pool = new pg.Pool({
  connectionString: process.env.POSTGRES_URL,
  max: Math.max(1, connections),
  idleTimeoutMillis: 0
})

// A query with a name is prepared once for each connection.
const first = async (name, values, res) => {
  const { rows } = await pool.query({ name, text: queries[name], values })
  if (rows.length === 0) return res.sendStatus(404)
  res.json(rows[0])
}

const router = express.Router()

router.get('/db/items/:item', (req, res) => first('item', [Number(req.params.item)], res))

router.get('/db/items/:item/stock', (req, res) => first('stock', [Number(req.params.item)], res))

router.put('/db/items/:item', express.json(), (req, res) =>
  first('write', [Number(req.params.item), req.body.stock], res)
)

export default router
