// Sequelize's sync and the look-ups of its query interface.
const { DataTypes } = require("sequelize");
const { open } = require("./sequelize_models");

(async () => {
  const { sequelize } = open();
  await sequelize.sync();
  await sequelize.sync({ alter: true });
  const look = sequelize.getQueryInterface();
  await look.showAllSchemas();
  await look.showAllTables();
  await look.describeTable("orders");
  await look.describeTable("customers", "archive");
  await look.showIndex("orders");
  await look.getForeignKeyReferencesForTable("orders");
  await look.getForeignKeysForTables(["orders", "payments"]);
  await look.showConstraint("orders");
  await look.tableExists("orders");
  await sequelize.databaseVersion();
  await look.createTable("made", { id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true }, t: DataTypes.TEXT });
  await look.addColumn("made", "n", { type: DataTypes.BIGINT, comment: "how many" });
  await look.changeColumn("made", "t", { type: DataTypes.STRING(20), allowNull: false, defaultValue: "x" });
  await look.renameColumn("made", "t", "t2");
  await look.addIndex("made", ["t2"], { concurrently: false });
  await look.addConstraint("made", { fields: ["n"], type: "check", where: { n: { [require("sequelize").Op.gt]: 0 } } });
  await look.addColumn("made", "gone", DataTypes.TEXT);
  await look.removeColumn("made", "gone");
  await sequelize.close();
})();
