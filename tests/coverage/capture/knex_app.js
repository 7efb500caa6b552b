// A small warehouse on knex: its schema builder, and what its query builder sends in everyday use.
const { PGHOST: host, PGPORT: port, PGUSER: user, PGDATABASE: database } = process.env;
const knex = require("knex")({ client: "pg", connection: { host, port, user, password: "unused", database } });

(async () => {
  await knex.schema.createTable("bins", (t) => { t.increments(); t.string("label", 40).notNullable().unique(); t.jsonb("info"); t.specificType("tags", "text[]"); t.timestamps(true, true); t.enu("size", ["s", "l"], { useNative: true, enumName: "bin_size" }); });
  await knex.schema.createTable("parts", (t) => { t.uuid("id").primary().defaultTo(knex.fn.uuid()); t.integer("bin_id").references("bins.id").onDelete("SET NULL"); t.decimal("price", 10, 2); t.text("name").comment("what it is"); t.check("?? >= 0", ["price"]); t.index(["name"]); });
  await knex.schema.alterTable("parts", (t) => { t.string("code").nullable(); t.dropIndex(["name"]); t.renameColumn("code", "sku"); });
  await knex.schema.alterTable("parts", (t) => { t.string("sku", 30).notNullable().defaultTo("none").alter(); t.unique(["sku", "id"]); });
  await knex.schema.hasTable("parts");
  await knex.schema.hasColumn("parts", "name");
  await knex("parts").columnInfo();
  await knex.schema.createView("dear_parts", (v) => { v.columns(["id", "name"]); v.as(knex("parts").select("id", "name").where("price", ">", 100)); });
  const [bin] = await knex("bins").insert([{ label: "a", tags: ["x"], info: { k: 1 } }, { label: "b" }]).returning("*");
  await knex("bins").insert({ label: "a" }).onConflict("label").ignore();
  await knex("bins").insert({ label: "a" }).onConflict("label").merge({ updated_at: knex.fn.now() }).where("bins.id", "<", 10);
  await knex("bins").insert({ label: "a" }).onConflict(knex.raw("(label) where label is not null")).ignore().catch(() => {});
  await knex.batchInsert("parts", Array.from({ length: 7 }, (_, n) => ({ bin_id: bin.id, price: n, name: `p${n}` })), 3);
  await knex("parts").select("name", "price").where({ bin_id: 1 }).andWhere("price", ">", 1).orWhereIn("name", ["p1", "p2"]).whereNotNull("bin_id").orderBy("price", "desc", "last").limit(2).offset(1);
  await knex("parts as p").leftJoin("bins as b", "b.id", "p.bin_id").select("b.label").count("* as n").sum({ total: "p.price" }).groupBy("b.label").havingRaw("count(*) > ?", [0]);
  await knex("parts").where((q) => q.whereILike("name", "P%").orWhereBetween("price", [1, 3])).whereExists(knex("bins").whereRaw("bins.id = parts.bin_id"));
  await knex("bins").whereJsonPath("info", "$.k", "=", 1);
  await knex("bins").whereJsonSupersetOf("info", { k: 1 }).jsonExtract("info", "$.k", "k");
  await knex("parts").distinctOn("bin_id").orderBy("bin_id");
  await knex("parts").select(knex.raw("rank() over (partition by bin_id order by price) as r")).rank("r2", "price", "bin_id");
  await knex.with("dear", knex("parts").where("price", ">", 2)).select("*").from("dear").unionAll([knex("parts").where("price", "<", 1)]);
  await knex.withRecursive("tree", ["i"], knex.raw("select 1 union all select i + 1 from tree where i < 3")).from("tree").select();
  await knex("parts").update({ price: knex.raw("?? * 2", ["price"]) }).where("name", "p1").returning(["id", "price"]);
  await knex("parts").increment("price", 2).decrement("bin_id", 0);
  await knex("parts").updateFrom("bins").update({ name: knex.ref("bins.label") }).where(knex.raw("bins.id = parts.bin_id")).catch(() => {});
  await knex("bins").jsonSet("info", "$.z", "1", "info").select("id");
  await knex.transaction(async (t) => { await t("parts").forUpdate().skipLocked().first(); await t("parts").forShare().noWait(); await t.transaction((s) => s("bins").first()); }, { isolationLevel: "repeatable read" });
  await knex("parts").where("name", "p2").del().returning("id");
  await knex("parts").truncate();
  await knex.destroy();
})();
