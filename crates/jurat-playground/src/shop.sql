-- The shop of the demo in SQLite's words: the same rows as in crates/jurat/src/demo/seed.sql.
CREATE TABLE customers (
    id integer PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    phone text NOT NULL,
    card text NOT NULL,
    tier text NOT NULL,
    created_at timestamp with time zone NOT NULL
);
INSERT INTO customers
WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 20000),
people AS (
    SELECT i,
           json_extract('["Ada","Ben","Carla","Deniz","Emil","Fatma","Goran","Hana"]', '$[' || (i % 8) || ']') AS first,
           json_extract('["Adler","Berg","Costa","Dupont","Evans","Fischer","Garcia"]', '$[' || (i % 7) || ']') AS last
    FROM numbers
)
SELECT i,
       first || ' ' || last,
       lower(first) || '.' || lower(last) || '.' || i || '@mail.example',
       '+49 151 ' || substr('0000000' || ((i * 7919) % 10000000), -7),
       '4' || substr('000000000000000' || ((i * 48271003571 + 271828182845) % 1000000000000000), -15),
       json_extract('["free","free","free","plus","pro"]', '$[' || (i % 5) || ']'),
       strftime('%Y-%m-%d %H:%M:%S', '2024-01-01 00:00:00', '+' || (i * 37) || ' minutes') || '+00'
FROM people;

CREATE TABLE payments (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    amount_cents integer NOT NULL,
    method text NOT NULL,
    paid_at timestamp with time zone NOT NULL
);
INSERT INTO payments
WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 40000)
SELECT i,
       1 + (i * 17) % 20000,
       500 + (i * 7919) % 19001,
       json_extract('["card","card","transfer"]', '$[' || (i % 3) || ']'),
       strftime('%Y-%m-%d %H:%M:%S', '2024-02-01 00:00:00', '+' || (i * 19) || ' minutes') || '+00'
FROM numbers;
CREATE INDEX payments_customer_id ON payments (customer_id);

CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    status text NOT NULL,
    ordered_at timestamp with time zone NOT NULL
);
INSERT INTO orders
WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 30000)
SELECT i,
       1 + (i * 13) % 20000,
       json_extract('["paid","paid","shipped","open"]', '$[' || (i % 4) || ']'),
       strftime('%Y-%m-%d %H:%M:%S', '2024-01-15 00:00:00', '+' || (i * 23) || ' minutes') || '+00'
FROM numbers;
CREATE INDEX orders_customer_id ON orders (customer_id);

CREATE TABLE order_items (
    order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line integer NOT NULL,
    product text NOT NULL,
    quantity integer NOT NULL,
    price_cents integer NOT NULL,
    PRIMARY KEY (order_id, line)
);
INSERT INTO order_items
WITH RECURSIVE numbers (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < 59999),
lines AS (SELECT 1 + i / 2 AS o, 1 + i % 2 AS l FROM numbers)
SELECT o,
       l,
       json_extract('["chair","desk","lamp","shelf","sofa"]', '$[' || ((o + l) % 5) || ']'),
       1 + (o * l) % 3,
       1900 + (o * 31 + l * 7) % 30000
FROM lines;

CREATE VIEW open_orders AS
SELECT o.id, o.customer_id, o.ordered_at, CAST(sum(i.quantity * i.price_cents) AS bigint) AS total_cents
FROM orders AS o
JOIN order_items AS i ON i.order_id = o.id
WHERE o.status = 'open'
GROUP BY o.id, o.customer_id, o.ordered_at;
