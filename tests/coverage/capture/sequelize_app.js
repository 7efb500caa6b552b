// A small club on Sequelize: what its models send in everyday use.
const { Op, Transaction, QueryTypes } = require("sequelize");
const { open } = require("./sequelize_models");

(async () => {
  const { sequelize, Member, Loan, Room } = open();
  const { fn, col, literal, where, cast } = sequelize.constructor;
  await sequelize.sync();
  const eva = await Member.create({ name: "Eva", email: "eva@club.example", mood: "happy", tags: ["a", "b"], settings: { a: { b: 1 } } });
  await Member.bulkCreate([{ name: "Max", email: "max@club.example" }, { name: "Ida", email: "ida@club.example" }], { returning: true });
  await Member.bulkCreate([{ name: "Eva", email: "eva@club.example" }], { updateOnDuplicate: ["name"], conflictAttributes: ["email"] });
  await Member.bulkCreate([{ name: "Eva", email: "eva@club.example" }], { ignoreDuplicates: true });
  await Member.upsert({ name: "Eva", email: "eva@club.example" }, { conflictFields: ["email"] });
  const loan = await eva.createLoan({ title: "Saw", fee: 3.5, due: new Date(0) });
  await eva.addRoom(await Room.create({ label: "attic" }));
  await Member.findAll({ where: { name: { [Op.like]: "E%" }, score: { [Op.gte]: 0 }, [Op.or]: [{ mood: "happy" }, { born: null }] }, order: [["name", "DESC NULLS LAST"]], limit: 5, offset: 0 });
  await Member.findAll({ include: [{ model: Loan, as: "loans", required: true, where: { fee: { [Op.between]: [1, 5] } } }, Room], limit: 3 });
  await Member.findAll({ include: [{ model: Loan, as: "loans", separate: true, limit: 1, order: [["id", "DESC"]] }] });
  await Member.findAndCountAll({ where: { tags: { [Op.contains]: ["a"] }, "settings.a.b": 1 }, distinct: true, include: Room });
  await Member.findAll({ where: { settings: { a: { b: { [Op.gt]: 0 } } }, tags: { [Op.overlap]: ["b"] }, email: { [Op.iRegexp]: "^e" } } });
  await Member.findAll({ attributes: ["mood", [fn("COUNT", col("id")), "n"], [cast(fn("AVG", col("score")), "integer"), "avg"]], group: ["mood"], having: where(fn("COUNT", col("id")), { [Op.gt]: 0 }) });
  await Member.findAll({ where: where(fn("lower", col("name")), "eva"), attributes: { include: [[literal("(SELECT COUNT(*) FROM \"Loans\" AS l WHERE l.\"MemberId\" = \"Member\".id)"), "loans"]] } });
  await Member.findAll({ where: { id: { [Op.in]: [1, 2], [Op.not]: 7 } } });
  await Loan.sum("fee");
  await Loan.max("due");
  await Member.findOrCreate({ where: { email: "new@club.example" }, defaults: { name: "New" } });
  await eva.increment("score", { by: 2 });
  await eva.update({ name: "Eva M.", settings: { c: 1 } });
  await eva.reload({ include: [{ model: Loan, as: "loans" }] });
  await Member.update({ score: literal("score + 1") }, { where: { mood: "happy" }, returning: true });
  await eva.countLoans();
  await eva.getRooms({ joinTableAttributes: [] });
  await eva.setRooms([]);
  await sequelize.transaction({ isolationLevel: Transaction.ISOLATION_LEVELS.REPEATABLE_READ }, async (transaction) => {
    await Loan.findAll({ lock: transaction.LOCK.UPDATE, skipLocked: true, transaction });
    await Loan.findOne({ lock: { level: transaction.LOCK.KEY_SHARE, of: Loan }, transaction });
    await sequelize.transaction({ transaction }, async (inner) => Room.create({ label: "cellar" }, { transaction: inner }));
  });
  await sequelize.query("SELECT * FROM \"Members\" WHERE id = $1 OR name = :name".replace(":name", "$2"), { bind: [1, "x"], type: QueryTypes.SELECT });
  await loan.destroy();
  await eva.destroy();
  await Member.findAll({ paranoid: false });
  await eva.restore();
  await Room.destroy({ truncate: true, cascade: true, restartIdentity: true });
  await sequelize.close();
})();
