-- The shop of fixture.sql, as MariaDB and MySQL write it: the same tables and the same canaries.
CREATE TABLE archive.seq (seq int PRIMARY KEY);
INSERT INTO archive.seq
WITH RECURSIVE d (d) AS (SELECT 0 UNION ALL SELECT d + 1 FROM d WHERE d < 9)
SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d + 100000 * g.d + 1
FROM d a, d b, d c, d e, d f, (SELECT 0 AS d UNION SELECT 1) g;
USE shop;
CREATE TABLE customers (
    id int PRIMARY KEY,
    name varchar(100) NOT NULL,
    email varchar(100) NOT NULL UNIQUE,
    ssn varchar(20) NOT NULL,
    card varchar(20) NOT NULL,
    tier varchar(10) NOT NULL DEFAULT 'basic'
);
INSERT INTO customers
SELECT seq, CONCAT('Customer ', seq), CONCAT('canary', seq, '@leak.example'), CONCAT('999-55-', LPAD(seq, 4, '0')),
       CONCAT('4000123400', LPAD(seq, 6, '0')), IF(seq % 10 = 0, 'gold', 'basic')
FROM archive.seq WHERE seq <= 20;

CREATE TABLE orders (
    id int PRIMARY KEY,
    customer_id int NOT NULL,
    amount decimal(10, 2) NOT NULL,
    note text,
    FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE
);
INSERT INTO orders SELECT seq, (seq - 1) % 20 + 1, seq * 1.25, CONCAT('order ', seq) FROM archive.seq WHERE seq <= 100;

CREATE TABLE payments (
    id int PRIMARY KEY,
    order_id int NOT NULL,
    paid bool NOT NULL,
    FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE
);
INSERT INTO payments SELECT seq, seq, seq % 3 = 0 FROM archive.seq WHERE seq <= 100;

CREATE TABLE secrets (id int PRIMARY KEY, token varchar(40) NOT NULL);
INSERT INTO secrets SELECT seq, CONCAT('hushhush-', seq) FROM archive.seq WHERE seq <= 3;

CREATE TABLE notes (id int AUTO_INCREMENT PRIMARY KEY, body text);
CREATE TABLE numbers (n int PRIMARY KEY);
INSERT INTO numbers SELECT seq FROM archive.seq;
CREATE TABLE `Customers Quoted` (id int PRIMARY KEY, `E Mail` text);

CREATE SQL SECURITY INVOKER VIEW contact AS SELECT id, name, email AS reach_at FROM customers;
CREATE SQL SECURITY INVOKER VIEW open_orders AS
SELECT o.id, o.amount FROM orders o JOIN payments p ON p.order_id = o.id WHERE NOT p.paid;

CREATE FUNCTION first_email() RETURNS varchar(100) READS SQL DATA
RETURN (SELECT email FROM customers ORDER BY id LIMIT 1);
CREATE PROCEDURE wipe_notes() DELETE FROM notes;

-- A second database with a table of the same name: what USE could make a name mean.
CREATE TABLE archive.customers (id int, email varchar(100));
INSERT INTO archive.customers VALUES (1, 'archived1@old.example');
DROP TABLE archive.seq;
