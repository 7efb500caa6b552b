//! Reading never panics, whatever the bytes are.

use jurat_sql::{ReadLimits, Statement, read};
use proptest::prelude::*;

use crate::support::{
    catalog, masks, mysql_catalog, mysql_names, names, statements, statements_in,
};

fn read_and_rewrite(text: &str) {
    let reading = read(text.as_bytes(), &names(), &catalog(), &ReadLimits::default());
    let masks =
        masks("public.users.email redact\npublic.customers.phone partial {\"keep_last\": 2}");
    for (index, statement) in reading.statements.iter().enumerate() {
        let facts = statement.facts();
        assert_eq!((facts.index, facts.count), (index, reading.statements.len()));
        // What the reader writes for the parser stays inside.
        let said = serde_json::to_string(facts).unwrap();
        assert!(!said.contains("\\u0000"), "{said}");
        if let Statement::Parsed(parsed) = statement
            && let Ok(rewritten) = parsed.rewrite(&masks)
        {
            assert!(!rewritten.text.is_empty() && !rewritten.text.contains('\0'));
        }
    }
}

fn read_and_rewrite_mysql(text: &str) {
    let (catalog, names, limits) = (mysql_catalog(), mysql_names(), ReadLimits::default());
    let reading = read(text.as_bytes(), &names, &catalog, &limits);
    let masks = masks("shop.users.email redact\nshop.customers.phone partial {\"keep_last\": 2}");
    for statement in &reading.statements {
        let said = serde_json::to_string(statement.facts()).unwrap();
        assert!(!said.contains("\\u0000"), "{said}");
        let Statement::Parsed(parsed) = statement else { continue };
        // What is sent reads as what was judged.
        let again = read(parsed.text().as_bytes(), &names, &catalog, &limits);
        let [again] = again.statements.as_slice() else { panic!("{text:?}: {}", parsed.text()) };
        assert_eq!(again.facts().kind, statement.facts().kind, "{text:?}: {}", parsed.text());
        assert_eq!(again.facts().columns, statement.facts().columns, "{text:?}: {}", parsed.text());
        if let Ok(rewritten) = parsed.rewrite(&masks) {
            assert!(!rewritten.text.is_empty() && !rewritten.text.contains('\0'));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_a_panic(text in "\\PC{0,200}") {
        read_and_rewrite(&text);
    }

    #[test]
    fn any_text_of_mysql_is_read_without_a_panic(text in "[ -~\n\té]{0,120}") {
        read_and_rewrite_mysql(&text);
    }

    /// As below, for MySQL and MariaDB.
    #[test]
    fn mutations_of_statements_of_mysql_are_read_without_a_panic(
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        repeat in 0_usize..3,
    ) {
        let all = statements_in("testdata/mysql");
        let chars: Vec<char> = one.get(&all).chars().collect();
        let piece: String = other.get(&all).chars().take(30).collect();
        let (from, to) = (from.index(chars.len()), to.index(chars.len()));
        let (from, to) = (from.min(to), from.max(to));
        let text: String = chars[..from]
            .iter()
            .copied()
            .chain(piece.repeat(repeat).chars())
            .chain(chars[to..].iter().copied())
            .collect();
        read_and_rewrite_mysql(&text);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let reading = read(&bytes, &names(), &catalog(), &ReadLimits::default());
        prop_assert!(reading.statements.len() <= 100);
    }

    /// Golden statements with a piece cut out, doubled, or replaced by a piece of another one.
    #[test]
    fn mutations_of_statements_are_read_without_a_panic(
        one in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        repeat in 0_usize..3,
    ) {
        let all = statements();
        let chars: Vec<char> = one.get(&all).chars().collect();
        let piece: String = other.get(&all).chars().take(30).collect();
        let (from, to) = (from.index(chars.len()), to.index(chars.len()));
        let (from, to) = (from.min(to), from.max(to));
        let text: String = chars[..from]
            .iter()
            .copied()
            .chain(piece.repeat(repeat).chars())
            .chain(chars[to..].iter().copied())
            .collect();
        read_and_rewrite(&text);
    }
}
