// drizzle-kit's look at a database, as `drizzle-kit pull` runs it.
const { execFileSync } = require("node:child_process");
const { mkdtempSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { tmpdir } = require("node:os");

const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database, NODE_PATH } = process.env;
const home = mkdtempSync(join(tmpdir(), "drizzle-"));
const url = `postgres://${user}:unused@${host}:${port}/${database}`;
writeFileSync(join(home, "drizzle.config.json"), JSON.stringify({ dialect: "postgresql", out: "./out", schema: "./none.ts", dbCredentials: { url } }));
execFileSync("node", [join(NODE_PATH, "drizzle-kit/bin.cjs"), "pull", "--config", "drizzle.config.json"], { cwd: home, stdio: "inherit" });
