//! Trees as deep as the limits allow, on a small stack.

use jurat_sql::{ReadLimits, Statement, read};

use crate::support::{catalog, masks, mysql_catalog, mysql_names, names};

/// Reads, rewrites and drops on a stack of 2 MiB, as a thread of the runtime has it.
fn survives(text: String, limits: ReadLimits) -> bool {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            let reading = read(text.as_bytes(), &names(), &catalog(), &limits);
            assert_eq!(reading.statements.len(), 1);
            match &reading.statements[0] {
                Statement::Parsed(parsed) => {
                    let masks = masks("public.users.email redact");
                    drop(parsed.rewrite(&masks));
                    true
                }
                Statement::Opaque(opaque) => {
                    assert!(!opaque.reason().is_empty());
                    false
                }
            }
        })
        .unwrap()
        .join()
        .unwrap()
}

/// The same on MariaDB.
fn survives_mysql(text: String, limits: ReadLimits) {
    std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            let reading = read(text.as_bytes(), &mysql_names(), &mysql_catalog(), &limits);
            assert_eq!(reading.statements.len(), 1);
            if let Statement::Parsed(parsed) = &reading.statements[0] {
                drop(parsed.rewrite(&masks("shop.users.email redact")));
            }
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn long_chains_of_mysql_do_not_overflow_the_stack() {
    for (start, part, n) in [
        ("SELECT email, 1", " + 1", 5_000),
        ("SELECT 1", " DIV 1", 5_000),
        ("SELECT 1", " && 1", 5_000),
        ("SELECT", " !", 5_000),
        ("SELECT", " BINARY", 5_000),
        ("SELECT", " INTERVAL", 5_000),
        ("SELECT 1", " - - 1", 5_000),
        ("SELECT 1", " COLLATE utf8mb4_bin", 5_000),
        ("SELECT * FROM users", " JOIN users USING (id)", 1_000),
        ("UPDATE users", ", users", 5_000),
        ("EXPLAIN", " EXPLAIN", 5_000),
        ("SELECT ", "(", 5_000),
        ("SELECT details", "->'$.a'", 5_000),
        ("SET @a = 1", " + 1", 5_000),
        ("DO 1", ", 1", 5_000),
    ] {
        let text = format!("{start}{}", part.repeat(n));
        survives_mysql(text.clone(), wide());
        survives_mysql(text, ReadLimits::default());
    }
}

/// Limits that let 20,000 terms through, to meet the deepest trees that could ever be asked for.
fn wide() -> ReadLimits {
    ReadLimits { tokens_max: 100_000, ..ReadLimits::default() }
}

#[test]
fn long_chains_do_not_overflow_the_stack() {
    for (start, part, n) in [
        ("SELECT email, 1", " + 1", 20_000),
        ("SELECT id FROM users WHERE true", " AND true", 20_000),
        ("SELECT 1", "::int", 20_000),
        ("SELECT 1", " OPERATOR(pg_catalog.+) 1", 5_000),
        ("SELECT 1", " UNION ALL SELECT 1", 5_000),
        ("SELECT * FROM users", " JOIN users USING (id)", 3_000),
        ("SELECT 'a'", " || 'a'", 20_000),
        ("SELECT x", ".x", 20_000),
        ("SELECT NULL::int", "[]", 20_000),
        ("SELECT a", "[1]", 10_000),
        ("SELECT 1", " IS NULL", 20_000),
        ("SELECT 1", " ISNULL", 20_000),
        ("SELECT 1", " NOTNULL", 20_000),
        ("SELECT", " UNION SELECT", 10_000),
        ("SELECT 1", " COLLATE \"C\"", 20_000),
        ("SELECT 1", " AT TIME ZONE 'UTC'", 5_000),
    ] {
        let text = format!("{start}{}", part.repeat(n));
        survives(text.clone(), wide());
        survives(text, ReadLimits::default());
    }
}

#[test]
fn a_chain_within_the_limits_is_read() {
    assert!(survives(format!("SELECT 1{}", " + 1".repeat(2_000)), ReadLimits::default()));
    assert!(survives(
        format!("SELECT 1 WHERE true{}", " AND true".repeat(4_000)),
        ReadLimits::default()
    ));
}

#[test]
fn deep_nesting_is_refused_before_the_parser_sees_it() {
    for (open, close) in [
        ("(", ")"),
        ("(SELECT ", ")"),
        ("ARRAY[", "]"),
        ("CASE WHEN ", " THEN 1 END"),
        ("NOT ", ""),
        ("- ", ""),
        ("f(", ")"),
        ("EXISTS (SELECT 1 WHERE ", ")"),
        ("INTERVAL ", ""),
        ("CAST(", " AS int)"),
    ] {
        for n in [40, 90, 1_000, 10_000] {
            let text = format!("SELECT {}1{}", open.repeat(n), close.repeat(n));
            survives(text, wide());
        }
    }
    for n in [10, 50, 5_000] {
        survives(format!("SELECT * FROM {}users{}", "(".repeat(n), ")".repeat(n)), wide());
        survives(format!("SELECT * FROM users{}", " JOIN users".repeat(n)), wide());
        survives(format!("{}SELECT 1", "EXPLAIN ".repeat(n)), wide());
        survives(
            format!("SELECT * FROM {}users{}", "(SELECT * FROM ".repeat(n), ") x".repeat(n)),
            wide(),
        );
        survives(format!("SELECT * FROM {}users{}", "LATERAL (".repeat(n), ")".repeat(n)), wide());
    }
}
