// Sequelize over node-postgres: what its users expect of the models, above all of `findOrCreate`, which sends a
// function around its INSERT. The contract is in tests/it/suite/drivers.rs.

'use strict'

const { Sequelize, DataTypes, UniqueConstraintError } = require('sequelize')
const contract = require('../node/contract.js')

const { assert, failure, DENIED, OPEN } = contract

async function using(work) {
  const { host, port, user, password, database } = contract.place
  const sequelize = new Sequelize(database, user, password, {
    host, port, dialect: 'postgres', logging: false, dialectOptions: contract.encrypted ? { ssl: contract.tls } : {},
  })
  const options = { timestamps: false, freezeTableName: true }
  const Note = sequelize.define('notes', { body: DataTypes.TEXT }, options)
  const Customer = sequelize.define('customers', { email: DataTypes.TEXT, name: DataTypes.TEXT }, options)
  try {
    return await work({ Note, Customer, sequelize })
  } finally {
    await sequelize.close()
  }
}

async function models() {
  await using(async ({ Note }) => {
    const note = await Note.create({ body: "it's here" })
    await note.update({ body: 'there' })
    assert.equal((await Note.findByPk(note.id)).body, 'there')
    assert.equal(await Note.destroy({ where: { id: note.id } }), 1)
  })
}

async function find_or_create() {
  await using(async ({ Note }) => {
    const wanted = { where: { id: 7001 }, defaults: { body: "it's $func$ new" } }
    const [made, isMade] = await Note.findOrCreate(wanted)
    assert.deepEqual([made.id, made.body, isMade], [7001, "it's $func$ new", true])
    const [found, isNew] = await Note.findOrCreate(wanted)
    assert.deepEqual([found.body, isNew], [made.body, false])
    // The row is there and is not found: what the server says about that comes back as a column.
    const error = await failure(Note.findOrCreate({ where: { body: 'other' }, defaults: { id: 7001 } }))
    assert.ok(error instanceof UniqueConstraintError, String(error))
    assert.equal(await Note.destroy({ where: { id: 7001 } }), 1)
  })
}

async function masked_column() {
  return using(async ({ Customer }) => contract.checkMask((await Customer.findByPk(7)).email))
}

async function denial_when_idle() {
  return using(async ({ sequelize }) => {
    const error = await failure(sequelize.query(DENIED))
    if (!error) return OPEN
    contract.assertRefusal(error.original)
    await sequelize.query('SELECT 1')
    return undefined
  })
}

async function denial_in_a_transaction() {
  return using(async ({ Note, sequelize }) => {
    const work = sequelize.transaction(async (transaction) => {
      await Note.create({ body: 'taken back' }, { transaction })
      await sequelize.query(DENIED, { transaction })
      throw new Error(OPEN)
    })
    const error = await failure(work)
    assert.equal(await Note.count({ where: { body: 'taken back' } }), 0)
    if (error.message === OPEN) return OPEN
    contract.assertRefusal(error.original)
    return undefined
  })
}

contract.run('sequelize', { models, find_or_create, denial_when_idle, denial_in_a_transaction, masked_column })
