// mysql2: what its users expect of a connection. The contract is in tests/it/suite/drivers.rs.

'use strict'

const mysql = require('mysql2/promise')
const contract = require('../node/contract.js')

const { assert, failure, DENIED, OPEN } = contract

function options(more) {
  return { ...contract.place, ssl: contract.encrypted ? contract.tls : undefined, ...more }
}

async function using(work, more) {
  const connection = await mysql.createConnection(options(more))
  try {
    return await work(connection)
  } finally {
    connection.destroy()
  }
}

async function value(connection, text, values) {
  const [[row]] = await connection.query({ sql: text, values, rowsAsArray: true })
  return row[0]
}

const notes = (connection) => value(connection, 'SELECT COUNT(*) FROM notes')

function assertRefusal(error) {
  assert.deepEqual([error?.errno, error?.code, error?.sqlState], [1142, 'ER_TABLEACCESS_DENIED_ERROR', '42000'], String(error))
  assert.ok(error.message.includes('jurat denied DELETE on shop.payments'), error.message)
}

async function tls_verifies_the_certificate() {
  await using(async (connection) => assert.equal(await value(connection, 'SELECT 1'), 1), { ssl: contract.tls })
  const error = await failure(mysql.createConnection(options({ ssl: contract.foreignTls })))
  assert.match(String(error?.code), /SELF_SIGNED_CERT|HANDSHAKE_SSL_ERROR/, String(error))
}

const VALUES = [
  ['CAST(? AS SIGNED)', -5, -5],
  ['CAST(? AS UNSIGNED)', '18446744073709551615', '18446744073709551615'],
  ['CAST(? AS DECIMAL(30, 10))', '12345678901234567890.0123456789', '12345678901234567890.0123456789'],
  ['CAST(? AS DOUBLE)', 1e300, 1e300],
  ['CAST(? AS CHAR)', "naïve — 'quoted' \\ \n", "naïve — 'quoted' \\ \n"],
  ['CAST(? AS BINARY)', Buffer.from([0, 255, 92, 39]), Buffer.from([0, 255, 92, 39])],
  ['CAST(? AS DATE)', '2026-02-28', '2026-02-28'],
  ['CAST(? AS DATETIME(6))', '2026-02-28 12:00:00.000005', '2026-02-28 12:00:00.000005'],
  ['CAST(? AS TIME)', '-01:00:02', '-01:00:02'],
  ['CAST(? AS CHAR)', null, null],
]

const EXACT = { supportBigNumbers: true, dateStrings: true }

async function types_in_text() {
  await using(async (connection) => {
    for (const [kind, given, expected] of VALUES) {
      assert.deepEqual(await value(connection, `SELECT ${kind}`, [given]), expected, kind)
    }
  }, EXACT)
}

async function types_in_binary() {
  await using(async (connection) => {
    for (const [kind, given, expected] of VALUES) {
      const [[row]] = await connection.execute({ sql: `SELECT ${kind}`, values: [given], rowsAsArray: true })
      assert.deepEqual(row[0], expected, kind)
    }
  }, EXACT)
}

async function prepared_statements() {
  await using(async (connection) => {
    for (let id = 1; id < 8; id++) {
      const [[row]] = await connection.execute('SELECT note FROM orders WHERE id = ?', [id])
      assert.equal(row.note, `order ${id}`)
      // More statements than the cache holds: the driver closes the oldest.
      const [[sum]] = await connection.execute(`SELECT id + ${id} AS sum FROM orders WHERE id = ?`, [1])
      assert.equal(sum.sum, 1 + id)
    }
    const statement = await connection.prepare('SELECT id FROM orders WHERE id < ? ORDER BY id')
    assert.equal((await statement.execute([4]))[0].length, 3)
    await statement.close()
    connection.unprepare('SELECT note FROM orders WHERE id = ?')
    const named = await connection.execute('SELECT :a + :b AS sum', { a: 1, b: 2 })
    assert.equal(named[0][0].sum, 3)
    const wrong = await failure(connection.execute('SELECT nothing FROM orders WHERE id = ?', [1]))
    assert.equal(wrong.code, 'ER_BAD_FIELD_ERROR', String(wrong))
    assert.equal(await value(connection, 'SELECT 1'), 1)
  }, { maxPreparedStatements: 3, namedPlaceholders: true })
}

async function transactions() {
  const insert = (connection, body) => connection.execute('INSERT INTO notes (body) VALUES (?)', [body])
  await using((other) =>
    using(async (connection) => {
      await connection.beginTransaction()
      await insert(connection, 'kept')
      await connection.query('SAVEPOINT here')
      await insert(connection, 'taken back')
      await connection.query('ROLLBACK TO SAVEPOINT here')
      const [rows] = await connection.query('SELECT body FROM notes ORDER BY id')
      assert.deepEqual(rows.map((row) => row.body), ['kept'])
      assert.equal(await notes(other), 0)
      await connection.rollback()
      assert.equal(await notes(connection), 0)
    }),
  )
}

// Several commands without waiting: the driver sends each once the one before was answered.
async function many_at_once() {
  await using(async (connection) => {
    const numbers = [...Array(100).keys()]
    const asked = numbers.map((number) => value(connection, 'SELECT ? * 2', [number]))
    assert.deepEqual(await Promise.all(asked), numbers.map((number) => number * 2))
    const [first, second, third] = await Promise.allSettled([
      value(connection, 'SELECT 1'),
      value(connection, 'SELECT nothing'),
      value(connection, 'SELECT 3'),
    ])
    assert.deepEqual([first.value, second.reason.code, third.value], [1, 'ER_BAD_FIELD_ERROR', 3])
  })
}

async function several_statements() {
  await using(
    async (connection) => {
      const [results] = await connection.query('SELECT 1 AS one; SELECT 2 AS two; DELETE FROM notes WHERE id < 0')
      assert.deepEqual(results[0], [{ one: 1 }])
      assert.deepEqual(results[1], [{ two: 2 }])
      assert.equal(results[2].affectedRows, 0)
    },
    { multipleStatements: true },
  )
}

async function streams() {
  await using(async (connection) => {
    let total = 0
    const stream = connection.connection.query('SELECT n FROM numbers ORDER BY n LIMIT 3000').stream()
    for await (const row of stream) total += row.n
    assert.equal(total, (3000 * 3001) / 2)
    assert.equal(await value(connection, 'SELECT 1'), 1)
  })
}

async function kill() {
  await using((other) =>
    using(async (connection) => {
      let running = true
      const slept = failure(connection.query('SELECT SLEEP(60) FROM numbers')).finally(() => (running = false))
      await contract.until(async () => {
        await other.query(`KILL QUERY ${connection.threadId}`)
        return !running
      })
      assert.equal((await slept)?.code, 'ER_QUERY_INTERRUPTED')
      assert.equal(await value(connection, 'SELECT 1'), 1)
    }),
  )
}

async function change_user() {
  await using(async (connection) => {
    await connection.query('SET @left = 7')
    await connection.changeUser({ user: contract.place.user, password: contract.place.password })
    assert.equal(await value(connection, 'SELECT @left'), null)
    assert.equal(await notes(connection), 0)
    const error = await failure(connection.changeUser({ user: contract.place.user, password: 'wrong' }))
    assert.equal(error?.code, 'ER_ACCESS_DENIED_ERROR', String(error))
  })
}

async function pool() {
  const pool = mysql.createPool(options({ connectionLimit: 3, resetOnRelease: true }))
  const asked = [...Array(30).keys()].map((number) => pool.execute('SELECT ? AS n', [number]))
  const results = await Promise.all(asked)
  assert.deepEqual(results.map(([[row]]) => Number(row.n)), [...Array(30).keys()])
  await pool.end()
}

async function errors_keep_their_class() {
  await using(async (connection) => {
    const text = 'INSERT INTO orders (id, customer_id, amount) VALUES (?, 1, 1)'
    const error = await failure(connection.execute(text, [1]))
    assert.deepEqual([error.code, error.errno, error.sqlState], ['ER_DUP_ENTRY', 1062, '23000'])
  })
}

async function denial_when_idle() {
  let told
  await using(async (connection) => {
    for (const way of ['query', 'execute']) {
      await connection.beginTransaction()
      const error = await failure(connection[way](DENIED))
      if (error === undefined) told = OPEN
      else assertRefusal(error)
      await connection.rollback()
      assert.equal(await value(connection, 'SELECT 1'), 1)
    }
  })
  return told
}

async function denial_in_a_transaction() {
  return using(async (connection) => {
    await connection.beginTransaction()
    await connection.query("INSERT INTO notes (body) VALUES ('x')")
    const error = await failure(connection.query(DENIED))
    if (error !== undefined) {
      assertRefusal(error)
      // The transaction goes on, as it does after any error of the server.
      assert.equal(await notes(connection), 1)
    }
    await connection.rollback()
    assert.equal(await notes(connection), 0)
    return error === undefined ? OPEN : undefined
  })
}

async function masked_column() {
  return using(async (connection) => {
    const told = contract.checkMask(await value(connection, 'SELECT email FROM customers WHERE id = ?', [7]))
    const [[row]] = await connection.execute('SELECT email FROM customers WHERE id = ?', [7])
    assert.equal(contract.checkMask(row.email), told)
    return told
  })
}

contract.run('mysql2', {
  tls_verifies_the_certificate,
  types_in_text,
  types_in_binary,
  prepared_statements,
  transactions,
  many_at_once,
  several_statements,
  streams,
  kill,
  change_user,
  pool,
  errors_keep_their_class,
  denial_when_idle,
  denial_in_a_transaction,
  masked_column,
})
