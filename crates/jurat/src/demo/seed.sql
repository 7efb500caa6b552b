-- The shop of the demo: the same rows every time, made of nothing but arithmetic.
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
SELECT i,
       first || ' ' || last,
       lower(first) || '.' || lower(last) || '.' || i || '@mail.example',
       '+49 151 ' || lpad(((i::bigint * 7919) % 10000000)::text, 7, '0'),
       '4' || lpad(((i::bigint * 48271003571 + 271828182845) % 1000000000000000)::text, 15, '0'),
       (ARRAY['free', 'free', 'free', 'plus', 'pro'])[1 + i % 5],
       timestamptz '2024-01-01 00:00:00+00' + i * interval '37 minutes'
FROM (
    SELECT i,
           (ARRAY['Ada', 'Ben', 'Carla', 'Deniz', 'Emil', 'Fatma', 'Goran', 'Hana'])[1 + i % 8] AS first,
           (ARRAY['Adler', 'Berg', 'Costa', 'Dupont', 'Evans', 'Fischer', 'Garcia'])[1 + i % 7] AS last
    FROM generate_series(1, 20000) AS i
) AS people;

CREATE TABLE payments (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    amount_cents integer NOT NULL,
    method text NOT NULL,
    paid_at timestamp with time zone NOT NULL
);
INSERT INTO payments
SELECT i,
       1 + (i * 17) % 20000,
       500 + (i * 7919) % 19001,
       (ARRAY['card', 'card', 'transfer'])[1 + i % 3],
       timestamptz '2024-02-01 00:00:00+00' + i * interval '19 minutes'
FROM generate_series(1, 40000) AS i;

CREATE TABLE orders (
    id integer PRIMARY KEY,
    customer_id integer NOT NULL REFERENCES customers,
    status text NOT NULL,
    ordered_at timestamp with time zone NOT NULL
);
INSERT INTO orders
SELECT i,
       1 + (i * 13) % 20000,
       (ARRAY['paid', 'paid', 'shipped', 'open'])[1 + i % 4],
       timestamptz '2024-01-15 00:00:00+00' + i * interval '23 minutes'
FROM generate_series(1, 30000) AS i;

CREATE TABLE order_items (
    order_id integer NOT NULL REFERENCES orders ON DELETE CASCADE,
    line integer NOT NULL,
    product text NOT NULL,
    quantity integer NOT NULL,
    price_cents integer NOT NULL,
    PRIMARY KEY (order_id, line)
);
INSERT INTO order_items
SELECT o,
       l,
       (ARRAY['chair', 'desk', 'lamp', 'shelf', 'sofa'])[1 + (o + l) % 5],
       1 + (o * l) % 3,
       1900 + (o * 31 + l * 7) % 30000
FROM generate_series(1, 30000) AS o, generate_series(1, 2) AS l;

CREATE VIEW open_orders AS
SELECT o.id, o.customer_id, o.ordered_at, sum(i.quantity * i.price_cents) AS total_cents
FROM orders AS o
JOIN order_items AS i ON i.order_id = o.id
WHERE o.status = 'open'
GROUP BY o.id, o.customer_id, o.ordered_at;

ANALYZE;
