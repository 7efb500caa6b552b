//! Threat: a masked value is not shown, but asked about until it is known.
//!
//! Without more, nothing may be asked (`sideways.rs`). Here policy lets something be asked, and the question
//! is whether anything else can be.

use super::sideways;
use crate::harness::{Setup, Shop, canary};

/// Ana's masks, with one mode for the columns of a table of its own.
fn policy(predicates: &str) -> Setup {
    let text = format!(
        r#"package jurat.modes
masks contains {{
    "id": "modes.redact",
    "column": {{"label": "test.asked"}},
    "method": "redact",
    "predicates": "{predicates}",
}} if input.statement
"#
    );
    // The labels of the harness are replaced, so that no shipped mask is in the way.
    let labels = r#"{"jurat": {"catalog": {
        "public.customers.email": ["test.asked"],
        "public.customers.ssn": ["test.asked"],
        "public.customers.card": ["test.asked"],
        "public.secrets.token": ["test.asked"]
    }}}"#;
    Setup::default().policy("modes.rego", text).policy("data.json", labels)
}

#[tokio::test]
async fn masked_answers_about_the_mask_and_shows_no_value() {
    let Some(shop) = Shop::open(policy("masked")).await else { return };
    for case in sideways::ASKING {
        let mut wire = shop.wire("ana").await;
        for text in case.texts {
            wire.run(text).await;
            wire.run_extended(text, 0).await;
            wire.run_extended(text, 1).await;
        }
        assert_eq!(canary::find(&wire.received), None, "{}", case.name);
    }
    let mut wire = shop.wire("ana").await;
    for (text, value) in [
        ("SELECT count(*) FROM customers WHERE email LIKE 'canary%'", "0"),
        ("SELECT count(*) FROM customers WHERE ssn = '999-55-0007'", "0"),
        ("SELECT count(*) FROM customers WHERE email = '***'", "20"),
        ("SELECT count(DISTINCT ssn) FROM customers", "1"),
        ("SELECT count(*) FROM (SELECT card FROM customers GROUP BY card) q", "1"),
        ("SELECT count(*) FROM customers a JOIN customers b ON a.email = b.email", "400"),
        ("SELECT count(*) FROM customers WHERE substr(ssn, 8) > '0005'", "0"),
    ] {
        let mut direct = shop.direct_wire().await;
        assert_ne!(direct.run(text).await.value(), value, "directly it says the same: {text}");
        for format in [None, Some(0)] {
            let reply = match format {
                None => wire.run(text).await,
                Some(format) => wire.run_extended(text, format).await,
            };
            assert_eq!(reply.sqlstate(), "00000", "{text}: {:?}", reply.error());
            assert_eq!(reply.value(), value, "{text}");
        }
    }
    // What is written is compared with the real value, and stays refused.
    let reply = wire.run("DELETE FROM customers WHERE email = 'canary7@leak.example'").await;
    assert_eq!(reply.sqlstate(), "42501");
    shop.close().await;
}

#[tokio::test]
async fn equality_finds_what_is_known_and_answers_nothing_else() {
    let Some(shop) = Shop::open(policy("equality")).await else { return };
    let mut wire = shop.wire("ana").await;
    let mut direct = shop.direct_wire().await;
    for text in [
        "SELECT id, name FROM customers WHERE email = 'canary7@leak.example'",
        "SELECT c.id FROM customers c WHERE c.ssn IN ('999-55-0007', '999-55-0009') ORDER BY id",
        "SELECT c.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.email = 'canary3@leak.example' ORDER BY o.id",
        "SELECT c.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND false WHERE '999-55-0004' = c.ssn",
        "SELECT count(*) FROM customers WHERE email = ANY('{canary1@leak.example,nobody}')",
        "SELECT id FROM customers WHERE ssn = '999-55-0007' AND id = 8",
    ] {
        let expected = direct.run(text).await.rows();
        assert_eq!(wire.run(text).await.rows(), expected, "{text}");
        assert_eq!(wire.run_extended(text, 0).await.rows(), expected, "{text}");
        assert_eq!(
            wire.run_extended(text, 1).await.rows().len(),
            expected.len(),
            "in binary: {text}"
        );
    }
    let shown = wire.run("SELECT email FROM customers WHERE ssn = '999-55-0007'").await;
    assert_eq!(shown.value(), "***");
    assert_eq!(canary::find(&wire.received), None);
    shop.close().await;
}

#[tokio::test]
async fn equality_with_parameters_of_the_protocol() {
    let Some(shop) = Shop::open(policy("equality")).await else { return };
    let session = shop.connect("ana").await;
    let found = session
        .query("SELECT id FROM customers WHERE email = $1", &[&"canary7@leak.example"])
        .await
        .unwrap();
    assert_eq!(found.iter().map(|row| row.get::<_, i32>(0)).collect::<Vec<_>>(), [7]);
    let list = vec!["999-55-0002".to_owned(), "999-55-0004".to_owned(), "none".to_owned()];
    let found = session
        .query("SELECT id FROM customers WHERE ssn = ANY($1) AND id > $2 ORDER BY id", &[&list, &2])
        .await
        .unwrap();
    assert_eq!(found.iter().map(|row| row.get::<_, i32>(0)).collect::<Vec<_>>(), [4]);
    let writer = shop.connect("shopd").await;
    let changed = writer
        .execute("UPDATE customers SET tier = 'found' WHERE email = $1", &[&"canary9@leak.example"])
        .await
        .unwrap();
    assert_eq!(changed, 1);
    assert_eq!(shop.count("SELECT id::int8 FROM customers WHERE tier = 'found'").await, 9);
    shop.close().await;
}

/// Every other question of the catalogue is refused as it is without the mode.
#[tokio::test]
async fn equality_refuses_every_other_question() {
    let Some(shop) = Shop::open(policy("equality")).await else { return };
    let mut ran = Vec::new();
    for case in sideways::ASKING.iter().filter(|case| case.fate == super::Fate::Denied) {
        let exact = case.texts.iter().any(|text| text.contains("WHERE ssn = '"))
            || case.texts.iter().any(|text| text.contains("ssn IN ('1', '2')"));
        let mut wire = shop.wire("ana").await;
        let mut refused = false;
        for text in case.texts {
            refused |= wire.run(text).await.error().is_some();
            refused |= wire.run_extended(text, 0).await.error().is_some();
        }
        assert_eq!(canary::find(&wire.received), None, "{}", case.name);
        if !refused && !exact {
            ran.push(case.name);
        }
    }
    assert_eq!(ran, Vec::<&str>::new());
    shop.close().await;
}
