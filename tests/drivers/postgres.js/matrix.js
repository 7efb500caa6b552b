// postgres.js (`postgres`): what its users expect of a connection. The contract is in tests/it/suite/drivers.rs.

'use strict'

const { pipeline } = require('node:stream/promises')
const { Readable } = require('node:stream')
const postgres = require('postgres')
const contract = require('../node/contract.js')

const { assert, failure, DENIED, OPEN } = contract

async function using(work, more) {
  const sql = postgres({
    ...contract.place,
    ssl: contract.encrypted ? contract.tls : false,
    max: 1,
    onnotice: () => {},
    ...more,
  })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function notes(sql) {
  const [{ count }] = await sql`SELECT count(*)::int4 AS count FROM notes`
  return count
}

async function tls_verifies_the_certificate() {
  await using(async (sql) => assert.deepEqual([...(await sql`SELECT 1 AS one`)], [{ one: 1 }]), { ssl: contract.tls })
  await using(
    async (sql) => assert.equal((await failure(sql`SELECT 1`))?.code, 'DEPTH_ZERO_SELF_SIGNED_CERT'),
    { ssl: contract.foreignTls },
  )
}

// The driver sends parameters and takes results in text only. It reads a null inside of an array as a text.
async function types_in_text() {
  const values = [
    ['int2', -32768],
    ['int4', 2147483647],
    ['int8', '-9223372036854775808'],
    ['numeric', '12345678901234567890.0123456789'],
    ['float4', 0.5],
    ['float8', 1e300],
    ['text', "naïve 💡 'quoted' \\ \n"],
    ['varchar', ''],
    ['bytea', Buffer.from([0, 255, 92, 39])],
    ['bool', true],
    ['uuid', '01234567-89ab-cdef-0123-456789abcdef'],
    ['date', new Date('2026-02-28T00:00:00Z')],
    ['time', '23:59:59.999999'],
    ['timestamptz', new Date('2026-02-28T12:00:00.123Z')],
    ['json', { k: [1, null, 'ü'] }],
    ['jsonb', { k: [1, null, 'ü'] }],
    ['inet', '10.1.2.3/8'],
    ['int4range', '[1,5)'],
    ['int4[]', [[1, 2], [3, 4]]],
    ['text[]', ['a,b', '"', '']],
  ]
  await using(async (sql) => {
    for (const [type, given] of values) {
      const rows = await sql`SELECT ${given}::${sql.unsafe(type)} AS given, ${null}::${sql.unsafe(type)} AS nothing`
      assert.deepEqual({ ...rows[0] }, { given, nothing: null }, type)
    }
    const [{ body }] = await sql`SELECT ${sql.json({ k: 1 })} AS body`
    assert.deepEqual(body, { k: 1 })
  })
}

async function helpers() {
  await using(async (sql) => {
    const rows = [{ id: 1, body: 'a' }, { id: 2, body: 'b' }]
    const added = await sql`INSERT INTO notes ${sql(rows, 'id', 'body')} RETURNING id`
    assert.deepEqual(added.map((row) => row.id), [1, 2])
    const found = await sql`SELECT ${sql(['id', 'body'])} FROM ${sql('notes')} WHERE id IN ${sql([1, 2])} ORDER BY id`
    assert.deepEqual(found.map((row) => ({ ...row })), rows)
    const changed = await sql`UPDATE notes SET ${sql({ body: 'c' })} WHERE id = 2`
    assert.deepEqual([changed.count, changed.command], [1, 'UPDATE'])
    assert.equal((await sql`DELETE FROM notes WHERE id IN (1, 2)`).count, 2)
  })
}

async function prepared_statements() {
  await using(async (sql) => {
    for (let id = 1; id < 8; id++) {
      const [{ note }] = await sql`SELECT note FROM orders WHERE id = ${id}`
      assert.equal(note, `order ${id}`)
    }
    const names = await sql`SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%SELECT note%'`
    assert.ok(names.length >= 1)
    const described = await sql`SELECT id, amount FROM orders WHERE id = ${1}`.describe()
    assert.deepEqual(described.columns.map((column) => column.name), ['id', 'amount'])
    assert.deepEqual(described.types, [23])
  })
  // As behind a pool that keeps no statements.
  await using(async (sql) => assert.equal((await sql`SELECT ${1}::int4 AS n`)[0].n, 1), { prepare: false })
}

async function simple_protocol() {
  await using(async (sql) => {
    const results = await sql`SELECT 1 AS one; SELECT 2 AS two`.simple()
    assert.deepEqual(results.map((rows) => ({ ...rows[0] })), [{ one: 1 }, { two: 2 }])
  })
}

async function transactions() {
  await using(async (sql) => {
    const gaveUp = new Error('given up')
    const error = await failure(
      sql.begin('ISOLATION LEVEL SERIALIZABLE', async (tx) => {
        await tx`INSERT INTO notes (body) VALUES ('kept')`
        await failure(
          tx.savepoint(async (inner) => {
            await inner`INSERT INTO notes (body) VALUES ('taken back')`
            throw gaveUp
          }),
        )
        await tx.savepoint((inner) => inner`INSERT INTO notes (body) VALUES ('nested')`)
        const rows = await tx`SELECT body FROM notes ORDER BY id`
        assert.deepEqual(rows.map((row) => row.body), ['kept', 'nested'])
        throw gaveUp
      }),
    )
    assert.equal(error, gaveUp)
    assert.equal(await notes(sql), 0)
  })
}

async function pipelining() {
  await using(async (sql) => {
    const numbers = [...Array(100).keys()]
    const rows = await Promise.all(numbers.map((number) => sql`SELECT ${number}::int4 * 2 AS n`))
    assert.deepEqual(rows.map(([{ n }]) => n), numbers.map((number) => number * 2))
    const [one, two] = await sql.begin((tx) => [tx`SELECT 1 AS n`, tx`SELECT 2 AS n`])
    assert.deepEqual([one[0].n, two[0].n], [1, 2])
    const [first, second, third] = await Promise.allSettled([
      sql`SELECT ${1}::int4 AS n`,
      sql`SELECT 1 / ${0}::int4 AS n`,
      sql`SELECT ${3}::int4 AS n`,
    ])
    assert.deepEqual([first.value[0].n, second.reason.code, third.value[0].n], [1, '22012', 3])
  })
}

async function copy_in_and_out() {
  await using(async (sql) => {
    const lines = Array.from({ length: 1000 }, (_, number) => `c${number}\n`)
    await pipeline(Readable.from(lines), await sql`COPY notes (body) FROM STDIN`.writable())
    assert.equal(await notes(sql), 1000)
    let text = ''
    const out = await sql`COPY (SELECT body FROM notes WHERE body < 'c1' ORDER BY 1) TO STDOUT`.readable()
    for await (const chunk of out) text += chunk
    assert.equal(text, 'c0\n')
    await sql`DELETE FROM notes WHERE body LIKE 'c%'`
  })
}

async function cursors() {
  await using(async (sql) => {
    let total = 0
    for await (const rows of sql`SELECT n FROM numbers ORDER BY n LIMIT 5000`.cursor(700)) {
      total += rows.reduce((sum, row) => sum + row.n, 0)
    }
    assert.equal(total, (5000 * 5001) / 2)
    let seen = 0
    await sql`SELECT n FROM numbers ORDER BY n`.cursor(3, (rows) => {
      seen += rows.length
      return seen >= 6 ? sql.CLOSE : undefined
    })
    assert.equal(seen, 6)
    let each = 0
    await sql`SELECT id FROM orders`.forEach((row) => {
      each += row.id
    })
    assert.equal(each, 5050)
  })
}

async function cancel() {
  await using((watcher) =>
    using(async (sql) => {
      const query = sql`SELECT pg_sleep(60)`
      const running = failure(query)
      await contract.until(async () => (await watcher.unsafe(contract.SLEEPING))[0].count)
      query.cancel()
      assert.equal((await running).code, '57014')
      assert.equal((await sql`SELECT 1 AS one`)[0].one, 1)
    }),
  )
}

async function notifications() {
  await using(async (sql) => {
    let hear
    const heard = new Promise((resolve) => {
      hear = resolve
    })
    const { unlisten } = await sql.listen('news', hear)
    await sql.notify('news', 'from another')
    assert.equal(await heard, 'from another')
    await unlisten()
  })
}

async function pool() {
  await using(
    async (sql) => {
      const rows = await Promise.all([...Array(30).keys()].map((number) => sql`SELECT ${number}::int4 AS n`))
      assert.deepEqual(rows.map(([{ n }]) => n), [...Array(30).keys()])
      const reserved = await sql.reserve()
      assert.equal((await reserved`SELECT 1 AS one`)[0].one, 1)
      reserved.release()
    },
    { max: 3 },
  )
}

async function errors_keep_their_class() {
  await using(async (sql) => {
    const error = await failure(sql`INSERT INTO orders (id, customer_id, amount) VALUES (${1}, 1, 1)`)
    assert.ok(error instanceof postgres.PostgresError)
    assert.deepEqual([error.code, error.constraint_name, error.table_name], ['23505', 'orders_pkey', 'orders'])
  })
}

async function denial_when_idle() {
  let told
  await using(async (sql) => {
    for (const query of [sql.unsafe(DENIED), sql.unsafe(DENIED, [], { prepare: true }), sql.unsafe(DENIED).simple()]) {
      const error = await failure(query)
      if (error === undefined) {
        told = OPEN
      } else {
        assert.ok(error instanceof postgres.PostgresError)
        contract.assertRefusal(error)
      }
      assert.equal((await sql`SELECT 1 AS one`)[0].one, 1)
    }
  })
  return told
}

async function denial_in_a_transaction() {
  return using(async (sql) => {
    const rollback = new Error('rollback')
    let aborted
    const error = await failure(
      sql.begin(async (tx) => {
        await tx`INSERT INTO notes (body) VALUES ('x')`
        const denied = await failure(tx.unsafe(DENIED))
        if (denied === undefined) throw rollback
        aborted = await failure(tx`SELECT 1`)
        throw denied
      }),
    )
    assert.equal(await notes(sql), 0)
    if (error === rollback) return OPEN
    contract.assertRefusal(error)
    assert.equal(aborted.code, '25P02')
    return undefined
  })
}

async function denial_in_a_pipeline() {
  return using(async (sql) => {
    const [before, denied, after] = await Promise.allSettled([
      sql`SELECT ${1}::int4 AS n`,
      sql.unsafe(DENIED, [], { prepare: true }),
      sql`SELECT ${3}::int4 AS n`,
    ])
    assert.deepEqual([before.value[0].n, after.value[0].n], [1, 3])
    if (denied.status === 'fulfilled') return OPEN
    contract.assertRefusal(denied.reason)
    return undefined
  })
}

async function masked_column() {
  return using(async (sql) => {
    const [{ email }] = await sql`SELECT email FROM customers WHERE id = ${7}`
    const told = contract.checkMask(email)
    for await (const [row] of sql`SELECT email FROM customers WHERE id = ${7}`.cursor(1)) {
      assert.equal(contract.checkMask(row.email), told)
    }
    return told
  })
}

contract.run('postgres', {
  tls_verifies_the_certificate,
  types_in_text,
  helpers,
  prepared_statements,
  simple_protocol,
  transactions,
  pipelining,
  copy_in_and_out,
  cursors,
  cancel,
  notifications,
  pool,
  errors_keep_their_class,
  denial_when_idle,
  denial_in_a_transaction,
  denial_in_a_pipeline,
  masked_column,
})
