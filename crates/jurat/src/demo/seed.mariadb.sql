-- The shop of the demo in MariaDB's words: the same rows as in seed.sql.
CREATE TABLE customers (
    id integer PRIMARY KEY,
    name varchar(100) NOT NULL,
    email varchar(100) NOT NULL,
    phone varchar(30) NOT NULL,
    card varchar(20) NOT NULL,
    tier varchar(10) NOT NULL,
    created_at datetime NOT NULL
);
INSERT INTO customers
SELECT seq,
       concat(first, ' ', last),
       concat(lower(first), '.', lower(last), '.', seq, '@mail.example'),
       concat('+49 151 ', lpad((seq * 7919) % 10000000, 7, '0')),
       concat('4', lpad((seq * 48271003571 + 271828182845) % 1000000000000000, 15, '0')),
       elt(1 + seq % 5, 'free', 'free', 'free', 'plus', 'pro'),
       timestamp '2024-01-01 00:00:00' + INTERVAL seq * 37 MINUTE
FROM (
    SELECT seq,
           elt(1 + seq % 8, 'Ada', 'Ben', 'Carla', 'Deniz', 'Emil', 'Fatma', 'Goran', 'Hana') AS first,
           elt(1 + seq % 7, 'Adler', 'Berg', 'Costa', 'Dupont', 'Evans', 'Fischer', 'Garcia') AS last
    FROM seq_1_to_20000
) AS people;

CREATE TABLE payments (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    amount_cents integer NOT NULL,
    method varchar(10) NOT NULL,
    paid_at datetime NOT NULL
);
INSERT INTO payments
SELECT seq,
       1 + (seq * 17) % 20000,
       500 + (seq * 7919) % 19001,
       elt(1 + seq % 3, 'card', 'card', 'transfer'),
       timestamp '2024-02-01 00:00:00' + INTERVAL seq * 19 MINUTE
FROM seq_1_to_40000;

CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers (id),
    status varchar(10) NOT NULL,
    ordered_at datetime NOT NULL
);
INSERT INTO orders
SELECT seq,
       1 + (seq * 13) % 20000,
       elt(1 + seq % 4, 'paid', 'paid', 'shipped', 'open'),
       timestamp '2024-01-15 00:00:00' + INTERVAL seq * 23 MINUTE
FROM seq_1_to_30000;

CREATE TABLE order_items (
    order_id integer NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    line integer NOT NULL,
    product varchar(10) NOT NULL,
    quantity integer NOT NULL,
    price_cents integer NOT NULL,
    PRIMARY KEY (order_id, line)
);
INSERT INTO order_items
SELECT o.seq,
       l.seq,
       elt(1 + (o.seq + l.seq) % 5, 'chair', 'desk', 'lamp', 'shelf', 'sofa'),
       1 + (o.seq * l.seq) % 3,
       1900 + (o.seq * 31 + l.seq * 7) % 30000
FROM seq_1_to_30000 AS o, seq_1_to_2 AS l;

CREATE VIEW open_orders AS
SELECT o.id, o.customer_id, o.ordered_at, sum(i.quantity * i.price_cents) AS total_cents
FROM orders AS o
JOIN order_items AS i ON i.order_id = o.id
WHERE o.status = 'open'
GROUP BY o.id, o.customer_id, o.ordered_at;
