// A small club on Drizzle: what its query builder and its relational queries send in everyday use.
const { drizzle } = require("drizzle-orm/node-postgres");
const pg = require("drizzle-orm/pg-core");
const { sql, eq, and, or, not, inArray, like, ilike, between, isNull, gt, desc, asc, exists, count, sum, avg, relations, arrayContains } = require("drizzle-orm");
const { Pool } = require("pg");

const clubs = pg.pgTable("clubs", { id: pg.serial("id").primaryKey(), name: pg.text("name").notNull().unique(), open: pg.boolean("open").default(true), tags: pg.text("tags").array(), info: pg.jsonb("info"), since: pg.timestamp("since", { withTimezone: true }).defaultNow() });
const players = pg.pgTable("players", { id: pg.uuid("id").defaultRandom().primaryKey(), clubId: pg.integer("club_id").references(() => clubs.id), name: pg.varchar("name", { length: 50 }), rating: pg.numeric("rating") });
const clubRelations = relations(clubs, ({ many }) => ({ players: many(players) }));
const playerRelations = relations(players, ({ one }) => ({ club: one(clubs, { fields: [players.clubId], references: [clubs.id] }) }));

(async () => {
  const pool = new Pool();
  const db = drizzle(pool, { schema: { clubs, players, clubRelations, playerRelations } });
  await db.execute(sql`CREATE TABLE clubs (id serial PRIMARY KEY, name text NOT NULL UNIQUE, open boolean DEFAULT true, tags text[], info jsonb, since timestamptz DEFAULT now())`);
  await db.execute(sql`CREATE TABLE players (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), club_id integer REFERENCES clubs, name varchar(50), rating numeric)`);
  const [club] = await db.insert(clubs).values([{ name: "A", tags: ["x"], info: { a: 1 } }, { name: "B" }]).returning();
  await db.insert(players).values({ clubId: club.id, name: "P", rating: "1.5" });
  await db.insert(clubs).values({ name: "A" }).onConflictDoNothing();
  await db.insert(clubs).values({ name: "A" }).onConflictDoNothing({ target: clubs.name });
  await db.insert(clubs).values({ name: "A" }).onConflictDoUpdate({ target: clubs.name, set: { open: sql`excluded.open` }, setWhere: sql`clubs.open` });
  await db.insert(players).select(db.select({ id: sql`gen_random_uuid()`.as("id"), clubId: clubs.id, name: clubs.name, rating: sql`1`.as("rating") }).from(clubs));
  await db.select().from(clubs).where(and(eq(clubs.open, true), or(like(clubs.name, "A%"), ilike(clubs.name, "b"), isNull(clubs.tags)), not(inArray(clubs.id, [7, 8])), between(clubs.id, 1, 9))).orderBy(desc(clubs.name), asc(clubs.id)).limit(3).offset(0);
  await db.select({ name: clubs.name, n: count(players.id), total: sum(players.rating), mean: avg(players.rating) }).from(clubs).leftJoin(players, eq(players.clubId, clubs.id)).groupBy(clubs.name).having(gt(count(players.id), 0));
  await db.selectDistinctOn([players.clubId]).from(players).orderBy(players.clubId);
  await db.select().from(clubs).where(exists(db.select().from(players).where(eq(players.clubId, clubs.id))));
  await db.select().from(clubs).where(arrayContains(clubs.tags, ["x"]));
  const rated = db.$with("rated").as(db.select({ clubId: players.clubId, best: sql`max(${players.rating})`.as("best") }).from(players).groupBy(players.clubId));
  await db.with(rated).select().from(clubs).innerJoin(rated, eq(rated.clubId, clubs.id));
  const sub = db.select().from(players).as("sub");
  await db.select().from(sub).rightJoin(clubs, eq(sub.clubId, clubs.id));
  await db.select({ a: sql`${clubs.info}->>'a'`, b: sql`jsonb_path_query_first(${clubs.info}, '$.a')`, c: sql`row_number() over (order by ${clubs.id})` }).from(clubs);
  await db.query.clubs.findMany({ with: { players: { limit: 2, orderBy: (p, { desc }) => [desc(p.rating)] } }, where: (c, { eq }) => eq(c.open, true), columns: { name: true } });
  await db.query.players.findFirst({ with: { club: true } });
  await pg.union(db.select({ n: clubs.name }).from(clubs), db.select({ n: players.name }).from(players)).orderBy(sql`1`);
  await db.update(clubs).set({ open: false, tags: sql`array_append(${clubs.tags}, 'y')` }).where(eq(clubs.id, 1)).returning({ id: clubs.id });
  await db.update(players).set({ name: clubs.name }).from(clubs).where(eq(players.clubId, clubs.id));
  await db.delete(players).where(eq(players.name, "nobody")).returning();
  await db.transaction(async (tx) => {
    await tx.select().from(clubs).for("update", { skipLocked: true });
    await tx.select().from(clubs).for("no key update", { of: clubs });
    await tx.transaction(async (inner) => inner.execute(sql`select 1`));
  }, { isolationLevel: "serializable", accessMode: "read write", deferrable: true });
  await db.$count(clubs, eq(clubs.open, true));
  await pool.end();
})();
