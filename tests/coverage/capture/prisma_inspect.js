// What Prisma asks about a database and does to its definitions: `prisma db pull`, `db push`, `migrate`.
const { clear, engine, files, filters, model } = require("./prisma_engine");

const empty = `datasource db {\n  provider = "postgresql"\n}\n`;

(async () => {
  const schema = await engine();
  const pull = (namespaces) =>
    schema.introspect({ schema: files(empty), baseDirectoryPath: "/", force: true, compositeTypeDepth: 0, namespaces });
  // `prisma db pull`, over the fixture of our tests.
  await schema.version(null);
  await pull(null);
  await pull(["public", "archive"]);
  await clear(schema);
  // `prisma migrate dev` and `deploy`.
  const directory = (name, content) => ({ path: name, migrationFile: { path: "migration.sql", content: { tag: "ok", value: content } } });
  const migrations = (...migrationDirectories) => ({
    baseDir: "/migrations", lockfile: { path: "migration_lock.toml", content: `provider = "postgresql"\n` }, shadowDbInitScript: "", migrationDirectories,
  });
  const made = await schema.diff({ from: { tag: "empty" }, to: { tag: "schemaDatamodel", ...files(model) }, script: true, exitCode: null, shadowDatabaseUrl: null, filters });
  const first = directory("20260101000000_first", made.stdout);
  const second = directory("20260102000000_second", `ALTER TABLE "Room" ADD COLUMN "size" INTEGER;\n`);
  await schema.diagnoseMigrationHistory({ migrationsList: migrations(first), optInToShadowDatabase: false, filters });
  await schema.markMigrationApplied({ migrationName: "20260101000000_first", migrationsList: migrations(first) });
  await schema.schemaPush({ force: true, schema: files(model), filters });
  await schema.applyMigrations({ migrationsList: migrations(first, second), filters });
  await schema.diagnoseMigrationHistory({ migrationsList: migrations(first, second), optInToShadowDatabase: false, filters });
  const changed = model.replace("label   String   @default(\"attic\")", "size    Int?\n  label   String?");
  await schema.schemaPush({ force: true, schema: files(changed), filters });
  await pull(null);
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
