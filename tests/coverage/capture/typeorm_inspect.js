// TypeORM's schema builder against what exists: synchronization, and the queries of its query runner.
const { DataSource, EntitySchema, Table, TableColumn, TableIndex } = require("typeorm");
const { entities } = require("./typeorm_entities");

(async () => {
  const { PGHOST: host, PGPORT: port, PGUSER: username, PGDATABASE: database } = process.env;
  const source = new DataSource({ type: "postgres", host, port: +port, username, password: "unused", database, entities, synchronize: true, installExtensions: false });
  await source.initialize();
  await source.synchronize();
  await source.driver.createSchemaBuilder().log();
  const runner = source.createQueryRunner();
  await runner.getDatabases();
  await runner.getSchemas();
  await runner.hasTable("orders");
  await runner.hasColumn("orders", "note");
  await runner.getTables(["orders", "customers"]);
  await runner.getViews(["contact"]);
  await runner.createTable(new Table({ name: "made", columns: [{ name: "id", type: "int", isPrimary: true }, { name: "t", type: "text", isNullable: true }] }));
  await runner.addColumn("made", new TableColumn({ name: "at", type: "timestamptz", default: "now()" }));
  await runner.changeColumn("made", "t", new TableColumn({ name: "t2", type: "varchar(20)", isNullable: true }));
  await runner.createIndex("made", new TableIndex({ name: "made_t2", columnNames: ["t2"], isUnique: true }));
  await runner.dropIndex("made", "made_t2");
  await runner.dropColumn("made", "at");
  await runner.release();
  await source.destroy();
})();
