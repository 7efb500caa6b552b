//! What reading a text costs that was never seen: cut, parse, resolve, print and parse again, beside the
//! parser's own parse of the same text. `make bench-reading` runs it; docs/sql-coverage.md has the figures.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and its inputs are constants"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jurat_sql::{CatalogIndex, NameContext, ReadLimits, SearchPath, Statement, read};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

/// The goal: how much slower than the parser alone.
const GOAL: f64 = 3.0;

/// Runs of which the fastest counts, because the others were disturbed, and calls in each.
const RUNS: usize = 101;
const CALLS: u32 = 20;

const SHORT: &str = "SELECT id, email FROM users WHERE id = $1";

const MEDIUM: &str = "SELECT o.id, o.total, c.name, c.email, count(i.product_id) AS items FROM orders o \
    JOIN customers c ON c.id = o.customer_id LEFT JOIN order_items i ON i.order_id = o.id \
    WHERE o.status = 'open' AND o.placed_at >= now() - interval '30 days' AND c.tier <> 'free' \
    GROUP BY o.id, o.total, c.name, c.email ORDER BY o.total DESC LIMIT 50";

const LONG: &str = "WITH recent AS (SELECT o.id, o.customer_id, o.total, o.placed_at, \
    row_number() OVER (PARTITION BY o.customer_id ORDER BY o.placed_at DESC) AS place FROM orders o \
    WHERE o.placed_at > now() - interval '1 year' AND o.status IN ('open', 'paid', 'sent')), \
    per_customer AS (SELECT r.customer_id, count(*) AS n, sum(r.total) AS spent, \
    max(r.placed_at) FILTER (WHERE r.place = 1) AS last FROM recent r GROUP BY r.customer_id \
    HAVING sum(r.total) > 100), items AS (SELECT r.customer_id, p.name, sum(i.quantity) AS pieces, \
    sum(i.quantity * i.price) AS worth FROM recent r JOIN order_items i ON i.order_id = r.id \
    JOIN products p ON p.id = i.product_id WHERE p.price BETWEEN 1 AND 1000 \
    AND p.name NOT LIKE 'test%' GROUP BY r.customer_id, p.name) \
    SELECT c.id, coalesce(c.name, 'unknown') AS name, lower(c.email) AS email, pc.n, pc.spent, pc.last, \
    CASE WHEN pc.spent > 1000 THEN 'gold' WHEN pc.spent > 500 THEN 'silver' ELSE 'basic' END AS tier, \
    (SELECT max(a.amount) FROM payments a JOIN orders b ON b.id = a.order_id \
    WHERE b.customer_id = c.id AND a.paid_at IS NOT NULL) AS largest, t.name AS best, t.worth \
    FROM customers c JOIN per_customer pc ON pc.customer_id = c.id \
    LEFT JOIN LATERAL (SELECT i.name, i.worth FROM items i WHERE i.customer_id = c.id \
    ORDER BY i.worth DESC NULLS LAST LIMIT 1) t ON true \
    WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id AND o.total > $1) \
    AND (c.phone IS NULL OR c.phone LIKE '+43%' OR substring(c.phone FROM 1 FOR 3) = $2) \
    AND c.created_at < current_timestamp ORDER BY pc.spent DESC, c.id LIMIT 100 OFFSET 20";

/// The time of one call.
fn fastest(mut call: impl FnMut()) -> Duration {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed() / CALLS
    });
    times.min().unwrap()
}

fn main() {
    let catalog = include_str!("../testdata/catalog.json");
    let catalog = CatalogIndex::new(serde_json::from_str(catalog).unwrap());
    let path = vec!["pg_catalog".to_owned(), "public".to_owned()];
    let names = NameContext { search_path: SearchPath::Known(path) };
    let limits = ReadLimits::default();
    println!("| statement | bytes | sqlparser parses | Jurat reads | ratio | goal |");
    println!("|---|---|---|---|---|---|");
    for (name, text) in [("short", SHORT), ("medium", MEDIUM), ("long", LONG)] {
        let reading = read(text.as_bytes(), &names, &catalog, &limits);
        assert!(matches!(reading.statements.as_slice(), [Statement::Parsed(_)]), "{reading:?}");
        let parses = fastest(|| {
            black_box(Parser::parse_sql(&PostgreSqlDialect {}, black_box(text)).unwrap());
        });
        let reads = fastest(|| {
            black_box(read(black_box(text.as_bytes()), &names, &catalog, &limits));
        });
        let ratio = reads.as_secs_f64() / parses.as_secs_f64();
        let (parses, reads) = (parses.as_nanos() as f64 / 1e3, reads.as_nanos() as f64 / 1e3);
        let verdict = if ratio <= GOAL { "met" } else { "missed" };
        println!(
            "| {name} | {} | {parses:.1} µs | {reads:.1} µs | {ratio:.1} × | ≤ {GOAL:.0} × {verdict} |",
            text.len()
        );
    }
}
