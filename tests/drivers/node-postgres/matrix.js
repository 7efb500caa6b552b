// node-postgres (`pg`): what its users expect of a connection. The contract is in tests/it/suite/drivers.rs.

'use strict'

const { pipeline } = require('node:stream/promises')
const { Readable } = require('node:stream')
const pg = require('pg')
const Cursor = require('pg-cursor')
const QueryStream = require('pg-query-stream')
const copy = require('pg-copy-streams')
const contract = require('../node/contract.js')

const { assert, failure, DENIED, OPEN } = contract

function options(more) {
  return { ...contract.place, ssl: contract.encrypted ? contract.tls : false, ...more }
}

async function using(work, more) {
  const client = new pg.Client(options(more))
  // What the client says outside of a query: an ended connection is seen by the query that fails.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function value(client, text, values) {
  const result = await client.query({ text, values, rowMode: 'array' })
  return result.rows[0][0]
}

const notes = (client) => value(client, 'SELECT count(*)::int4 FROM notes')

async function tls_verifies_the_certificate() {
  await using(
    async (client) => {
      assert.ok(client.connection.stream.encrypted && client.connection.stream.authorized)
      assert.equal(await value(client, 'SELECT 1'), 1)
    },
    { ssl: contract.tls },
  )
  const direct = { ...contract.tls, ALPNProtocols: ['postgresql'] }
  const error = await failure(new pg.Client(options({ ssl: contract.foreignTls })).connect())
  assert.equal(error?.code, 'DEPTH_ZERO_SELF_SIGNED_CERT', String(error))
  await using((client) => value(client, 'SELECT 1'), { ssl: direct })
}

const VALUES = [
  ['int2', -32768, -32768],
  ['int4', 2147483647, 2147483647],
  ['int8', '-9223372036854775808', '-9223372036854775808'],
  ['numeric', '12345678901234567890.0123456789', '12345678901234567890.0123456789'],
  ['float4', 0.5, 0.5],
  ['float8', 1e300, 1e300],
  ['text', "naïve 💡 'quoted' \\ \n", "naïve 💡 'quoted' \\ \n"],
  ['varchar', '', ''],
  ['bytea', Buffer.from([0, 255, 92, 39]), Buffer.from([0, 255, 92, 39])],
  ['bool', true, true],
  ['uuid', '01234567-89ab-cdef-0123-456789abcdef', '01234567-89ab-cdef-0123-456789abcdef'],
  ['timestamptz', new Date('2026-02-28T12:00:00.123Z'), new Date('2026-02-28T12:00:00.123Z')],
  ['time', '23:59:59.999999', '23:59:59.999999'],
  ['json', { k: [1, null, 'ü'] }, { k: [1, null, 'ü'] }],
  ['jsonb', { k: [1, null, 'ü'] }, { k: [1, null, 'ü'] }],
  ['inet', '10.1.2.3/8', '10.1.2.3/8'],
  ['int4range', '[1,5)', '[1,5)'],
  ['int4[]', [1, 2, null], [1, 2, null]],
  ['text[]', ['a,b', '"', '', null], ['a,b', '"', '', null]],
]

async function types_in_text() {
  await using(async (client) => {
    for (const [type, given, expected] of VALUES) {
      const query = { text: `SELECT $1::${type}, $2::${type}`, values: [given, null], rowMode: 'array' }
      const { rows } = await client.query(query)
      assert.deepEqual(rows, [[expected, null]], type)
    }
    // Without parameters the driver uses the simple protocol.
    const { rows } = await client.query("SELECT DATE '2026-02-28' AS day, NULL AS nothing, 1.5::numeric AS amount")
    assert.equal(rows[0].day.getDate(), 28)
    assert.deepEqual([rows[0].nothing, rows[0].amount], [null, '1.5'])
  })
}

// The driver decodes rows as text first, so it can read binary only where every byte is ASCII.
async function types_in_binary() {
  const values = [['int4', 7], ['int8', '7'], ['float8', 2], ['text', 'plain'], ['bool', true]]
  await using(async (client) => {
    for (const [type, given] of values) {
      const text = `SELECT $1::${type} AS given, $2::${type} AS nothing`
      const { rows, fields } = await client.query({ text, values: [given, null], binary: true })
      assert.equal(fields[0].format, 'binary')
      assert.deepEqual({ ...rows[0] }, { given, nothing: null }, type)
    }
  })
}

async function prepared_statements() {
  await using(async (client) => {
    for (let id = 1; id < 8; id++) {
      const query = { name: 'note', text: 'SELECT note FROM orders WHERE id = $1', values: [id] }
      assert.equal((await client.query(query)).rows[0].note, `order ${id}`)
    }
    const names = await client.query('SELECT name FROM pg_prepared_statements')
    assert.deepEqual(names.rows, [{ name: 'note' }])
    const other = { name: 'note', text: 'SELECT 1' }
    assert.match((await failure(client.query(other))).message, /must be unique/)
    const wrong = { name: 'wrong', text: 'SELECT nothing FROM orders WHERE id = $1', values: [1] }
    assert.equal((await failure(client.query(wrong))).code[0], '4')
    assert.equal(await value(client, 'SELECT 1'), 1)
  })
}

async function transactions() {
  const insert = (client, body) => client.query('INSERT INTO notes (body) VALUES ($1)', [body])
  await using(async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
    await insert(client, 'kept')
    await client.query('SAVEPOINT here')
    await insert(client, 'taken back')
    await client.query('ROLLBACK TO SAVEPOINT here')
    await client.query('RELEASE SAVEPOINT here')
    await insert(client, 'nested')
    const { rows } = await client.query('SELECT body FROM notes ORDER BY id')
    assert.deepEqual(rows.map((row) => row.body), ['kept', 'nested'])
    await client.query('ROLLBACK')
    assert.equal(await notes(client), 0)
  })
}

// Several queries without waiting. In the driver's pipeline mode they are on the wire together.
async function pipeline_mode() {
  for (const pipelined of [false, true]) {
    await using(
      async (client) => {
        const numbers = [...Array(100).keys()]
        const asked = numbers.map((number) => value(client, 'SELECT $1::int4 * 2', [number]))
        assert.deepEqual(await Promise.all(asked), numbers.map((number) => number * 2))
        const [first, second, third] = await Promise.allSettled([
          value(client, 'SELECT 1'),
          value(client, 'SELECT 1 / $1::int4', [0]),
          value(client, 'SELECT 3'),
        ])
        assert.deepEqual([first.value, second.reason.code, third.value], [1, '22012', 3])
      },
      { pipeline: pipelined },
    )
  }
}

async function several_statements() {
  await using(async (client) => {
    const results = await client.query('SELECT 1 AS one; SELECT 2 AS two')
    assert.deepEqual(results.map((result) => result.rows[0]), [{ one: 1 }, { two: 2 }])
  })
}

async function copy_in_and_out() {
  await using(async (client) => {
    const lines = Array.from({ length: 1000 }, (_, number) => `c${number}\n`)
    await pipeline(Readable.from(lines), client.query(copy.from('COPY notes (body) FROM STDIN')))
    assert.equal(await notes(client), 1000)
    const out = client.query(copy.to("COPY (SELECT body FROM notes WHERE body < 'c1' ORDER BY 1) TO STDOUT"))
    let text = ''
    for await (const chunk of out) text += chunk
    assert.equal(text, 'c0\n')
    await client.query("DELETE FROM notes WHERE body LIKE 'c%'")
  })
}

async function cursors() {
  await using(async (client) => {
    const cursor = client.query(new Cursor('SELECT n FROM numbers ORDER BY n LIMIT $1', [5000]))
    let total = 0
    for (;;) {
      const rows = await cursor.read(700)
      if (rows.length === 0) break
      total += rows.reduce((sum, row) => sum + row.n, 0)
    }
    await cursor.close()
    assert.equal(total, (5000 * 5001) / 2)
    const abandoned = client.query(new Cursor('SELECT n FROM numbers'))
    assert.equal((await abandoned.read(3)).length, 3)
    await abandoned.close()
    let seen = 0
    for await (const row of client.query(new QueryStream('SELECT id FROM orders', [], { batchSize: 9 }))) seen += row.id
    assert.equal(seen, 5050)
  })
}

async function cancel() {
  await using((watcher) =>
    using(async (client) => {
      const running = failure(client.query('SELECT pg_sleep(60)'))
      await contract.until(() => value(watcher, contract.SLEEPING))
      // The driver has no method for it in its client; this is the cancel request that it can write.
      const { processID, secretKey } = client
      const canceling = new pg.Connection({ ssl: contract.encrypted ? contract.tls : false })
      const sent = new Promise((resolve, reject) => {
        canceling.once('error', reject)
        canceling.once('end', resolve)
      })
      canceling.once(contract.encrypted ? 'sslconnect' : 'connect', () => canceling.cancel(processID, secretKey))
      if (contract.encrypted) canceling.once('connect', () => canceling.requestSsl())
      canceling.connect(contract.place.port, contract.place.host)
      const error = await running
      assert.equal(error.code, '57014', String(error))
      await sent
      assert.equal(await value(client, 'SELECT 1'), 1)
    }),
  )
}

async function time_out() {
  await using(
    async (client) => {
      const error = await failure(client.query('SELECT pg_sleep(60)'))
      assert.equal(error?.code, '57014', String(error))
      assert.equal(await value(client, 'SELECT 1'), 1)
    },
    { statement_timeout: 200, application_name: 'matrix' },
  )
}

async function notifications() {
  await using((speaker) =>
    using(async (listener) => {
      const heard = new Promise((resolve) => listener.once('notification', resolve))
      await listener.query('LISTEN news')
      await speaker.query("NOTIFY news, 'from another'")
      const { channel, payload } = await heard
      assert.deepEqual([channel, payload], ['news', 'from another'])
    }),
  )
}

async function pool() {
  const pool = new pg.Pool(options({ max: 3 }))
  const asked = [...Array(30).keys()].map((number) => pool.query('SELECT $1::int4 AS n', [number]))
  const results = await Promise.all(asked)
  assert.deepEqual(results.map((result) => result.rows[0].n), [...Array(30).keys()])
  await pool.end()
}

async function errors_keep_their_class() {
  await using(async (client) => {
    const error = await failure(client.query('INSERT INTO orders (id, customer_id, amount) VALUES ($1, 1, 1)', [1]))
    assert.ok(error instanceof pg.DatabaseError)
    assert.deepEqual([error.code, error.constraint, error.table], ['23505', 'orders_pkey', 'orders'])
  })
}

async function denial_when_idle() {
  let told
  await using(async (client) => {
    for (const more of [{}, { queryMode: 'extended' }, { name: 'named' }]) {
      const error = await failure(client.query({ text: DENIED, ...more }))
      if (error === undefined) {
        told = OPEN
      } else {
        assert.ok(error instanceof pg.DatabaseError)
        contract.assertRefusal(error)
      }
      assert.equal(await value(client, 'SELECT 1'), 1)
    }
  })
  return told
}

async function denial_in_a_transaction() {
  return using(async (client) => {
    await client.query('BEGIN')
    await client.query("INSERT INTO notes (body) VALUES ('x')")
    const error = await failure(client.query(DENIED))
    if (error !== undefined) {
      contract.assertRefusal(error)
      assert.equal((await failure(client.query('SELECT 1'))).code, '25P02')
    }
    await client.query('ROLLBACK')
    assert.equal(await notes(client), 0)
    return error === undefined ? OPEN : undefined
  })
}

async function denial_in_a_pipeline() {
  return using(
    async (client) => {
      const [before, denied, after] = await Promise.allSettled([
        value(client, 'SELECT $1::int4', [1]),
        client.query(DENIED),
        value(client, 'SELECT $1::int4', [3]),
      ])
      assert.deepEqual([before.value, after.value], [1, 3])
      if (denied.status === 'fulfilled') return OPEN
      contract.assertRefusal(denied.reason)
      return undefined
    },
    { pipeline: true },
  )
}

async function masked_column() {
  return using(async (client) => {
    const text = 'SELECT email FROM customers WHERE id = $1'
    const told = contract.checkMask(await value(client, text, [7]))
    const binary = await client.query({ text, values: [7], binary: true })
    assert.equal(contract.checkMask(binary.rows[0].email), told)
    return told
  })
}

contract.run('pg', {
  tls_verifies_the_certificate,
  types_in_text,
  types_in_binary,
  prepared_statements,
  transactions,
  pipeline_mode,
  several_statements,
  copy_in_and_out,
  cursors,
  cancel,
  time_out,
  notifications,
  pool,
  errors_keep_their_class,
  denial_when_idle,
  denial_in_a_transaction,
  denial_in_a_pipeline,
  masked_column,
})
