// What the driver programs in JavaScript share: where to connect, and how cases are told.
//
// A case is a function. It returns nothing when it holds, and OPEN when something that Jurat has to guard was open:
// so it is directly, and so it must not be through Jurat. The first case that throws ends the program.

'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')

const env = process.env
const place = {
  host: env.MATRIX_HOST,
  port: Number(env.MATRIX_PORT),
  user: env.MATRIX_USER,
  password: env.MATRIX_PASSWORD,
  database: env.MATRIX_DATABASE,
}
const trusting = (file) => ({ ca: fs.readFileSync(file, 'utf8'), rejectUnauthorized: true })
const tls = trusting(env.MATRIX_CA)
const foreignTls = trusting(env.MATRIX_FOREIGN_CA)

const OPEN = 'open'

// Refused in every environment, and harmless to the other cases where it runs.
const DENIED = 'DELETE FROM payments'

// Says whether a statement sleeps on another connection, so that a cancel is sent when there is something to cancel.
const SLEEPING = `SELECT count(*)::int4 AS count FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'`

// Runs until `look` gives something.
async function until(look) {
  for (;;) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

// The error of a promise, or nothing when it is kept.
async function failure(promise) {
  try {
    await promise
  } catch (error) {
    return error
  }
  return undefined
}

// An error reads as a refusal of Jurat: the first line says it all, the detail is one JSON object.
function assertRefusal(error) {
  assert.equal(error.code, '42501', String(error))
  const first = error.message.split('\n')[0]
  assert.ok(first.includes('jurat denied DELETE on public.payments'), first)
  const told = JSON.parse(error.detail)
  assert.equal(told.decision, 'deny')
  assert.ok(first.includes(told.decision_id))
  assert.ok(error.hint)
}

// OPEN for the address as it is stored, nothing for the masked one.
function checkMask(email) {
  if (email === 'canary7@leak.example') return OPEN
  assert.ok(email.endsWith('@leak.example') && !email.includes('canary'), email)
  return undefined
}

async function main(name, cases) {
  const manifest = path.join(env.NODE_PATH, name, 'package.json')
  console.log(`version ${JSON.parse(fs.readFileSync(manifest, 'utf8')).version} (Node.js ${process.versions.node})`)
  for (const [name, run] of Object.entries(cases)) {
    console.error(`running ${name}`)
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${name} hangs`)), 60_000)
    })
    const told = await Promise.race([run(), late])
    clearTimeout(timer)
    console.log(`${told ?? 'ok'} ${name}`)
  }
}

// Runs the cases of the driver that the package `name` holds, and ends the process.
function run(name, cases) {
  main(name, cases).then(
    () => process.exit(0),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
}

module.exports = {
  DENIED, OPEN, SLEEPING, assert, assertRefusal, checkMask, failure, foreignTls, place, run, tls, until,
  encrypted: env.MATRIX_TLS === 'verify',
}
