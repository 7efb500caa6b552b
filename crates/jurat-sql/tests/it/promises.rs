//! Promises that hold for every statement, checked on all goldens.

use jurat_sql::{CatalogIndex, NameContext, ReadLimits, SearchPath, Statement, read};

use crate::support::{catalog, masks, names, statements};

/// The one statement of a text.
fn one(text: &str, names: &NameContext, catalog: &CatalogIndex) -> Statement {
    let mut reading = read(text.as_bytes(), names, catalog, &ReadLimits::default());
    assert_eq!(reading.statements.len(), 1, "{text}");
    reading.statements.remove(0)
}

/// Reading what is sent gives the same facts again: what was judged is what runs.
#[test]
fn the_canonical_text_reads_as_itself() {
    let catalog = catalog();
    let mut n_read = 0;
    for text in statements() {
        let reading = read(text.as_bytes(), &names(), &catalog, &ReadLimits::default());
        for statement in &reading.statements {
            let Statement::Parsed(parsed) = statement else { continue };
            let mut again = one(parsed.text(), &names(), &catalog).facts().clone();
            again.index = statement.facts().index;
            again.count = statement.facts().count;
            assert_eq!(&again, statement.facts());
            n_read += 1;
        }
    }
    assert!(n_read > 250, "{n_read}");
}

/// The canonical text of a query or a write needs no search path for its relations.
#[test]
fn relations_are_qualified() {
    let catalog = catalog();
    let empty = NameContext { search_path: SearchPath::Known(vec!["pg_catalog".to_owned()]) };
    for text in [
        "SELECT u.email FROM users u JOIN orders ON orders.id = u.id",
        "UPDATE users SET email = 'x' FROM orders o WHERE o.id = users.id",
        "DELETE FROM payments USING orders WHERE orders.id = payments.order_id",
        "INSERT INTO audit_log (what) SELECT email FROM users",
        "WITH users AS (SELECT id FROM users) SELECT users.id FROM users",
        "EXPLAIN SELECT id FROM users",
        "DECLARE c CURSOR FOR SELECT id FROM users",
        "PREPARE p AS SELECT id FROM users",
        "COPY (SELECT id FROM users) TO STDOUT",
        "CREATE TABLE t AS SELECT id, 'happy'::mood AS m FROM users",
    ] {
        let Statement::Parsed(parsed) = one(text, &names(), &catalog) else { panic!("{text}") };
        let again = one(parsed.text(), &empty, &catalog);
        assert!(matches!(again, Statement::Parsed(_)), "{} of {text}", parsed.text());
    }
}

/// Without a search path only qualified names can be read.
#[test]
fn an_unknown_search_path_reads_no_bare_name() {
    let catalog = catalog();
    let unknown = NameContext { search_path: SearchPath::Unknown };
    for (text, parsed) in [
        ("SELECT id FROM public.users", true),
        ("SELECT pg_catalog.lower(email) FROM public.users", true),
        ("SELECT 1", true),
        ("BEGIN", true),
        ("SELECT id FROM users", false),
        ("SELECT lower('a')", false),
        ("DROP TABLE users", false),
        ("SELECT 'a'::mood", false),
    ] {
        let statement = one(text, &unknown, &catalog);
        assert_eq!(matches!(statement, Statement::Parsed(_)), parsed, "{text}");
    }
}

/// A path in which another schema hides `pg_catalog` decides nothing.
#[test]
fn pg_catalog_must_come_first() {
    let catalog = catalog();
    let evil = NameContext {
        search_path: SearchPath::Known(vec!["public".to_owned(), "pg_catalog".to_owned()]),
    };
    assert!(matches!(one("SELECT id FROM users", &evil, &catalog), Statement::Opaque(_)));
    let temporary = NameContext {
        search_path: SearchPath::Known(vec![
            "pg_temp_3".to_owned(),
            "pg_catalog".to_owned(),
            "public".to_owned(),
        ]),
    };
    assert!(matches!(one("SELECT id FROM users", &temporary, &catalog), Statement::Parsed(_)));
}

/// After a rewrite the masked columns stand inside the derived tables only: masked once more, the
/// text changes nowhere else.
#[test]
fn a_rewritten_text_can_be_read_and_holds_its_masks() {
    let catalog = catalog();
    let active = masks("public.users.ssn redact\npublic.customers.email null");
    let mut n_rewritten = 0;
    for text in statements() {
        let reading = read(text.as_bytes(), &names(), &catalog, &ReadLimits::default());
        for statement in &reading.statements {
            let Statement::Parsed(parsed) = statement else { continue };
            let Ok(rewritten) = parsed.rewrite(&active) else { continue };
            if rewritten.text == parsed.text() {
                continue;
            }
            n_rewritten += 1;
            let again = one(&rewritten.text, &names(), &catalog);
            assert!(matches!(again, Statement::Parsed(_)), "{}", rewritten.text);
            let mut rest = rewritten.text.clone();
            for piece in [
                "CAST(CASE WHEN ssn IS NULL THEN NULL ELSE CAST('***' AS TEXT) END AS TEXT) AS ssn",
                "CAST(NULL AS TEXT) AS email",
            ] {
                rest = rest.replace(piece, "masked");
            }
            // No masked column is shown as it is.
            let shown = again.facts().columns.iter().find(|column| {
                ["public.users.ssn", "public.customers.email"].contains(&column.id.as_str())
                    && column.mode == jurat_types::ColumnMode::Direct
                    && column.role != jurat_types::ColumnRole::Assigned
            });
            assert!(shown.is_none(), "{shown:?} in {}", rewritten.text);
            // Every read of a masked table is the one inside its derived table, or the table has to stay.
            let stays = ["GROUP BY", "TABLESAMPLE", "ctid", "xmin"];
            if stays.iter().any(|word| rewritten.text.contains(word)) {
                continue;
            }
            for (table, before) in
                [("public.users", "profile FROM "), ("public.customers", "created_at FROM ")]
            {
                let reads = rest.matches(table).count();
                let masked = rest.matches(&format!("{before}{table}")).count();
                assert!(
                    reads == masked
                        || statement.facts().class == jurat_types::StatementClass::Write,
                    "{}",
                    rewritten.text
                );
            }
        }
    }
    assert!(n_rewritten > 40, "{n_rewritten}");
}

/// No literal of a statement stands in a reason or in a redacted text.
#[test]
fn reasons_and_redacted_texts_hold_no_literal() {
    let catalog = catalog();
    for text in [
        "SELECT 'canary' FROM FROM",
        "SELECT * FROM nowhere WHERE a = 'canary'",
        "SELECT frobnicate('canary')",
        "INSERT INTO users VALUES ('canary'",
        "SELECT $tag$canary$tag$ || E'canary' || x'ca' FROM users u 'canary'",
        "SELECT 1 'canary'",
        "SELECT /* canary */ 1 -- canary",
    ] {
        let reading = read(text.as_bytes(), &names(), &catalog, &ReadLimits::default());
        for statement in &reading.statements {
            assert!(!statement.redacted().contains("canary"), "{text}: {}", statement.redacted());
            if let Statement::Opaque(opaque) = statement {
                assert!(!opaque.reason().contains("canary"), "{text}: {}", opaque.reason());
            }
        }
    }
}

/// What is over a limit, is not UTF-8 or holds a NUL byte is one opaque statement.
#[test]
fn bad_bytes_are_one_opaque_statement() {
    let catalog = catalog();
    let limits = ReadLimits { bytes_max: 100, tokens_max: 20, statements_max: 3, nesting_max: 4 };
    for (bytes, reason) in [
        (&b"SELECT '\xff'"[..], "the text is not valid UTF-8"),
        (b"SELECT 1\0", "the text has a NUL byte"),
        (&[b' '; 101], "the text is longer than 100 bytes"),
        (
            b"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21",
            "the text has more than 20 tokens",
        ),
        (b"SELECT 1;SELECT 2;;SELECT 3;SELECT 4", "the text has more than 3 statements"),
        (b"SELECT (((((1)))))", "brackets or clauses are nested more than 4 deep"),
    ] {
        let reading = read(bytes, &names(), &catalog, &limits);
        let [Statement::Opaque(opaque)] = reading.statements.as_slice() else { panic!("{reason}") };
        assert_eq!(opaque.reason(), reason);
        assert_eq!(opaque.text().is_some(), std::str::from_utf8(bytes).is_ok());
    }
    assert!(read(b" -- nothing\n;;", &names(), &catalog, &limits).statements.is_empty());
}

/// A definition is written for the path of the session that asked, whatever schema goes first there.
#[test]
fn definitions_are_read_under_the_path_that_they_were_written_for() {
    let text = include_str!("../../testdata/catalog.json");
    let mut catalog: jurat_types::Catalog = serde_json::from_str(text).unwrap();
    let active = masks("public.customers.email null");
    let rewritten = |catalog: &jurat_types::Catalog| {
        let index = CatalogIndex::new(catalog.clone());
        let Statement::Parsed(parsed) = one("SELECT email FROM customer_emails", &names(), &index)
        else {
            panic!("opaque")
        };
        parsed.rewrite(&active).map(|rewritten| rewritten.text).map_err(|error| error.to_string())
    };
    let masked = "SELECT email FROM (SELECT id, CAST(NULL AS TEXT) AS email FROM public.customer_emails) \
                  AS customer_emails";
    for path in [&["pg_catalog", "public"][..], &["app", "pg_catalog", "public"]] {
        catalog.definition_path = path.iter().map(|&schema| schema.to_owned()).collect();
        assert_eq!(rewritten(&catalog).as_deref(), Ok(masked), "{path:?}");
    }
    // A name that is not found is not guessed.
    catalog.definition_path = vec!["pg_catalog".to_owned(), "app".to_owned()];
    let refused = rewritten(&catalog).unwrap_err();
    assert!(refused.contains("whose definition is not understood"), "{refused}");
}

/// Views that read each other, which no server has, and long chains of views end.
#[test]
fn views_that_read_each_other_end() {
    let text = include_str!("../../testdata/catalog.json");
    let mut catalog: jurat_types::Catalog = serde_json::from_str(text).unwrap();
    let template =
        catalog.relations.iter().find(|view| view.name.name == "gold_emails").unwrap().clone();
    for n in 0..60 {
        let mut view = template.clone();
        view.name.name = format!("chain_{n}");
        let next = (n + 1) % 60;
        view.definition = Some(format!(
            "SELECT a.id, b.address FROM chain_{next} a JOIN chain_{next} b ON a.id = b.id;"
        ));
        view.reads.clear();
        catalog.relations.push(view);
    }
    let index = CatalogIndex::new(catalog);
    let read = one("SELECT address FROM chain_0", &names(), &index);
    assert!(matches!(read, Statement::Parsed(_)));
}

/// RETURNING sees the row before and after, where the server has them.
#[test]
fn old_and_new_rows_are_masked() {
    let text = include_str!("../../testdata/catalog.json");
    let mut catalog: jurat_types::Catalog = serde_json::from_str(text).unwrap();
    let active = masks("public.users.ssn null");
    let query = "UPDATE users SET active = true WHERE id = 1 RETURNING old.ssn, new.*, old, id";
    let opaque = one(query, &names(), &CatalogIndex::new(catalog.clone()));
    assert!(matches!(opaque, Statement::Opaque(_)));
    catalog.server_version = "18.1".to_owned();
    let Statement::Parsed(parsed) = one(query, &names(), &CatalogIndex::new(catalog)) else {
        panic!("opaque")
    };
    assert_eq!(
        parsed.rewrite(&active).unwrap().text,
        "UPDATE public.users SET active = true WHERE id = 1 RETURNING CAST(NULL AS TEXT) AS ssn, \
         new.id, new.email, CAST(NULL AS TEXT) AS ssn, new.active, new.profile, \
         (SELECT old FROM (SELECT old.id AS id, old.email AS email, CAST(NULL AS TEXT) AS ssn, \
         old.active AS active, old.profile AS profile) AS old), id"
    );
}

/// Calls that are part of the grammar stay as they are; in quotes they are functions, which have to be known.
#[test]
fn calls_of_the_grammar_are_not_qualified() {
    let text = include_str!("../../testdata/catalog.json");
    let mut catalog: jurat_types::Catalog = serde_json::from_str(text).unwrap();
    catalog.server_version = "17.2".to_owned();
    let index = CatalogIndex::new(catalog);
    for text in [
        "SELECT coalesce(email, ssn) FROM public.users",
        "SELECT json_arrayagg(id) FROM public.users",
    ] {
        assert_eq!(one(text, &names(), &index).facts().text, text);
    }
    let quoted = "SELECT \"row\"(email) FROM public.users";
    assert!(one(quoted, &names(), &index).facts().functions.iter().any(|f| f.id.ends_with(".row")));
}
