//! Threat: a masked value is not shown, but asked about until it is known. Here policy lets something be asked, and
//! the question is whether anything else can be.

use crate::harness::{
    Protocol, Setup,
    both::{WAYS, Way, both},
};

both!(
    equality_finds_what_is_known_and_answers_nothing_else,
    masked_answers_about_the_mask_and_shows_no_value,
    nothing_is_answered_where_policy_says_nothing,
);

/// Ana's masks, with one mode for the columns of a table of its own. The labels of the harness are replaced, so that
/// no shipped mask is in the way.
fn policy(on: Protocol, mode: &str) -> Setup {
    let text = format!(
        r#"package jurat.modes
masks contains {{
    "id": "modes.redact",
    "column": {{"label": "test.asked"}},
    "method": "redact",
    {mode}
}} if input.statement
"#
    );
    let labels = r#"{"jurat": {"catalog": {
        "public.customers.email": ["test.asked"],
        "public.customers.ssn": ["test.asked"],
        "public.customers.card": ["test.asked"],
        "public.secrets.token": ["test.asked"]
    }}}"#;
    on.setup().policy("modes.rego", text).policy("data.json", on.write(labels))
}

/// Questions, and what the answer is about the mask.
const ASKED: &[(&str, &str)] = &[
    ("SELECT COUNT(*) FROM customers WHERE email LIKE 'c_nary%'", "0"),
    ("SELECT COUNT(*) FROM customers WHERE ssn = CONCAT('999', '-55-0007')", "0"),
    ("SELECT COUNT(*) FROM customers WHERE email = '***'", "20"),
    ("SELECT COUNT(DISTINCT ssn) FROM customers", "1"),
    ("SELECT COUNT(*) FROM (SELECT card FROM customers GROUP BY card) q", "1"),
    ("SELECT COUNT(*) FROM customers a JOIN customers b ON a.email = b.email", "400"),
    ("SELECT COUNT(*) FROM customers WHERE SUBSTR(ssn, 8) > '0005'", "0"),
    ("SELECT ssn, COUNT(*) FROM customers GROUP BY ssn ORDER BY ssn", "***"),
    ("SELECT MAX(email) FROM customers HAVING MAX(email) < 'c'", "***"),
];

async fn masked_answers_about_the_mask_and_shows_no_value(on: Protocol) {
    let Some(shop) = on.open(policy(on, "\"predicates\": \"masked\"")).await else { return };
    let mut session = shop.session("ana").await;
    let mut direct = shop.direct().await;
    for (text, value) in ASKED {
        let shown = direct.one(text).await.rows.concat().into_iter().next().flatten();
        assert_ne!(shown.as_deref(), Some(*value), "directly it says the same: {text}");
        for way in WAYS {
            assert_eq!(session.run(text, way).await.worked(text).value(), *value, "{text}");
        }
    }
    // What is written is compared with the real value, and stays refused.
    for text in [
        "DELETE FROM customers WHERE email = 'nobody'",
        "UPDATE customers SET tier = 'x' WHERE ssn LIKE '9%'",
    ] {
        session.run(text, Way::Text).await.denied(text);
    }
    assert_eq!(session.leaked(), None);
    shop.close().await;
}

async fn equality_finds_what_is_known_and_answers_nothing_else(on: Protocol) {
    let Some(shop) = on.open(policy(on, "\"predicates\": \"equality\"")).await else { return };
    let mut session = shop.session("ana").await;
    let mut direct = shop.direct().await;
    for text in [
        "SELECT id, name FROM customers WHERE email = 'canary7@leak.example'",
        "SELECT c.id FROM customers c WHERE c.ssn IN ('999-55-0007', '999-55-0009') ORDER BY id",
        "SELECT c.id FROM customers c JOIN orders o ON o.customer_id = c.id WHERE c.EMAIL = 'canary3@leak.example' ORDER BY o.id",
        "SELECT c.id FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND 1 = 0 WHERE '999-55-0004' = c.ssn",
        "SELECT id FROM customers WHERE ssn = '999-55-0007' AND id = 8",
    ] {
        let expected = direct.one(text).await.rows;
        for way in WAYS {
            assert_eq!(session.run(text, way).await.worked(text).rows, expected, "{text}");
        }
    }
    let shown = "SELECT email FROM customers WHERE ssn = '999-55-0007'";
    assert_eq!(session.value(shown).await, "***");
    for text in REFUSED {
        for way in WAYS {
            session.run(text, way).await.denied(text);
        }
    }
    assert_eq!(session.leaked(), None);
    shop.close().await;
}

/// Questions that are more than whether a value is a known one.
const REFUSED: &[&str] = &[
    "SELECT id FROM customers WHERE ssn LIKE '9%'",
    "SELECT id FROM customers WHERE ssn >= '9'",
    "SELECT id FROM customers WHERE ssn <> '9'",
    "SELECT id FROM customers WHERE ssn IS NULL",
    "SELECT id FROM customers WHERE ssn BETWEEN '1' AND '9'",
    "SELECT id FROM customers WHERE SUBSTR(ssn, 1, 1) = '9'",
    "SELECT id FROM customers WHERE ssn = email",
    "SELECT id FROM customers WHERE ssn = 'x' OR id = 1",
    "SELECT id FROM customers WHERE NOT ssn = 'x'",
    "SELECT id FROM customers ORDER BY ssn",
    "SELECT COUNT(*) FROM customers GROUP BY ssn",
    "SELECT COUNT(DISTINCT ssn) FROM customers",
    "SELECT a.id FROM customers a JOIN customers b ON a.ssn = b.ssn",
    "SELECT o.id FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE c.ssn = 'x'",
    "SELECT id FROM customers WHERE ssn IN (SELECT note FROM orders)",
    "EXPLAIN SELECT id FROM customers WHERE ssn = 'x'",
];

/// Without a mode every question is refused, also the one for a known value.
async fn nothing_is_answered_where_policy_says_nothing(on: Protocol) {
    let Some(shop) = on.open(policy(on, "")).await else { return };
    let mut session = shop.session("ana").await;
    let known = "SELECT id FROM customers WHERE ssn = '999-55-0007'";
    for text in REFUSED.iter().chain([&known]) {
        for way in WAYS {
            session.run(text, way).await.denied(text);
        }
    }
    assert_eq!(session.value("SELECT COUNT(ssn) FROM customers WHERE id < 4").await, "3");
    assert_eq!(session.leaked(), None);
    shop.close().await;
}
