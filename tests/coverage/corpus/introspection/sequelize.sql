SET client_min_messages TO warning
;
SET TIME ZONE INTERVAL '+00:00' HOUR TO MINUTE
;
WITH ranges AS (  SELECT pg_range.rngtypid, pg_type.typname AS rngtypname,         pg_type.typarray AS rngtyparray, pg_range.rngsubtype    FROM pg_range LEFT OUTER JOIN pg_type ON pg_type.oid = pg_range.rngtypid)SELECT pg_type.typname, pg_type.typtype, pg_type.oid, pg_type.typarray,       ranges.rngtypname, ranges.rngtypid, ranges.rngtyparray  FROM pg_type LEFT OUTER JOIN ranges ON pg_type.oid = ranges.rngsubtype WHERE (pg_type.typtype IN('b', 'e'))
;
SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'Members'
;
SELECT t.typname enum_name, array_agg(e.enumlabel ORDER BY enumsortorder) enum_value FROM pg_type t JOIN pg_enum e ON t.oid = e.enumtypid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'public' AND t.typname='enum_Members_mood' GROUP BY 1
;
DO 'BEGIN CREATE TYPE "public"."enum_Members_mood" AS ENUM(''sad'', ''happy''); EXCEPTION WHEN duplicate_object THEN null; END'
;
CREATE TABLE IF NOT EXISTS "Members" ("id"   SERIAL , "name" VARCHAR(100) NOT NULL, "email" VARCHAR(255) UNIQUE, "mood" "public"."enum_Members_mood", "tags" TEXT[], "settings" JSONB, "born" DATE, "score" INTEGER DEFAULT 0, "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, "deletedAt" TIMESTAMP WITH TIME ZONE, PRIMARY KEY ("id"))
;
SELECT i.relname AS name, ix.indisprimary AS primary, ix.indisunique AS unique, ix.indkey AS indkey, array_agg(a.attnum) as column_indexes, array_agg(a.attname) AS column_names, pg_get_indexdef(ix.indexrelid) AS definition FROM pg_class t, pg_class i, pg_index ix, pg_attribute a WHERE t.oid = ix.indrelid AND i.oid = ix.indexrelid AND a.attrelid = t.oid AND t.relkind = 'r' and t.relname = 'Members' GROUP BY i.relname, ix.indexrelid, ix.indisprimary, ix.indisunique, ix.indkey ORDER BY i.relname
;
CREATE INDEX "members_name" ON "Members" ("name")
;
CREATE INDEX "members_settings" ON "Members" USING gin ("settings")
;
CREATE UNIQUE INDEX "members__born" ON "Members" (lower("name"), "born") WHERE "score" = 1
;
CREATE TABLE IF NOT EXISTS "Loans" ("id"   SERIAL , "title" TEXT, "fee" DECIMAL(10,2), "due" TIMESTAMP WITH TIME ZONE, "key" UUID, "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, "MemberId" INTEGER REFERENCES "Members" ("id") ON DELETE CASCADE ON UPDATE CASCADE, "memberId" INTEGER REFERENCES "Members" ("id") ON DELETE SET NULL ON UPDATE CASCADE, PRIMARY KEY ("id"))
;
CREATE TABLE IF NOT EXISTS "Rooms" ("id"   SERIAL , "label" VARCHAR(255), "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, PRIMARY KEY ("id"))
;
CREATE TABLE IF NOT EXISTS "member_rooms" ("createdAt" TIMESTAMP WITH TIME ZONE NOT NULL, "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL, "MemberId" INTEGER  REFERENCES "Members" ("id") ON DELETE CASCADE ON UPDATE CASCADE, "RoomId" INTEGER  REFERENCES "Rooms" ("id") ON DELETE CASCADE ON UPDATE CASCADE, PRIMARY KEY ("MemberId","RoomId"))
;
SELECT pk.constraint_type as "Constraint",c.column_name as "Field", c.column_default as "Default",c.is_nullable as "Null", (CASE WHEN c.udt_name = 'hstore' THEN c.udt_name ELSE c.data_type END) || (CASE WHEN c.character_maximum_length IS NOT NULL THEN '(' || c.character_maximum_length || ')' ELSE '' END) as "Type", (SELECT array_agg(e.enumlabel) FROM pg_catalog.pg_type t JOIN pg_catalog.pg_enum e ON t.oid=e.enumtypid WHERE t.typname=c.udt_name) AS "special", (SELECT pgd.description FROM pg_catalog.pg_statio_all_tables AS st INNER JOIN pg_catalog.pg_description pgd on (pgd.objoid=st.relid) WHERE c.ordinal_position=pgd.objsubid AND c.table_name=st.relname) AS "Comment" FROM information_schema.columns c LEFT JOIN (SELECT tc.table_schema, tc.table_name, cu.column_name, tc.constraint_type FROM information_schema.TABLE_CONSTRAINTS tc JOIN information_schema.KEY_COLUMN_USAGE  cu ON tc.table_schema=cu.table_schema and tc.table_name=cu.table_name and tc.constraint_name=cu.constraint_name and tc.constraint_type='PRIMARY KEY') pk ON pk.table_schema=c.table_schema AND pk.table_name=c.table_name AND pk.column_name=c.column_name WHERE c.table_name = 'Members' AND c.table_schema = 'public'
;
SELECT DISTINCT tc.constraint_name as constraint_name, tc.constraint_schema as constraint_schema, tc.constraint_catalog as constraint_catalog, tc.table_name as table_name,tc.table_schema as table_schema,tc.table_catalog as table_catalog,tc.initially_deferred as initially_deferred,tc.is_deferrable as is_deferrable,kcu.column_name as column_name,ccu.table_schema  AS referenced_table_schema,ccu.table_catalog  AS referenced_table_catalog,ccu.table_name  AS referenced_table_name,ccu.column_name AS referenced_column_name FROM information_schema.table_constraints AS tc JOIN information_schema.key_column_usage AS kcu ON tc.constraint_name = kcu.constraint_name JOIN information_schema.constraint_column_usage AS ccu ON ccu.constraint_name = tc.constraint_name WHERE constraint_type = 'FOREIGN KEY' AND tc.table_name = 'Members' AND tc.table_catalog = 'introspection_sequelize'
;
ALTER TABLE "Members" ALTER COLUMN "name" SET NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "name" DROP DEFAULT
;
ALTER TABLE "Members" ALTER COLUMN "name" TYPE VARCHAR(100)
;
ALTER TABLE "Members" ALTER COLUMN "email" DROP NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "email" DROP DEFAULT
;
ALTER TABLE "Members"  ADD UNIQUE ("email")
;
ALTER TABLE "Members" ALTER COLUMN "email" TYPE VARCHAR(255)
;
ALTER TABLE "Members" ALTER COLUMN "mood" DROP NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "mood" DROP DEFAULT
;
ALTER TABLE "Members" ALTER COLUMN "mood" TYPE "public"."enum_Members_mood" USING ("mood"::"public"."enum_Members_mood")
;
ALTER TABLE "Members" ALTER COLUMN "tags" DROP NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "tags" DROP DEFAULT
;
ALTER TABLE "Members" ALTER COLUMN "tags" TYPE TEXT[]
;
ALTER TABLE "Members" ALTER COLUMN "settings" DROP NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "settings" DROP DEFAULT
;
ALTER TABLE "Members" ALTER COLUMN "settings" TYPE JSONB
;
ALTER TABLE "Members" ALTER COLUMN "born" DROP NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "born" DROP DEFAULT
;
ALTER TABLE "Members" ALTER COLUMN "born" TYPE DATE
;
ALTER TABLE "Members" ALTER COLUMN "score" DROP NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "score" SET DEFAULT 0
;
ALTER TABLE "Members" ALTER COLUMN "score" TYPE INTEGER
;
ALTER TABLE "Members" ALTER COLUMN "createdAt" SET NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "createdAt" DROP DEFAULT
;
ALTER TABLE "Members" ALTER COLUMN "createdAt" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "Members" ALTER COLUMN "updatedAt" SET NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "updatedAt" DROP DEFAULT
;
ALTER TABLE "Members" ALTER COLUMN "updatedAt" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "Members" ALTER COLUMN "deletedAt" DROP NOT NULL
;
ALTER TABLE "Members" ALTER COLUMN "deletedAt" DROP DEFAULT
;
ALTER TABLE "Members" ALTER COLUMN "deletedAt" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "Loans" ALTER COLUMN "title" DROP NOT NULL
;
ALTER TABLE "Loans" ALTER COLUMN "title" DROP DEFAULT
;
ALTER TABLE "Loans" ALTER COLUMN "title" TYPE TEXT
;
ALTER TABLE "Loans" ALTER COLUMN "fee" DROP NOT NULL
;
ALTER TABLE "Loans" ALTER COLUMN "fee" DROP DEFAULT
;
ALTER TABLE "Loans" ALTER COLUMN "fee" TYPE DECIMAL(10,2)
;
ALTER TABLE "Loans" ALTER COLUMN "due" DROP NOT NULL
;
ALTER TABLE "Loans" ALTER COLUMN "due" DROP DEFAULT
;
ALTER TABLE "Loans" ALTER COLUMN "due" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "Loans" ALTER COLUMN "key" DROP NOT NULL
;
ALTER TABLE "Loans" ALTER COLUMN "key" DROP DEFAULT
;
ALTER TABLE "Loans" ALTER COLUMN "key" TYPE UUID
;
ALTER TABLE "Loans" ALTER COLUMN "createdAt" SET NOT NULL
;
ALTER TABLE "Loans" ALTER COLUMN "createdAt" DROP DEFAULT
;
ALTER TABLE "Loans" ALTER COLUMN "createdAt" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "Loans" ALTER COLUMN "updatedAt" SET NOT NULL
;
ALTER TABLE "Loans" ALTER COLUMN "updatedAt" DROP DEFAULT
;
ALTER TABLE "Loans" ALTER COLUMN "updatedAt" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "Loans" DROP CONSTRAINT "Loans_MemberId_fkey"
;
ALTER TABLE "Loans" DROP CONSTRAINT "Loans_memberId_fkey"
;
ALTER TABLE "Loans"  ADD FOREIGN KEY ("MemberId") REFERENCES "Members" ("id") ON DELETE CASCADE ON UPDATE CASCADE
;
ALTER TABLE "Loans"  ADD FOREIGN KEY ("memberId") REFERENCES "Members" ("id") ON DELETE SET NULL ON UPDATE CASCADE
;
ALTER TABLE "Rooms" ALTER COLUMN "label" DROP NOT NULL
;
ALTER TABLE "Rooms" ALTER COLUMN "label" DROP DEFAULT
;
ALTER TABLE "Rooms" ALTER COLUMN "label" TYPE VARCHAR(255)
;
ALTER TABLE "Rooms" ALTER COLUMN "createdAt" SET NOT NULL
;
ALTER TABLE "Rooms" ALTER COLUMN "createdAt" DROP DEFAULT
;
ALTER TABLE "Rooms" ALTER COLUMN "createdAt" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "Rooms" ALTER COLUMN "updatedAt" SET NOT NULL
;
ALTER TABLE "Rooms" ALTER COLUMN "updatedAt" DROP DEFAULT
;
ALTER TABLE "Rooms" ALTER COLUMN "updatedAt" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "member_rooms" ALTER COLUMN "createdAt" SET NOT NULL
;
ALTER TABLE "member_rooms" ALTER COLUMN "createdAt" DROP DEFAULT
;
ALTER TABLE "member_rooms" ALTER COLUMN "createdAt" TYPE TIMESTAMP WITH TIME ZONE
;
ALTER TABLE "member_rooms" ALTER COLUMN "updatedAt" SET NOT NULL
;
ALTER TABLE "member_rooms" ALTER COLUMN "updatedAt" DROP DEFAULT
;
ALTER TABLE "member_rooms" ALTER COLUMN "updatedAt" TYPE TIMESTAMP WITH TIME ZONE
;
SELECT schema_name FROM information_schema.schemata WHERE schema_name <> 'information_schema' AND schema_name != 'public' AND schema_name !~ E'^pg_'
;
SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type LIKE '%TABLE' AND table_name != 'spatial_ref_sys'
;
SELECT conname as constraint_name, pg_catalog.pg_get_constraintdef(r.oid, true) as condef FROM pg_catalog.pg_constraint r WHERE r.conrelid = (SELECT oid FROM pg_class WHERE relname = 'payments' LIMIT 1) AND r.contype = 'f' ORDER BY 1
;
SELECT constraint_catalog AS "constraintCatalog", constraint_schema AS "constraintSchema", constraint_name AS "constraintName", table_catalog AS "tableCatalog", table_schema AS "tableSchema", table_name AS "tableName", constraint_type AS "constraintType", is_deferrable AS "isDeferrable", initially_deferred AS "initiallyDeferred" from INFORMATION_SCHEMA.table_constraints WHERE table_name='orders'
;
SHOW SERVER_VERSION
;
CREATE TABLE IF NOT EXISTS "made" ("id"  SERIAL , "t" TEXT, PRIMARY KEY ("id"))
;
ALTER TABLE "public"."made" ADD COLUMN "n" BIGINT
;
COMMENT ON COLUMN "made"."n" IS 'how many'
;
ALTER TABLE "made" ALTER COLUMN "t" SET NOT NULL
;
ALTER TABLE "made" ALTER COLUMN "t" SET DEFAULT 'x'
;
ALTER TABLE "made" ALTER COLUMN "t" TYPE VARCHAR(20)
;
ALTER TABLE "made" RENAME COLUMN "t" TO "t2"
;
CREATE INDEX "made_t2" ON "made" ("t2")
;
ALTER TABLE "made" ADD CONSTRAINT "made_n_ck" CHECK ("n" > 0)
;
ALTER TABLE "public"."made" ADD COLUMN "gone" TEXT
;
ALTER TABLE "public"."made" DROP COLUMN "gone"
