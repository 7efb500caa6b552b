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
INSERT INTO "Members" ("id","name","email","mood","tags","settings","score","createdAt","updatedAt") VALUES (DEFAULT,$1,$2,$3,$4,$5,$6,$7,$8) RETURNING "id","name","email","mood","tags","settings","born","score","createdAt","updatedAt","deletedAt"
;
INSERT INTO "Members" ("id","name","email","score","createdAt","updatedAt") VALUES (DEFAULT,'Max','max@club.example',0,'2026-11-22 19:56:14.512 +00:00','2026-11-22 19:56:14.512 +00:00'),(DEFAULT,'Ida','ida@club.example',0,'2026-11-22 19:56:14.512 +00:00','2026-11-22 19:56:14.512 +00:00') RETURNING "id","name","email","mood","tags","settings","born","score","createdAt","updatedAt","deletedAt"
;
INSERT INTO "Members" ("id","name","email","score","createdAt","updatedAt") VALUES (DEFAULT,'Eva','eva@club.example',0,'2026-11-22 19:56:14.517 +00:00','2026-11-22 19:56:14.517 +00:00') ON CONFLICT ("email") DO UPDATE SET "name"=EXCLUDED."name" RETURNING "id","name","email","mood","tags","settings","born","score","createdAt","updatedAt","deletedAt"
;
INSERT INTO "Members" ("id","name","email","score","createdAt","updatedAt") VALUES (DEFAULT,'Eva','eva@club.example',0,'2026-11-22 19:56:14.519 +00:00','2026-11-22 19:56:14.519 +00:00') ON CONFLICT DO NOTHING RETURNING "id","name","email","mood","tags","settings","born","score","createdAt","updatedAt","deletedAt"
;
INSERT INTO "Members" ("name","email","score","createdAt","updatedAt") VALUES ($1,$2,$3,$4,$5) ON CONFLICT ("email") DO UPDATE SET "name"=EXCLUDED."name","email"=EXCLUDED."email","updatedAt"=EXCLUDED."updatedAt" RETURNING "id","name","email","mood","tags","settings","born","score","createdAt","updatedAt","deletedAt"
;
INSERT INTO "Loans" ("id","title","fee","due","key","createdAt","updatedAt","MemberId") VALUES (DEFAULT,$1,$2,$3,$4,$5,$6,$7) RETURNING "id","title","fee","due","key","createdAt","updatedAt","MemberId","memberId"
;
INSERT INTO "Rooms" ("id","label","createdAt","updatedAt") VALUES (DEFAULT,$1,$2,$3) RETURNING "id","label","createdAt","updatedAt"
;
SELECT "createdAt", "updatedAt", "MemberId", "RoomId" FROM "member_rooms" AS "member_rooms" WHERE "member_rooms"."MemberId" = 1 AND "member_rooms"."RoomId" IN (1)
;
INSERT INTO "member_rooms" ("createdAt","updatedAt","MemberId","RoomId") VALUES ('2026-11-22 19:56:14.532 +00:00','2026-11-22 19:56:14.532 +00:00',1,1) RETURNING "createdAt","updatedAt","MemberId","RoomId"
;
SELECT "id", "name", "email", "mood", "tags", "settings", "born", "score", "createdAt", "updatedAt", "deletedAt" FROM "Members" AS "Member" WHERE ("Member"."deletedAt" IS NULL AND (("Member"."mood" = 'happy' OR "Member"."born" IS NULL) AND "Member"."name" LIKE 'E%' AND "Member"."score" >= 0)) ORDER BY "Member"."name" DESC NULLS LAST LIMIT 5 OFFSET 0
;
SELECT "Member".*, "loans"."id" AS "loans.id", "loans"."title" AS "loans.title", "loans"."fee" AS "loans.fee", "loans"."due" AS "loans.due", "loans"."key" AS "loans.key", "loans"."createdAt" AS "loans.createdAt", "loans"."updatedAt" AS "loans.updatedAt", "loans"."MemberId" AS "loans.MemberId", "loans"."memberId" AS "loans.memberId", "Rooms"."id" AS "Rooms.id", "Rooms"."label" AS "Rooms.label", "Rooms"."createdAt" AS "Rooms.createdAt", "Rooms"."updatedAt" AS "Rooms.updatedAt", "Rooms->member_rooms"."createdAt" AS "Rooms.member_rooms.createdAt", "Rooms->member_rooms"."updatedAt" AS "Rooms.member_rooms.updatedAt", "Rooms->member_rooms"."MemberId" AS "Rooms.member_rooms.MemberId", "Rooms->member_rooms"."RoomId" AS "Rooms.member_rooms.RoomId" FROM (SELECT "Member"."id", "Member"."name", "Member"."email", "Member"."mood", "Member"."tags", "Member"."settings", "Member"."born", "Member"."score", "Member"."createdAt", "Member"."updatedAt", "Member"."deletedAt" FROM "Members" AS "Member" WHERE ("Member"."deletedAt" IS NULL) AND ( SELECT "MemberId" FROM "Loans" AS "loans" WHERE ("loans"."fee" BETWEEN 1 AND 5 AND "loans"."MemberId" = "Member"."id") LIMIT 1 ) IS NOT NULL LIMIT 3) AS "Member" INNER JOIN "Loans" AS "loans" ON "Member"."id" = "loans"."MemberId" AND "loans"."fee" BETWEEN 1 AND 5 LEFT OUTER JOIN ( "member_rooms" AS "Rooms->member_rooms" INNER JOIN "Rooms" AS "Rooms" ON "Rooms"."id" = "Rooms->member_rooms"."RoomId") ON "Member"."id" = "Rooms->member_rooms"."MemberId"
;
SELECT "Member"."id", "Member"."name", "Member"."email", "Member"."mood", "Member"."tags", "Member"."settings", "Member"."born", "Member"."score", "Member"."createdAt", "Member"."updatedAt", "Member"."deletedAt" FROM "Members" AS "Member" WHERE ("Member"."deletedAt" IS NULL)
;
SELECT "Loan".* FROM (SELECT * FROM (SELECT "id", "title", "fee", "due", "key", "createdAt", "updatedAt", "MemberId", "memberId" FROM "Loans" AS "Loan" WHERE "Loan"."MemberId" = 2 ORDER BY "Loan"."id" DESC LIMIT 1) AS sub UNION ALL SELECT * FROM (SELECT "id", "title", "fee", "due", "key", "createdAt", "updatedAt", "MemberId", "memberId" FROM "Loans" AS "Loan" WHERE "Loan"."MemberId" = 3 ORDER BY "Loan"."id" DESC LIMIT 1) AS sub UNION ALL SELECT * FROM (SELECT "id", "title", "fee", "due", "key", "createdAt", "updatedAt", "MemberId", "memberId" FROM "Loans" AS "Loan" WHERE "Loan"."MemberId" = 1 ORDER BY "Loan"."id" DESC LIMIT 1) AS sub) AS "Loan"
;
SELECT count(DISTINCT("Member"."id")) AS "count" FROM "Members" AS "Member" LEFT OUTER JOIN ( "member_rooms" AS "Rooms->member_rooms" INNER JOIN "Rooms" AS "Rooms" ON "Rooms"."id" = "Rooms->member_rooms"."RoomId") ON "Member"."id" = "Rooms->member_rooms"."MemberId" WHERE ("Member"."deletedAt" IS NULL AND ("Member"."tags" @> ARRAY['a']::TEXT[] AND CAST(("Member"."settings"#>>'{a,b}') AS DOUBLE PRECISION) = 1))
;
SELECT "Member"."id", "Member"."name", "Member"."email", "Member"."mood", "Member"."tags", "Member"."settings", "Member"."born", "Member"."score", "Member"."createdAt", "Member"."updatedAt", "Member"."deletedAt", "Rooms"."id" AS "Rooms.id", "Rooms"."label" AS "Rooms.label", "Rooms"."createdAt" AS "Rooms.createdAt", "Rooms"."updatedAt" AS "Rooms.updatedAt", "Rooms->member_rooms"."createdAt" AS "Rooms.member_rooms.createdAt", "Rooms->member_rooms"."updatedAt" AS "Rooms.member_rooms.updatedAt", "Rooms->member_rooms"."MemberId" AS "Rooms.member_rooms.MemberId", "Rooms->member_rooms"."RoomId" AS "Rooms.member_rooms.RoomId" FROM "Members" AS "Member" LEFT OUTER JOIN ( "member_rooms" AS "Rooms->member_rooms" INNER JOIN "Rooms" AS "Rooms" ON "Rooms"."id" = "Rooms->member_rooms"."RoomId") ON "Member"."id" = "Rooms->member_rooms"."MemberId" WHERE ("Member"."deletedAt" IS NULL AND ("Member"."tags" @> ARRAY['a']::TEXT[] AND CAST(("Member"."settings"#>>'{a,b}') AS DOUBLE PRECISION) = 1))
;
SELECT "id", "name", "email", "mood", "tags", "settings", "born", "score", "createdAt", "updatedAt", "deletedAt" FROM "Members" AS "Member" WHERE ("Member"."deletedAt" IS NULL AND (CAST(("Member"."settings"#>>'{a,b}') AS DOUBLE PRECISION) > 0 AND "Member"."tags" && ARRAY['b']::TEXT[] AND "Member"."email" ~* '^e'))
;
SELECT "mood", COUNT("id") AS "n", CAST(AVG("score") AS INTEGER) AS "avg" FROM "Members" AS "Member" WHERE ("Member"."deletedAt" IS NULL) GROUP BY "mood" HAVING COUNT("id") > 0
;
SELECT "id", "name", "email", "mood", "tags", "settings", "born", "score", "createdAt", "updatedAt", "deletedAt", (SELECT COUNT(*) FROM "Loans" AS l WHERE l."MemberId" = "Member".id) AS "loans" FROM "Members" AS "Member" WHERE ("Member"."deletedAt" IS NULL AND lower("name") = 'eva')
;
SELECT "id", "name", "email", "mood", "tags", "settings", "born", "score", "createdAt", "updatedAt", "deletedAt" FROM "Members" AS "Member" WHERE ("Member"."deletedAt" IS NULL AND ("Member"."id" IN (1, 2) AND "Member"."id" != 7))
;
SELECT sum("fee") AS "sum" FROM "Loans" AS "Loan"
;
SELECT max("due") AS "max" FROM "Loans" AS "Loan"
;
START TRANSACTION
;
SELECT "id", "name", "email", "mood", "tags", "settings", "born", "score", "createdAt", "updatedAt", "deletedAt" FROM "Members" AS "Member" WHERE ("Member"."deletedAt" IS NULL AND "Member"."email" = 'new@club.example')
;
CREATE OR REPLACE FUNCTION pg_temp.testfunc(OUT response "Members", OUT sequelize_caught_exception text) RETURNS RECORD AS $func_7c28332fd9964e1fa015f54afade7960$ BEGIN INSERT INTO "Members" ("id","name","email","score","createdAt","updatedAt") VALUES (DEFAULT,'New','new@club.example',0,'2026-11-22 19:56:14.575 +00:00','2026-11-22 19:56:14.575 +00:00') RETURNING * INTO response; EXCEPTION WHEN unique_violation THEN GET STACKED DIAGNOSTICS sequelize_caught_exception = PG_EXCEPTION_DETAIL; END $func_7c28332fd9964e1fa015f54afade7960$ LANGUAGE plpgsql; SELECT (testfunc.response)."id", (testfunc.response)."name", (testfunc.response)."email", (testfunc.response)."mood", (testfunc.response)."tags", (testfunc.response)."settings", (testfunc.response)."born", (testfunc.response)."score", (testfunc.response)."createdAt", (testfunc.response)."updatedAt", (testfunc.response)."deletedAt", testfunc.sequelize_caught_exception FROM pg_temp.testfunc(); DROP FUNCTION IF EXISTS pg_temp.testfunc();
;
COMMIT
;
UPDATE "Members" SET "score"="score"+ 2,"updatedAt"='2026-11-22 19:56:14.579 +00:00' WHERE "id" = 1 RETURNING *
;
UPDATE "Members" SET "name"=$1,"settings"=$2,"updatedAt"=$3 WHERE "id" = $4
;
SELECT "Member"."id", "Member"."name", "Member"."email", "Member"."mood", "Member"."tags", "Member"."settings", "Member"."born", "Member"."score", "Member"."createdAt", "Member"."updatedAt", "Member"."deletedAt", "loans"."id" AS "loans.id", "loans"."title" AS "loans.title", "loans"."fee" AS "loans.fee", "loans"."due" AS "loans.due", "loans"."key" AS "loans.key", "loans"."createdAt" AS "loans.createdAt", "loans"."updatedAt" AS "loans.updatedAt", "loans"."MemberId" AS "loans.MemberId", "loans"."memberId" AS "loans.memberId" FROM "Members" AS "Member" LEFT OUTER JOIN "Loans" AS "loans" ON "Member"."id" = "loans"."MemberId" WHERE ("Member"."deletedAt" IS NULL AND "Member"."id" = 1)
;
UPDATE "Members" SET "score"=score + 1,"updatedAt"=$1 WHERE ("deletedAt" IS NULL AND "mood" = $2) RETURNING "id","name","email","mood","tags","settings","born","score","createdAt","updatedAt","deletedAt"
;
SELECT COUNT("Loan"."id") AS "count" FROM "Loans" AS "Loan" WHERE "Loan"."MemberId" = 1
;
SELECT "Room"."id", "Room"."label", "Room"."createdAt", "Room"."updatedAt" FROM "Rooms" AS "Room" INNER JOIN "member_rooms" AS "member_rooms" ON "Room"."id" = "member_rooms"."RoomId" AND "member_rooms"."MemberId" = 1
;
SELECT "createdAt", "updatedAt", "MemberId", "RoomId" FROM "member_rooms" AS "member_rooms" WHERE "member_rooms"."MemberId" = 1
;
DELETE FROM "member_rooms" WHERE "MemberId" = 1 AND "RoomId" IN (1)
;
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ
;
SELECT "id", "title", "fee", "due", "key", "createdAt", "updatedAt", "MemberId", "memberId" FROM "Loans" AS "Loan" FOR UPDATE SKIP LOCKED
;
SELECT "id", "title", "fee", "due", "key", "createdAt", "updatedAt", "MemberId", "memberId" FROM "Loans" AS "Loan" LIMIT 1 FOR KEY SHARE OF "Loan"
;
SAVEPOINT "033560e7-de59-48c9-a12f-17040c588bc6-sp-1"
;
SELECT * FROM "Members" WHERE id = $1 OR name = $2
;
DELETE FROM "Loans" WHERE "id" = 1
;
UPDATE "Members" SET "deletedAt"=$1,"updatedAt"=$2 WHERE "id" = $3
;
SELECT "id", "name", "email", "mood", "tags", "settings", "born", "score", "createdAt", "updatedAt", "deletedAt" FROM "Members" AS "Member"
;
TRUNCATE "Rooms" RESTART IDENTITY CASCADE
