SELECT version()
;
SELECT * FROM current_schema()
;
START TRANSACTION
;
SELECT * FROM current_database()
;
SELECT "table_schema", "table_name", obj_description((quote_ident("table_schema") || '.' || quote_ident("table_name"))::regclass, 'pg_class') AS table_comment FROM "information_schema"."tables" WHERE ("table_schema" = 'public' AND "table_name" = 'authors') OR ("table_schema" = 'public' AND "table_name" = 'books') OR ("table_schema" = 'public' AND "table_name" = 'shelves') OR ("table_schema" = 'public' AND "table_name" = 'book_shelves')
;
SELECT * FROM "information_schema"."tables" WHERE "table_schema" = $1 AND "table_name" = $2
;
SELECT "n"."nspname", "t"."typname" FROM "pg_type" "t" INNER JOIN "pg_namespace" "n" ON "n"."oid" = "t"."typnamespace" WHERE "n"."nspname" = 'public' AND "t"."typname" = 'authors_mood_enum'
;
CREATE TYPE "public"."authors_mood_enum" AS ENUM('sad', 'happy')
;
CREATE TABLE "authors" ("id" SERIAL NOT NULL, "name" character varying(100) NOT NULL, "email" character varying NOT NULL, "mood" "public"."authors_mood_enum" NOT NULL DEFAULT 'happy', "settings" jsonb NOT NULL DEFAULT '{}', "tags" text array NOT NULL DEFAULT '{}', "createdAt" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(), "updatedAt" TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(), "deletedAt" TIMESTAMP WITH TIME ZONE, "version" integer NOT NULL, "bossId" integer, CONSTRAINT "UQ_ea066641108f693660071dfa790" UNIQUE ("email"), CONSTRAINT "PK_d2ed02fabd9b52847ccb85e6b88" PRIMARY KEY ("id"))
;
CREATE INDEX "authors_by_name" ON "authors"  ("name")
;
CREATE TABLE "books" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "title" character varying NOT NULL, "price" numeric(10,2) NOT NULL, "sold" integer NOT NULL DEFAULT '0', "authorId" integer, CONSTRAINT "CHK_e70a3e1addba59c695f1f486de" CHECK ("price" >= 0), CONSTRAINT "PK_f3f2f25a099d24e12545b70b022" PRIMARY KEY ("id"))
;
CREATE TABLE "shelves" ("id" SERIAL NOT NULL, "label" character varying NOT NULL, CONSTRAINT "UQ_329a0faa4cf6ebf96b30555c7ad" UNIQUE ("label"), CONSTRAINT "PK_108bc01962c9c1c8726cef8fdd3" PRIMARY KEY ("id"))
;
CREATE TABLE "book_shelves" ("booksId" uuid NOT NULL, "shelvesId" integer NOT NULL, CONSTRAINT "PK_e93fab9010321ca62a771eac079" PRIMARY KEY ("booksId", "shelvesId"))
;
CREATE INDEX "IDX_30c44885f6b0e45460faf078ef" ON "book_shelves"  ("booksId")
;
CREATE INDEX "IDX_70048684bda63b2bcac34b48c2" ON "book_shelves"  ("shelvesId")
;
ALTER TABLE "authors" ADD CONSTRAINT "FK_d35f38c72b4691a8a288ea272eb" FOREIGN KEY ("bossId") REFERENCES "authors"("id") ON DELETE NO ACTION ON UPDATE NO ACTION
;
ALTER TABLE "books" ADD CONSTRAINT "FK_54f49efe2dd4d2850e736e9ab86" FOREIGN KEY ("authorId") REFERENCES "authors"("id") ON DELETE CASCADE ON UPDATE NO ACTION
;
ALTER TABLE "book_shelves" ADD CONSTRAINT "FK_30c44885f6b0e45460faf078ef5" FOREIGN KEY ("booksId") REFERENCES "books"("id") ON DELETE CASCADE ON UPDATE CASCADE
;
ALTER TABLE "book_shelves" ADD CONSTRAINT "FK_70048684bda63b2bcac34b48c27" FOREIGN KEY ("shelvesId") REFERENCES "shelves"("id") ON DELETE CASCADE ON UPDATE CASCADE
;
COMMIT
;
INSERT INTO "authors"("name", "email", "mood", "settings", "tags", "createdAt", "updatedAt", "deletedAt", "version", "bossId") VALUES ($1, $2, DEFAULT, $3, $4, DEFAULT, DEFAULT, DEFAULT, 1, DEFAULT) RETURNING "id", "mood", "settings", "tags", "createdAt", "updatedAt", "deletedAt", "version"
;
INSERT INTO "books"("id", "title", "price", "sold", "authorId") VALUES (DEFAULT, $1, $2, DEFAULT, $3) RETURNING "id", "sold"
;
INSERT INTO "shelves"("label") VALUES ($1), ($2) RETURNING "id"
;
INSERT INTO "book_shelves"("booksId", "shelvesId") VALUES ($1, $2), ($3, $4)
;
SELECT "Book"."id" AS "Book_id", "Book"."title" AS "Book_title", "Book"."price" AS "Book_price", "Book"."sold" AS "Book_sold", "Book"."authorId" AS "Book_authorId" FROM "books" "Book" WHERE "Book"."id" = $1
;
SELECT "Book_shelves_rid"."shelvesId" AS "shelvesId", "Book_shelves_rid"."booksId" AS "booksId" FROM "shelves" "shelves" INNER JOIN "book_shelves" "Book_shelves_rid" ON ("Book_shelves_rid"."booksId" = $1 AND "Book_shelves_rid"."shelvesId" = "shelves"."id") ORDER BY "Book_shelves_rid"."shelvesId" ASC, "Book_shelves_rid"."booksId" ASC
;
SELECT "Shelf"."id" AS "Shelf_id", "Shelf"."label" AS "Shelf_label" FROM "shelves" "Shelf" WHERE "Shelf"."id" IN ($1, $2)
;
UPDATE "books" SET "title" = $1, "price" = $2 WHERE "id" = $3
;
SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name", "Author"."email" AS "Author_email", "Author"."mood" AS "Author_mood", "Author"."settings" AS "Author_settings", "Author"."tags" AS "Author_tags", "Author"."createdAt" AS "Author_createdAt", "Author"."updatedAt" AS "Author_updatedAt", "Author"."deletedAt" AS "Author_deletedAt", "Author"."version" AS "Author_version", "Author"."bossId" AS "Author_bossId", "Author__Author_books"."id" AS "Author__Author_books_id", "Author__Author_books"."title" AS "Author__Author_books_title", "Author__Author_books"."price" AS "Author__Author_books_price", "Author__Author_books"."sold" AS "Author__Author_books_sold", "Author__Author_books"."authorId" AS "Author__Author_books_authorId", "Author__Author_books__Author__Author_books_shelves"."id" AS "Author__Author_books__Author__Author_books_shelves_id", "Author__Author_books__Author__Author_books_shelves"."label" AS "Author__Author_books__Author__Author_books_shelves_label", "Author__Author_boss"."id" AS "Author__Author_boss_id", "Author__Author_boss"."name" AS "Author__Author_boss_name", "Author__Author_boss"."email" AS "Author__Author_boss_email", "Author__Author_boss"."mood" AS "Author__Author_boss_mood", "Author__Author_boss"."settings" AS "Author__Author_boss_settings", "Author__Author_boss"."tags" AS "Author__Author_boss_tags", "Author__Author_boss"."createdAt" AS "Author__Author_boss_createdAt", "Author__Author_boss"."updatedAt" AS "Author__Author_boss_updatedAt", "Author__Author_boss"."deletedAt" AS "Author__Author_boss_deletedAt", "Author__Author_boss"."version" AS "Author__Author_boss_version", "Author__Author_boss"."bossId" AS "Author__Author_boss_bossId" FROM "authors" "Author" LEFT JOIN "books" "Author__Author_books" ON "Author__Author_books"."authorId"="Author"."id" LEFT JOIN "book_shelves" "d581eb32729c801db3049e09c568b8472c19b572" ON "d581eb32729c801db3049e09c568b8472c19b572"."booksId"="Author__Author_books"."id" LEFT JOIN "shelves" "Author__Author_books__Author__Author_books_shelves" ON "Author__Author_books__Author__Author_books_shelves"."id"="d581eb32729c801db3049e09c568b8472c19b572"."shelvesId"  LEFT JOIN "authors" "Author__Author_boss" ON "Author__Author_boss"."id"="Author"."bossId" AND ("Author__Author_boss"."deletedAt" IS NULL) WHERE ( (("Author"."name" LIKE $1) AND (NOT("Author"."email" IS NULL))) ) AND ( "Author"."deletedAt" IS NULL ) ORDER BY "Author"."name" DESC
;
SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name" FROM "authors" "Author" WHERE ( (((("Author"."id" IN ($1, $2)))) OR ((("Author"."mood" = $3)))) ) AND ( "Author"."deletedAt" IS NULL ) LIMIT 2 OFFSET 1
;
SELECT DISTINCT "distinctAlias"."Author_id" AS "ids_Author_id" FROM (SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name", "Author"."email" AS "Author_email", "Author"."mood" AS "Author_mood", "Author"."settings" AS "Author_settings", "Author"."tags" AS "Author_tags", "Author"."createdAt" AS "Author_createdAt", "Author"."updatedAt" AS "Author_updatedAt", "Author"."deletedAt" AS "Author_deletedAt", "Author"."version" AS "Author_version", "Author"."bossId" AS "Author_bossId", "Author__Author_books"."id" AS "Author__Author_books_id", "Author__Author_books"."title" AS "Author__Author_books_title", "Author__Author_books"."price" AS "Author__Author_books_price", "Author__Author_books"."sold" AS "Author__Author_books_sold", "Author__Author_books"."authorId" AS "Author__Author_books_authorId" FROM "authors" "Author" LEFT JOIN "books" "Author__Author_books" ON "Author__Author_books"."authorId"="Author"."id" WHERE "Author"."deletedAt" IS NULL) "distinctAlias" ORDER BY "Author_id" ASC LIMIT 2
;
SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name", "Author"."email" AS "Author_email", "Author"."mood" AS "Author_mood", "Author"."settings" AS "Author_settings", "Author"."tags" AS "Author_tags", "Author"."createdAt" AS "Author_createdAt", "Author"."updatedAt" AS "Author_updatedAt", "Author"."deletedAt" AS "Author_deletedAt", "Author"."version" AS "Author_version", "Author"."bossId" AS "Author_bossId", "Author__Author_books"."id" AS "Author__Author_books_id", "Author__Author_books"."title" AS "Author__Author_books_title", "Author__Author_books"."price" AS "Author__Author_books_price", "Author__Author_books"."sold" AS "Author__Author_books_sold", "Author__Author_books"."authorId" AS "Author__Author_books_authorId" FROM "authors" "Author" LEFT JOIN "books" "Author__Author_books" ON "Author__Author_books"."authorId"="Author"."id" WHERE ( "Author"."deletedAt" IS NULL ) AND ( "Author"."id" IN (1, 2) )
;
SELECT COUNT(DISTINCT("Author"."id")) AS "cnt" FROM "authors" "Author" LEFT JOIN "books" "Author__Author_books" ON "Author__Author_books"."authorId"="Author"."id" WHERE "Author"."deletedAt" IS NULL
;
SELECT "Book"."id" AS "Book_id", "Book"."title" AS "Book_title", "Book"."price" AS "Book_price", "Book"."sold" AS "Book_sold", "Book"."authorId" AS "Book_authorId" FROM "books" "Book" LEFT JOIN "authors" "Book__Book_author" ON "Book__Book_author"."id"="Book"."authorId" AND ("Book__Book_author"."deletedAt" IS NULL) WHERE (("Book"."price" BETWEEN $1 AND $2) AND ((("Book__Book_author"."name" ILIKE $3))))
;
SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name", "Author"."email" AS "Author_email", "Author"."mood" AS "Author_mood", "Author"."settings" AS "Author_settings", "Author"."tags" AS "Author_tags", "Author"."createdAt" AS "Author_createdAt", "Author"."updatedAt" AS "Author_updatedAt", "Author"."deletedAt" AS "Author_deletedAt", "Author"."version" AS "Author_version", "Author"."bossId" AS "Author_bossId" FROM "authors" "Author" INNER JOIN "books" "Book" ON "Book"."authorId" = "Author"."id" WHERE ( "Book"."id" IN ($1, $2, $3) ) AND ( "Author"."deletedAt" IS NULL )
;
SELECT "Book"."id" AS "Book_id", "Book"."authorId" AS "Author_author_id" FROM "books" "Book" WHERE "Book"."id" IN ($1, $2, $3)
;
SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name", "Author"."email" AS "Author_email", "Author"."mood" AS "Author_mood", "Author"."settings" AS "Author_settings", "Author"."tags" AS "Author_tags", "Author"."createdAt" AS "Author_createdAt", "Author"."updatedAt" AS "Author_updatedAt", "Author"."deletedAt" AS "Author_deletedAt", "Author"."version" AS "Author_version", "Author"."bossId" AS "Author_bossId" FROM "authors" "Author" WHERE ( (("Author"."tags" @> $1) AND ("Author"."settings" ::jsonb @> $2)) ) AND ( "Author"."deletedAt" IS NULL )
;
SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name", "Author"."email" AS "Author_email", "Author"."mood" AS "Author_mood", "Author"."settings" AS "Author_settings", "Author"."tags" AS "Author_tags", "Author"."createdAt" AS "Author_createdAt", "Author"."updatedAt" AS "Author_updatedAt", "Author"."deletedAt" AS "Author_deletedAt", "Author"."version" AS "Author_version", "Author"."bossId" AS "Author_bossId" FROM "authors" "Author" WHERE ( (("Author"."createdAt" > now() - interval '1 day')) ) AND ( "Author"."deletedAt" IS NULL ) LIMIT 1
;
SELECT 1 AS "row_exists" FROM (SELECT 1 AS dummy_column) "dummy_table" WHERE EXISTS (SELECT 1 FROM "authors" "Author" WHERE ( (("Author"."id" = $1)) ) AND ( "Author"."deletedAt" IS NULL )) LIMIT 1
;
SELECT SUM("Book"."price") AS "SUM" FROM "books" "Book" WHERE (("Book"."sold" = $1))
;
SELECT COUNT(1) AS "cnt" FROM "books" "Book" WHERE (("Book"."sold" > $1))
;
UPDATE "books" SET "sold" = "sold" + 3 WHERE "id" = $1
;
UPDATE "books" SET "price" = "price" * 1.1 WHERE "title" = $1
;
INSERT INTO "authors"("name", "email", "mood", "settings", "tags", "createdAt", "updatedAt", "deletedAt", "version", "bossId") VALUES ($1, $2, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, 1, DEFAULT) ON CONFLICT ( "email" ) DO UPDATE SET "email" = EXCLUDED."email", "name" = EXCLUDED."name", "updatedAt" = DEFAULT RETURNING "id", "mood", "settings", "tags", "createdAt", "updatedAt", "deletedAt", "version"
;
INSERT INTO "authors"("name", "email", "mood", "settings", "tags", "createdAt", "updatedAt", "deletedAt", "version", "bossId") VALUES ($1, $2, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, DEFAULT, 1, DEFAULT) ON CONFLICT ( "email" ) DO UPDATE SET "email" = EXCLUDED."email", "name" = EXCLUDED."name", "updatedAt" = DEFAULT WHERE ("authors"."email" IS DISTINCT FROM EXCLUDED."email" OR "authors"."name" IS DISTINCT FROM EXCLUDED."name") RETURNING "id", "mood", "settings", "tags", "createdAt", "updatedAt", "deletedAt", "version"
;
UPDATE "authors" SET "deletedAt" = CURRENT_TIMESTAMP, "version" = "version" + 1, "updatedAt" = CURRENT_TIMESTAMP WHERE "name" = $1 AND "deletedAt" IS NULL
;
UPDATE "authors" SET "deletedAt" = NULL, "version" = "version" + 1, "updatedAt" = CURRENT_TIMESTAMP WHERE "name" = $1 AND "deletedAt" IS NOT NULL
;
SELECT "Author"."id" AS "Author_id", "Author"."name" AS "Author_name", "Author"."email" AS "Author_email", "Author"."mood" AS "Author_mood", "Author"."settings" AS "Author_settings", "Author"."tags" AS "Author_tags", "Author"."createdAt" AS "Author_createdAt", "Author"."updatedAt" AS "Author_updatedAt", "Author"."deletedAt" AS "Author_deletedAt", "Author"."version" AS "Author_version", "Author"."bossId" AS "Author_bossId" FROM "authors" "Author" WHERE (("Author"."deletedAt" IS NULL))
;
SELECT "b"."id" AS "b_id", "b"."title" AS "b_title", "b"."price" AS "b_price", "b"."sold" AS "b_sold", "b"."authorId" AS "b_authorId", "a"."id" AS "a_id", "a"."name" AS "a_name", "a"."email" AS "a_email", "a"."mood" AS "a_mood", "a"."settings" AS "a_settings", "a"."tags" AS "a_tags", "a"."createdAt" AS "a_createdAt", "a"."updatedAt" AS "a_updatedAt", "a"."deletedAt" AS "a_deletedAt", "a"."version" AS "a_version", "a"."bossId" AS "a_bossId" FROM "books" "b" LEFT JOIN "authors" "a" ON "a"."id"="b"."authorId" AND ("a"."deletedAt" IS NULL) WHERE "a"."name" = $1 ORDER BY "b"."price" ASC NULLS LAST
;
SELECT "a"."name" AS "name", COUNT(*) AS "n", SUM("b"."price") AS "total" FROM "books" "b" INNER JOIN "authors" "a" ON "a"."id"="b"."authorId" AND ("a"."deletedAt" IS NULL) GROUP BY "a"."name" HAVING COUNT(*) > $1
;
SELECT "b"."id" AS "b_id", "b"."title" AS "b_title", "b"."price" AS "b_price", "b"."sold" AS "b_sold", "b"."authorId" AS "b_authorId" FROM "books" "b" WHERE "b"."authorId" IN (SELECT "x"."id" AS "x_id" FROM "authors" "x" WHERE ( "x"."mood" = 'happy' ) AND ( "x"."deletedAt" IS NULL ))
;
SELECT DISTINCT ON ("b"."authorId") "b"."id" AS "b_id", "b"."title" AS "b_title", "b"."price" AS "b_price", "b"."sold" AS "b_sold", "b"."authorId" AS "b_authorId" FROM "books" "b" ORDER BY "b"."authorId" ASC
;
WITH "cte" AS (SELECT id FROM authors) SELECT "b"."id" AS "b_id", "b"."title" AS "b_title", "b"."price" AS "b_price", "b"."sold" AS "b_sold", "b"."authorId" AS "b_authorId" FROM "books" "b" WHERE "b"."authorId" IN (SELECT id FROM cte)
;
INSERT INTO "books" AS "b"("id", "title", "price", "sold", "authorId") VALUES (DEFAULT, $1, $2, DEFAULT, DEFAULT) ON CONFLICT ( "id" ) DO UPDATE SET "title" = EXCLUDED."title" RETURNING *
;
INSERT INTO "books" AS "b"("id", "title", "price", "sold", "authorId") VALUES (DEFAULT, $1, $2, DEFAULT, DEFAULT) ON CONFLICT DO NOTHING  RETURNING "id", "sold"
;
UPDATE "books" SET "sold" = "sold" + 1 WHERE "price" > 5 RETURNING "id", "sold"
;
DELETE FROM "books" WHERE "title" = $1
;
SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
;
SELECT "Book"."id" AS "Book_id", "Book"."title" AS "Book_title", "Book"."price" AS "Book_price", "Book"."sold" AS "Book_sold", "Book"."authorId" AS "Book_authorId" FROM "books" "Book" WHERE (("Book"."id" = $1)) LIMIT 1 FOR UPDATE
;
SELECT "b"."id" AS "b_id", "b"."title" AS "b_title", "b"."price" AS "b_price", "b"."sold" AS "b_sold", "b"."authorId" AS "b_authorId" FROM "books" "b" WHERE "b"."sold" = 0
;
SELECT "b"."id" AS "b_id", "b"."title" AS "b_title", "b"."price" AS "b_price", "b"."sold" AS "b_sold", "b"."authorId" AS "b_authorId" FROM "books" "b" FOR SHARE SKIP LOCKED
;
SAVEPOINT typeorm_1
;
SELECT 1
;
RELEASE SAVEPOINT typeorm_1
;
DELETE FROM "book_shelves" WHERE (("booksId" = $1 AND "shelvesId" = $2) OR ("booksId" = $3 AND "shelvesId" = $4) OR ("booksId" = $5 AND "shelvesId" = $6))
;
DELETE FROM "books" WHERE "id" = $1
;
DELETE FROM "shelves" WHERE ("id" = $1 OR "id" = $2)
;
TRUNCATE TABLE "shelves"
;
TRUNCATE TABLE shelves CASCADE
