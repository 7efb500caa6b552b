-- What real databases have besides tables: code that runs without being called, views over it, and constraints
-- that speak late. Each is a way for a protected value to get out that no statement names.
INSERT INTO archive.customers VALUES (2, 'canary2@leak.example');

CREATE TABLE subscriptions (id int PRIMARY KEY, address text REFERENCES customers (email));
INSERT INTO subscriptions VALUES (1, 'canary3@leak.example');
CREATE TABLE late (
    id int PRIMARY KEY,
    address text REFERENCES customers (email) DEFERRABLE INITIALLY DEFERRED
);
INSERT INTO late VALUES (1, 'canary5@leak.example');
CREATE TABLE groups (id int PRIMARY KEY);
INSERT INTO groups VALUES (1);
CREATE TABLE members (
    id int PRIMARY KEY,
    "group" int NOT NULL REFERENCES groups ON DELETE SET NULL,
    ssn text NOT NULL
);
INSERT INTO members SELECT id, 1, ssn FROM customers;
CREATE TABLE above_members (LIKE members);
ALTER TABLE members INHERIT above_members;
CREATE TABLE above_secrets (LIKE secrets);
ALTER TABLE secrets INHERIT above_secrets;
CREATE TABLE people (id int, address text) PARTITION BY RANGE (id);
CREATE TABLE people_1 PARTITION OF people FOR VALUES FROM (1) TO (1000);
INSERT INTO people SELECT id, email FROM customers;
CREATE TABLE a_name_as_long_as_names_can_be_which_is_sixty_three_bytes_long_ (address text);
INSERT INTO a_name_as_long_as_names_can_be_which_is_sixty_three_bytes_long_ VALUES ('canary1@leak.example');
CREATE TABLE typed (id int, data jsonb, list text[], bytes bytea);
INSERT INTO typed VALUES (1, '{"k": "canary1@leak.example"}', '{canary1@leak.example}', 'canary1@leak.example');
CREATE TYPE mood AS ENUM ('glad', 'sad');

CREATE FUNCTION tells(text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE value text := (SELECT email FROM public.customers ORDER BY id LIMIT 1);
BEGIN RAISE NOTICE 'notice %', value; RAISE EXCEPTION 'error %', value USING DETAIL = value, HINT = value; END $$;
CREATE FUNCTION murmurs(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RAISE NOTICE 'notice %', (SELECT email FROM public.customers ORDER BY id LIMIT 1); RETURN $1; END $$;
CREATE DOMAIN checked AS text CHECK (tells(VALUE));
CREATE DOMAIN below AS checked;
CREATE TYPE boxed AS (content text);
CREATE FUNCTION boxed(text) RETURNS boxed LANGUAGE sql AS 'SELECT ROW(public.tells($1)::text)::public.boxed';
CREATE CAST (text AS boxed) WITH FUNCTION boxed(text);
CREATE FUNCTION compares(text, text) RETURNS bool LANGUAGE sql AS 'SELECT public.tells($1)';
CREATE OPERATOR <<< (LEFTARG = text, RIGHTARG = text, FUNCTION = compares);
CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'notice %', (SELECT email FROM public.customers ORDER BY id LIMIT 1); RETURN NEW; END $$;
CREATE FUNCTION first_row() RETURNS customers LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM customers ORDER BY id LIMIT 1';
CREATE PROCEDURE give(INOUT value text) LANGUAGE sql AS 'SELECT email FROM customers ORDER BY id LIMIT 1';
CREATE TABLE with_default (id int, x text DEFAULT first_email());
CREATE TABLE with_domain (id int, x checked);
CREATE TABLE with_list (id int, x below[]);
CREATE TABLE with_check (id int, x text CHECK (tells(x)));
CREATE TABLE with_index (id int, x text);
CREATE INDEX ON with_index (murmurs(x));
CREATE TABLE with_generated (id int, x text, y text GENERATED ALWAYS AS (murmurs(x)) STORED);
CREATE TABLE with_trigger (id int, x text);
CREATE TRIGGER changed BEFORE INSERT ON with_trigger FOR EACH ROW EXECUTE FUNCTION changed();
CREATE TABLE with_rule (id int, x text);
CREATE RULE returns AS ON DELETE TO with_rule DO INSTEAD SELECT ssn FROM customers;
CREATE VIEW calls AS SELECT first_email() AS x;
CREATE VIEW operates AS SELECT 'a'::text <<< 'b'::text AS x;
CREATE VIEW converts AS SELECT 'x'::text::boxed AS x;
CREATE VIEW checks AS SELECT 'x'::checked AS x;
CREATE VIEW counted AS SELECT count(*) AS n, max(email) AS last FROM customers;
CREATE VIEW of_a_view AS SELECT reach_at AS a FROM contact;
CREATE MATERIALIZED VIEW kept AS SELECT id, email AS e FROM customers;
CREATE STATISTICS about_customers (mcv) ON tier, email FROM customers;
ANALYZE customers;
