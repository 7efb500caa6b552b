#!/usr/bin/env bash
# pg_dump of everything, of definitions, and of one table; and the list of roles that pg_dumpall makes.
set -euo pipefail
psql -X -q <<'END'
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE measured (at date NOT NULL, value int, feeling mood) PARTITION BY RANGE (at);
CREATE TABLE measured_2026 PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE MATERIALIZED VIEW totals AS SELECT customer_id, sum(amount) FROM orders GROUP BY customer_id;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER touched BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch();
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON notes USING (body IS NOT NULL);
COMMENT ON TABLE notes IS 'what was written';
CREATE STATISTICS order_statistics ON customer_id, amount FROM orders;
CREATE INDEX by_lower_note ON orders (lower(note)) WHERE note IS NOT NULL;
CREATE RULE ignored AS ON DELETE TO payments DO INSTEAD NOTHING;
END
pg_dump -f /dev/null
pg_dump --schema-only --no-owner -f /dev/null
pg_dump --data-only --inserts --table=orders -f /dev/null
pg_dump --data-only --rows-per-insert=10 --column-inserts --table=notes -f /dev/null
pg_dump --enable-row-security --table=notes -f /dev/null
pg_dumpall --roles-only -l "$PGDATABASE" >/dev/null
pg_dumpall --globals-only --no-role-passwords -l "$PGDATABASE" >/dev/null
