-- The shop that every test gets a copy of. Values of protected columns are canaries: they occur nowhere else,
-- so finding one in what a client receives, in a log or in a record is proof of a leak.
CREATE TABLE customers (
    id int PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL UNIQUE,
    ssn text NOT NULL,
    card text NOT NULL,
    tier text NOT NULL DEFAULT 'basic'
);
INSERT INTO customers
SELECT n, 'Customer ' || n, 'canary' || n || '@leak.example', '999-55-' || lpad(n::text, 4, '0'),
       '4000123400' || lpad(n::text, 6, '0'), CASE WHEN n % 10 = 0 THEN 'gold' ELSE 'basic' END
FROM generate_series(1, 20) n;

CREATE TABLE orders (
    id int PRIMARY KEY,
    customer_id int NOT NULL REFERENCES customers ON DELETE CASCADE,
    amount numeric(10, 2) NOT NULL,
    note text
);
INSERT INTO orders SELECT n, (n - 1) % 20 + 1, n * 1.25, 'order ' || n FROM generate_series(1, 100) n;

CREATE TABLE payments (id int PRIMARY KEY, order_id int NOT NULL REFERENCES orders ON DELETE CASCADE, paid bool NOT NULL);
INSERT INTO payments SELECT n, n, n % 3 = 0 FROM generate_series(1, 100) n;

CREATE TABLE secrets (id int PRIMARY KEY, token text NOT NULL);
INSERT INTO secrets SELECT n, 'hushhush-' || n FROM generate_series(1, 3) n;

CREATE TABLE notes (id serial PRIMARY KEY, body text);
CREATE TABLE numbers (n int PRIMARY KEY);
INSERT INTO numbers SELECT generate_series(1, 200000);
CREATE TABLE "Customers Quoted" (id int PRIMARY KEY, "E Mail" text);

CREATE VIEW contact AS SELECT id, name, email AS reach_at FROM customers;
CREATE VIEW open_orders AS SELECT o.id, o.amount FROM orders o JOIN payments p ON p.order_id = o.id WHERE NOT p.paid;

CREATE FUNCTION first_email() RETURNS text LANGUAGE sql AS 'SELECT email FROM customers ORDER BY id LIMIT 1';
CREATE PROCEDURE wipe_notes() LANGUAGE sql AS 'DELETE FROM notes';

-- A second schema with a table of the same name: what a change of search_path could make a name mean.
CREATE SCHEMA archive;
CREATE TABLE archive.customers (id int, email text);
INSERT INTO archive.customers VALUES (1, 'archived1@old.example');
