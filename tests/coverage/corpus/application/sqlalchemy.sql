BEGIN
;
select pg_catalog.version()
;
select current_schema()
;
show transaction isolation level
;
show standard_conforming_strings
;
SAVEPOINT "_pg3_1"
;
SELECT
    typname AS name, oid, typarray AS array_oid,
    oid::regtype::text AS regtype, typdelim AS delimiter
FROM pg_type t
WHERE t.oid = to_regtype($1)
ORDER BY t.oid
;
RELEASE "_pg3_1"
;
ROLLBACK
;
SELECT pg_catalog.pg_class.relname 
FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace 
WHERE pg_catalog.pg_class.relname IN ($1::VARCHAR, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::VARCHAR) AND pg_catalog.pg_class.relkind = ANY (ARRAY[$6::VARCHAR, $7::VARCHAR, $8::VARCHAR, $9::VARCHAR, $10::VARCHAR]) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != $11::VARCHAR
;
SELECT pg_catalog.pg_type.typname 
FROM pg_catalog.pg_type JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_type.typnamespace 
WHERE pg_catalog.pg_type.typname = $1::VARCHAR AND pg_catalog.pg_type_is_visible(pg_catalog.pg_type.oid) AND pg_catalog.pg_namespace.nspname != $2::VARCHAR
;
CREATE TYPE article_state AS ENUM ('draft', 'published')
;
CREATE TABLE people (
	id SERIAL NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	name VARCHAR NOT NULL, 
	email VARCHAR NOT NULL, 
	born DATE, 
	settings JSONB NOT NULL, 
	nicknames TEXT[] NOT NULL, 
	boss_id INTEGER, 
	PRIMARY KEY (id), 
	UNIQUE (email), 
	FOREIGN KEY(boss_id) REFERENCES people (id)
)
;
CREATE TABLE tags (
	id SERIAL NOT NULL, 
	label VARCHAR NOT NULL, 
	PRIMARY KEY (id)
)
;
CREATE UNIQUE INDEX one_label ON tags (lower(label))
;
CREATE TABLE editors (
	id INTEGER NOT NULL, 
	desk VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(id) REFERENCES people (id)
)
;
CREATE TABLE articles (
	id UUID NOT NULL, 
	title VARCHAR(200) NOT NULL, 
	body TEXT, 
	price NUMERIC(10, 2) NOT NULL, 
	version INTEGER NOT NULL, 
	state article_state NOT NULL, 
	seen DATERANGE, 
	created TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL, 
	author_id INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT not_negative CHECK (price >= 0), 
	FOREIGN KEY(author_id) REFERENCES people (id)
)
;
CREATE INDEX by_body ON articles USING gin (to_tsvector('english', body))
;
CREATE TABLE article_tags (
	article_id UUID NOT NULL, 
	tag_id INTEGER NOT NULL, 
	PRIMARY KEY (article_id, tag_id), 
	FOREIGN KEY(article_id) REFERENCES articles (id) ON DELETE CASCADE, 
	FOREIGN KEY(tag_id) REFERENCES tags (id)
)
;
COMMIT
;
INSERT INTO people (kind, name, email, born, settings, nicknames, boss_id) VALUES ($1::VARCHAR, $2::VARCHAR, $3::VARCHAR, $4::DATE, $5::JSONB, $6::TEXT[], $7::INTEGER) RETURNING people.id
;
INSERT INTO editors (id, desk) VALUES ($1::INTEGER, $2::VARCHAR)
;
INSERT INTO tags (label) SELECT p0::VARCHAR FROM (VALUES ($1::VARCHAR, 0), ($2::VARCHAR, 1), ($3::VARCHAR, 2), ($4::VARCHAR, 3), ($5::VARCHAR, 4)) AS imp_sen(p0, sen_counter) ORDER BY sen_counter RETURNING tags.id, tags.id AS id__1
;
INSERT INTO people (kind, name, email, born, settings, nicknames, boss_id) SELECT p0::VARCHAR, p1::VARCHAR, p2::VARCHAR, p3::DATE, p4::JSONB, p5::TEXT[], p6::INTEGER FROM (VALUES ($1::VARCHAR, $2::VARCHAR, $3::VARCHAR, $4::DATE, $5::JSONB, $6::TEXT[], $7::INTEGER, 0), ($8::VARCHAR, $9::VARCHAR, $10::VARCHAR, $11::DATE, $12::JSONB, $13::TEXT[], $14::INTEGER, 1), ($15::VARCHAR, $16::VARCHAR, $17::VARCHAR, $18::DATE, $19::JSONB, $20::TEXT[], $21::INTEGER, 2), ($22::VARCHAR, $23::VARCHAR, $24::VARCHAR, $25::DATE, $26::JSONB, $27::TEXT[], $28::INTEGER, 3), ($29::VARCHAR, $30::VARCHAR, $31::VARCHAR, $32::DATE, $33::JSONB, $34::TEXT[], $35::INTEGER, 4), ($36::VARCHAR, $37::VARCHAR, $38::VARCHAR, $39::DATE, $40::JSONB, $41::TEXT[], $42::INTEGER, 5), ($43::VARCHAR, $44::VARCHAR, $45::VARCHAR, $46::DATE, $47::JSONB, $48::TEXT[], $49::INTEGER, 6), ($50::VARCHAR, $51::VARCHAR, $52::VARCHAR, $53::DATE, $54::JSONB, $55::TEXT[], $56::INTEGER, 7), ($57::VARCHAR, $58::VARCHAR, $59::VARCHAR, $60::DATE, $61::JSONB, $62::TEXT[], $63::INTEGER, 8), ($64::VARCHAR, $65::VARCHAR, $66::VARCHAR, $67::DATE, $68::JSONB, $69::TEXT[], $70::INTEGER, 9), ($71::VARCHAR, $72::VARCHAR, $73::VARCHAR, $74::DATE, $75::JSONB, $76::TEXT[], $77::INTEGER, 10), ($78::VARCHAR, $79::VARCHAR, $80::VARCHAR, $81::DATE, $82::JSONB, $83::TEXT[], $84::INTEGER, 11), ($85::VARCHAR, $86::VARCHAR, $87::VARCHAR, $88::DATE, $89::JSONB, $90::TEXT[], $91::INTEGER, 12), ($92::VARCHAR, $93::VARCHAR, $94::VARCHAR, $95::DATE, $96::JSONB, $97::TEXT[], $98::INTEGER, 13), ($99::VARCHAR, $100::VARCHAR, $101::VARCHAR, $102::DATE, $103::JSONB, $104::TEXT[], $105::INTEGER, 14), ($106::VARCHAR, $107::VARCHAR, $108::VARCHAR, $109::DATE, $110::JSONB, $111::TEXT[], $112::INTEGER, 15), ($113::VARCHAR, $114::VARCHAR, $115::VARCHAR, $116::DATE, $117::JSONB, $118::TEXT[], $119::INTEGER, 16), ($120::VARCHAR, $121::VARCHAR, $122::VARCHAR, $123::DATE, $124::JSONB, $125::TEXT[], $126::INTEGER, 17), ($127::VARCHAR, $128::VARCHAR, $129::VARCHAR, $130::DATE, $131::JSONB, $132::TEXT[], $133::INTEGER, 18), ($134::VARCHAR, $135::VARCHAR, $136::VARCHAR, $137::DATE, $138::JSONB, $139::TEXT[], $140::INTEGER, 19)) AS imp_sen(p0, p1, p2, p3, p4, p5, p6, sen_counter) ORDER BY sen_counter RETURNING people.id, people.id AS id__1
;
INSERT INTO articles (id, title, body, price, version, state, seen, author_id) VALUES ($1::UUID, $2::VARCHAR, $3::VARCHAR, $4, $5::INTEGER, $6, $7::DATERANGE, $8::INTEGER), ($9::UUID, $10::VARCHAR, $11::VARCHAR, $12, $13::INTEGER, $14, $15::DATERANGE, $16::INTEGER), ($17::UUID, $18::VARCHAR, $19::VARCHAR, $20, $21::INTEGER, $22, $23::DATERANGE, $24::INTEGER), ($25::UUID, $26::VARCHAR, $27::VARCHAR, $28, $29::INTEGER, $30, $31::DATERANGE, $32::INTEGER), ($33::UUID, $34::VARCHAR, $35::VARCHAR, $36, $37::INTEGER, $38, $39::DATERANGE, $40::INTEGER), ($41::UUID, $42::VARCHAR, $43::VARCHAR, $44, $45::INTEGER, $46, $47::DATERANGE, $48::INTEGER), ($49::UUID, $50::VARCHAR, $51::VARCHAR, $52, $53::INTEGER, $54, $55::DATERANGE, $56::INTEGER), ($57::UUID, $58::VARCHAR, $59::VARCHAR, $60, $61::INTEGER, $62, $63::DATERANGE, $64::INTEGER), ($65::UUID, $66::VARCHAR, $67::VARCHAR, $68, $69::INTEGER, $70, $71::DATERANGE, $72::INTEGER), ($73::UUID, $74::VARCHAR, $75::VARCHAR, $76, $77::INTEGER, $78, $79::DATERANGE, $80::INTEGER) RETURNING articles.created, articles.id
;
INSERT INTO article_tags (article_id, tag_id) VALUES ($1::UUID, $2::INTEGER)
;
SELECT articles.id, articles.title, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id 
FROM articles ORDER BY articles.title 
 LIMIT $1::INTEGER
;
UPDATE articles SET title=$1::VARCHAR, version=$2::INTEGER WHERE articles.id = $3::UUID AND articles.version = $4::INTEGER
;
SELECT articles.body 
FROM articles 
WHERE articles.id = $1::UUID
;
SELECT tags.id, tags.label 
FROM tags, article_tags 
WHERE $1::UUID = article_tags.article_id AND tags.id = article_tags.tag_id
;
SELECT tags.id, tags.label 
FROM tags 
WHERE tags.id = $1::INTEGER
;
SELECT articles.id, articles.title, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id 
FROM articles 
WHERE articles.id = $1::UUID FOR UPDATE
;
DELETE FROM article_tags WHERE article_tags.article_id = $1::UUID AND article_tags.tag_id = $2::INTEGER
;
DELETE FROM articles WHERE articles.id = $1::UUID AND articles.version = $2::INTEGER
;
INSERT INTO tags (label) VALUES ($1::VARCHAR) RETURNING tags.id
;
ROLLBACK TO SAVEPOINT sa_savepoint_1
;
DEALLOCATE ALL
;
UPDATE tags SET label=$1::VARCHAR WHERE tags.id = $2::INTEGER
;
SELECT articles.id, articles.title, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id, people_1.id AS id_1, people_1.kind, people_1.name, people_1.email, people_1.born, people_1.settings, people_1.nicknames, people_1.boss_id 
FROM articles LEFT OUTER JOIN people AS people_1 ON people_1.id = articles.author_id 
 LIMIT $1::INTEGER
;
SELECT articles.id, articles.title, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id 
FROM articles 
 LIMIT $1::INTEGER
;
SELECT article_tags.article_id, tags.id, tags.label 
FROM article_tags JOIN tags ON tags.id = article_tags.tag_id 
WHERE article_tags.article_id IN ($1::UUID, $2::UUID, $3::UUID)
;
SELECT tags.id AS tags_id, tags.label AS tags_label, anon_1.articles_id AS anon_1_articles_id 
FROM (SELECT articles.id AS articles_id 
FROM articles 
 LIMIT $1::INTEGER) AS anon_1 JOIN article_tags AS article_tags_1 ON anon_1.articles_id = article_tags_1.article_id JOIN tags ON tags.id = article_tags_1.tag_id
;
SELECT people.id, people.kind, people.name, people.email, people.born, people.settings, people.nicknames, people.boss_id, articles.id AS id_1, articles.title, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id 
FROM articles, people 
 LIMIT $1::INTEGER
;
SELECT articles.id, articles.title, articles.body, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id 
FROM articles 
 LIMIT $1::INTEGER
;
SELECT articles.id, articles.title 
FROM articles 
 LIMIT $1::INTEGER
;
SELECT people.id, people.kind, people.name, people.email, people.born, people.settings, people.nicknames, people.boss_id, articles.id AS id_1, articles.title, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id 
FROM articles JOIN people ON people.id = articles.author_id
;
SELECT people.id, people.kind, people.name, people.email, people.born, people.settings, people.nicknames, people.boss_id, editors.id AS id_1, editors.desk 
FROM people LEFT OUTER JOIN editors ON people.id = editors.id
;
SELECT editors.id, people.id AS id_1, people.kind, people.name, people.email, people.born, people.settings, people.nicknames, people.boss_id, editors.desk 
FROM people JOIN editors ON people.id = editors.id
;
SELECT people.id, people.kind, people.name, people.email, people.born, people.settings, people.nicknames, people.boss_id 
FROM people
;
SELECT editors.id AS editors_id, people.id AS people_id, people.kind AS people_kind, editors.desk AS editors_desk 
FROM people JOIN editors ON people.id = editors.id 
WHERE people.id IN ($1::INTEGER)
;
SELECT people.id, people.kind, people.name, people.email, people.born, people.settings, people.nicknames, people.boss_id 
FROM people 
WHERE EXISTS (SELECT 1 
FROM articles 
WHERE people.id = articles.author_id AND articles.price > $1::INTEGER)
;
SELECT articles.id, articles.title, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id 
FROM articles 
WHERE EXISTS (SELECT 1 
FROM people 
WHERE people.id = articles.author_id AND people.name LIKE $1::VARCHAR)
;
SELECT articles.id, articles.title, articles.price, articles.version, articles.state, articles.seen, articles.created, articles.author_id 
FROM articles, article_tags AS article_tags_1 
WHERE articles.id = article_tags_1.article_id AND $1::INTEGER = article_tags_1.tag_id
;
SELECT EXISTS (SELECT * 
FROM people 
WHERE people.name = $1::VARCHAR) AS anon_1
;
SELECT people.id, people.name 
FROM people 
WHERE people.name IN ($1::VARCHAR, $2::VARCHAR) AND (people.id NOT IN ($3::INTEGER, $4::INTEGER)) AND people.born IS NULL
;
SELECT people.name 
FROM people 
WHERE people.name ILIKE $1::VARCHAR OR (people.name LIKE $2::VARCHAR || '%' ESCAPE '/') OR people.name ~ $3::VARCHAR
;
SELECT people.name 
FROM people 
WHERE (people.id, people.name) IN (($1, $2), ($3, $4))
;
SELECT people.id 
FROM people 
WHERE people.name BETWEEN $1::VARCHAR AND $2::VARCHAR AND (people.name NOT LIKE '%' || $3::VARCHAR || '%') AND people.born IS DISTINCT FROM NULL
;
SELECT count(*) AS count_1, max(articles.price) AS max_1, avg(articles.price) AS avg_1 
FROM articles
;
SELECT articles.author_id, count(DISTINCT articles.id) AS count_1 
FROM articles GROUP BY articles.author_id 
HAVING count(*) > $1::INTEGER
;
SELECT people.name, people_1.name AS name_1 
FROM people LEFT OUTER JOIN people AS people_1 ON people.boss_id = people_1.id ORDER BY people.name DESC NULLS LAST
;
SELECT people.name 
FROM people FULL OUTER JOIN articles ON true 
 LIMIT $1::INTEGER OFFSET $2::INTEGER
;
SELECT articles.title, rank() OVER (PARTITION BY articles.author_id ORDER BY articles.price DESC) AS anon_1 
FROM articles
;
SELECT sum(articles.price) OVER (ORDER BY articles.created ROWS BETWEEN $1::INTEGER PRECEDING AND CURRENT ROW) AS anon_1, lag(articles.price, $2::INTEGER) OVER (ORDER BY articles.id) AS anon_2 
FROM articles
;
SELECT sum(articles.price) FILTER (WHERE articles.state = $1) AS anon_1, string_agg(articles.title, $2::VARCHAR ORDER BY articles.title) AS string_agg_1 
FROM articles
;
SELECT percentile_cont($1) WITHIN GROUP (ORDER BY articles.price) AS percentile_cont_1, mode() WITHIN GROUP (ORDER BY articles.state) AS mode_1 
FROM articles
;
SELECT CASE WHEN (articles.price > $1::INTEGER) THEN $2::VARCHAR WHEN (articles.price > $3::INTEGER) THEN $4::VARCHAR ELSE $5::VARCHAR END AS anon_1, coalesce(articles.title, $6::VARCHAR) AS coalesce_1 
FROM articles
;
SELECT CAST(articles.price AS INTEGER) AS price, articles.id AS id, EXTRACT(year FROM articles.created) AS anon_1, date_trunc($1::VARCHAR, articles.created) AS date_trunc_1 
FROM articles
;
SELECT people.settings ->> $1::TEXT AS anon_1, people.settings #> $2 AS anon_2, people.settings ? $3::VARCHAR AS anon_3, people.settings @> $4::JSONB AS anon_4 
FROM people
;
SELECT people.nicknames[$1::INTEGER] AS anon_1, people.nicknames[$2::INTEGER:$3::INTEGER] AS anon_2, array_length(people.nicknames, $4::INTEGER) AS array_length_1 
FROM people 
WHERE people.nicknames @> $5::TEXT[] AND $6::VARCHAR = ANY (people.nicknames)
;
SELECT articles.title 
FROM articles 
WHERE articles.seen @> $1::DATE AND articles.seen && $2::DATERANGE
;
SELECT DISTINCT unnest(people.nicknames) AS nick 
FROM people
;
SELECT DISTINCT ON (people.boss_id) people.name 
FROM people ORDER BY people.boss_id, people.name
;
SELECT people.name 
FROM people UNION ALL SELECT $1::VARCHAR AS anon_1 ORDER BY name 
 LIMIT $2::INTEGER
;
SELECT people.id 
FROM people EXCEPT SELECT articles.author_id 
FROM articles
;
SELECT to_tsvector($1::REGCONFIG, articles.body) @@ plainto_tsquery($2::REGCONFIG, $3::VARCHAR) AS anon_1 
FROM articles
;
SELECT articles.title 
FROM articles 
WHERE articles.body @@ plainto_tsquery($1::VARCHAR)
;
SELECT now() - articles.created AS anon_1, articles.created + $1 AS anon_2, articles.created AT TIME ZONE $2::VARCHAR AS anon_3 
FROM articles
;
SELECT anon_1.n 
FROM generate_series($1::INTEGER, $2::INTEGER) AS anon_1(n)
;
SELECT anon_1.key, anon_1.value 
FROM people, jsonb_each_text(people.settings) AS anon_1(key, value)
;
SELECT json_build_object($1::VARCHAR, articles.id, $2::VARCHAR, articles.title) AS json_build_object_1, json_agg(articles) AS json_agg_1 
FROM articles GROUP BY articles.id
;
SELECT row_to_json(people) AS row_to_json_1 
FROM people 
 LIMIT $1::INTEGER
;
SELECT grouping(articles.state) AS grouping_1, count(*) AS count_1 
FROM articles GROUP BY ROLLUP(articles.state, articles.author_id)
;
SELECT count(*) AS count_1 
FROM articles GROUP BY CUBE(articles.state)
;
WITH RECURSIVE tree(id, boss_id, depth) AS 
(SELECT people.id AS id, people.boss_id AS boss_id, $1::INTEGER AS depth 
FROM people 
WHERE people.boss_id IS NULL UNION ALL SELECT people.id AS id, people.boss_id AS boss_id, tree.depth + $2::INTEGER AS anon_1 
FROM people JOIN tree ON people.boss_id = tree.id)
 SELECT tree.id, tree.boss_id, tree.depth 
FROM tree ORDER BY tree.depth
;
SELECT people.name, newest.title 
FROM people LEFT OUTER JOIN LATERAL (SELECT articles.title AS title 
FROM articles 
WHERE articles.author_id = people.id ORDER BY articles.created DESC 
 LIMIT $1::INTEGER) AS newest ON true
;
SELECT people.name, (SELECT max(articles.price) AS max_1 
FROM articles 
WHERE articles.author_id = people.id) AS anon_1 
FROM people 
WHERE (SELECT max(articles.price) AS max_1 
FROM articles 
WHERE articles.author_id = people.id) > $1::INTEGER
;
SELECT v.n, v.t 
FROM (VALUES ($1::INTEGER, $2::VARCHAR), ($3::INTEGER, $4::VARCHAR)) AS v (n, t)
;
SELECT articles.id 
FROM articles 
 LIMIT $1::INTEGER FOR UPDATE OF articles SKIP LOCKED
;
SELECT articles.id 
FROM articles FOR SHARE NOWAIT
;
SELECT articles.id 
FROM articles FOR NO KEY UPDATE
;
SELECT s.id 
FROM articles AS s TABLESAMPLE bernoulli($1::INTEGER) REPEATABLE ($2::INTEGER)
;
SELECT name FROM people WHERE id = $1::INTEGER AND name ~ $2::VARCHAR
;
SELECT people.name 
FROM people 
WHERE people.id = ANY ($1::INTEGER[])
;
SELECT greatest(people.id, $1::INTEGER) AS greatest_1, nullif(people.name, $2::VARCHAR) AS nullif_1, concat_ws($3::VARCHAR, people.name, people.email) AS concat_ws_1, people.name COLLATE "C" AS anon_1 
FROM people
;
SELECT people.id & $1::INTEGER AS anon_1, -people.id, people.id % $2::INTEGER AS anon_2, people.id / CAST($3::INTEGER AS NUMERIC) AS anon_3, people.id / $4::INTEGER AS anon_4, people.id != $5::INTEGER AS anon_5 
FROM people
;
INSERT INTO tags (label) VALUES ($1::VARCHAR)
;
INSERT INTO tags (label) VALUES ($1::VARCHAR), ($2::VARCHAR), ($3::VARCHAR) RETURNING tags.id, tags.label
;
UPDATE people SET name=upper(people.name) WHERE people.id = $1::INTEGER RETURNING people.id, people.name
;
UPDATE articles SET price=(articles.price * $1::INTEGER) FROM people WHERE articles.author_id = people.id AND people.name = $2::VARCHAR RETURNING articles.id
;
UPDATE people SET name=$1::VARCHAR WHERE people.id = $2::INTEGER
;
UPDATE people SET settings=(people.settings || $1::JSONB), nicknames=array_append(people.nicknames, $2::VARCHAR)
;
UPDATE people SET nicknames[$1::INTEGER]=$2::VARCHAR WHERE people.id = $3::INTEGER
;
UPDATE people SET settings[$1::TEXT]=$2::JSONB WHERE people.id = $3::INTEGER
;
DELETE FROM tags WHERE tags.label = $1::VARCHAR RETURNING tags.id
;
DELETE FROM articles USING people WHERE articles.author_id = people.id AND people.name = $1::VARCHAR RETURNING articles.id
;
INSERT INTO people (id, kind, name, email, settings, nicknames) VALUES ($1::INTEGER, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::JSONB, $6::TEXT[]) ON CONFLICT DO NOTHING
;
INSERT INTO people (id, kind, name, email, settings, nicknames) VALUES ($1::INTEGER, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::JSONB, $6::TEXT[]) ON CONFLICT (email) DO NOTHING
;
INSERT INTO people (id, kind, name, email, settings, nicknames) VALUES ($1::INTEGER, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::JSONB, $6::TEXT[]) ON CONFLICT ON CONSTRAINT people_pkey DO NOTHING
;
INSERT INTO people (id, kind, name, email, settings, nicknames) VALUES ($1::INTEGER, $2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::JSONB, $6::TEXT[]) ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE people.name != $7::VARCHAR RETURNING people.id
;
INSERT INTO tags (label) VALUES ($1::VARCHAR) ON CONFLICT (lower(label)) DO UPDATE SET label = excluded.label RETURNING tags.id
;
INSERT INTO tags (label) VALUES ($1::VARCHAR) ON CONFLICT (lower(label)) DO NOTHING RETURNING tags.id
;
INSERT INTO tags (label) SELECT people.email 
FROM people 
WHERE people.id < $1::INTEGER
;
WITH gone AS 
(DELETE FROM tags WHERE tags.label LIKE $1::VARCHAR RETURNING tags.id)
 SELECT count(*) AS count_1 
FROM gone
;
WITH "new" AS 
(INSERT INTO tags (label) VALUES ($1::VARCHAR) RETURNING tags.id)
 SELECT "new".id 
FROM "new"
;
LOCK TABLE tags IN SHARE ROW EXCLUSIVE MODE
;
SELECT pg_advisory_xact_lock(42)
;
SET LOCAL statement_timeout = '5s'
;
TRUNCATE article_tags
;
SELECT nextval('tags_id_seq') AS next_value_1
;
CREATE TEMPORARY TABLE gone (n int) ON COMMIT DROP
;
CREATE UNLOGGED TABLE scratch (n int)
;
INSERT INTO scratch SELECT generate_series(1, 10)
;
CREATE TABLE copied AS SELECT id, name FROM people
;
CREATE MATERIALIZED VIEW per_state AS SELECT state, count(*) AS n FROM articles GROUP BY state
;
REFRESH MATERIALIZED VIEW per_state
;
DECLARE "c_7f0ab55f3f90_1" CURSOR FOR SELECT people.id 
FROM people
;
FETCH FORWARD 1 FROM "c_7f0ab55f3f90_1"
;
FETCH FORWARD 5 FROM "c_7f0ab55f3f90_1"
;
CLOSE "c_7f0ab55f3f90_1"
;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY
;
SELECT 1
;
VACUUM ANALYZE people
;
CREATE INDEX CONCURRENTLY by_name ON people (name text_pattern_ops)
