// What the Prisma programs share: the schema engine and the client as npm has them, which is as WebAssembly and JavaScript.
// The engine is the one that Prisma's command line runs as a binary, which would come from a host of Prisma's own.
const { execFileSync } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const pg = require("pg");
const { PrismaPg } = require("@prisma/adapter-pg");
const { bindMigrationAwareSqlAdapterFactory } = require("@prisma/driver-adapter-utils");

const modules = process.env.NODE_PATH;
const model = fs.readFileSync(path.join(__dirname, "prisma_schema.prisma"), "utf8");
const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env;
const adapter = () => new PrismaPg({ host, port: Number(port), user, database });

exports.model = model;
exports.files = (content) => ({ files: [{ path: "schema.prisma", content }] });
// `db push` drops whatever else it finds.
exports.clear = (engine) => engine.dbExecute({ datasourceType: { tag: "url", url: "" }, script: "DROP SCHEMA public CASCADE; CREATE SCHEMA public" });
exports.filters = { externalTables: [], externalEnums: [] };

// The adapter does not know the type "char" of the catalogs, which the binary reads; what is sent is the same.
const CHAR = 18;
const BPCHAR = 1042;
const { addFields } = pg.Result.prototype;
pg.Result.prototype.addFields = function (fields) {
  for (const field of fields) if (field.dataTypeID === CHAR) field.dataTypeID = BPCHAR;
  return addFields.call(this, fields);
};

global.PRISMA_WASM_PANIC_REGISTRY = { set_message: console.error };

let loaded;
async function load() {
  const home = path.join(modules, "@prisma/schema-engine-wasm");
  const engine = await import(path.join(home, "schema_engine_bg.js"));
  const wasm = new WebAssembly.Module(fs.readFileSync(path.join(home, "schema_engine_bg.wasm")));
  const instance = new WebAssembly.Instance(wasm, { "./schema_engine_bg.js": engine });
  engine.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return engine.SchemaEngine;
}

exports.engine = async () => {
  loaded ??= load();
  const SchemaEngine = await loaded;
  const factory = bindMigrationAwareSqlAdapterFactory(adapter());
  return SchemaEngine.new({ datamodels: [["schema.prisma", model]] }, () => {}, factory);
};

// The client is generated code, made anew in a directory that is thrown away.
exports.client = () => {
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "jurat-prisma-"));
  try {
    fs.writeFileSync(path.join(home, "schema.prisma"), model);
    fs.symlinkSync(modules, path.join(home, "node_modules"));
    // Generating needs no engine, and a program at its place is not fetched.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: "1", PRISMA_HIDE_UPDATE_MESSAGE: "1" };
    execFileSync(path.join(modules, ".bin/prisma"), ["generate", "--schema", "schema.prisma"], { cwd: home, env, stdio: "ignore" });
    const { PrismaClient, Prisma } = require(path.join(home, "client"));
    return { prisma: new PrismaClient({ adapter: adapter() }), Prisma };
  } finally {
    process.on("exit", () => fs.rmSync(home, { recursive: true, force: true }));
  }
};
