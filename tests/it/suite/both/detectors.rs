//! Threat: personal data or a key in a column of free text, where nobody expects it.
//!
//! The columns are marked by policy. Where one comes out as it is, what detectors find is replaced; wherever
//! else it goes it is redacted as a whole.

use crate::harness::{
    Protocol, Setup,
    both::{AnyShop, WAYS, both},
    canary,
    mariadb::Kind,
};

both!(
    a_row_that_is_too_long_is_not_sent,
    everywhere_else_the_column_is_redacted,
    finds_are_replaced_in_every_way,
    only_what_is_asked_for_is_looked_for,
);

const POSTGRES: &str = r#"CREATE TABLE tickets (id int PRIMARY KEY, body text, data jsonb, extra json, number bigint);
    INSERT INTO tickets VALUES
      (1, 'write to canary1@leak.example, ssn 999-55-0001.',
       '{"mail": "canary2@leak.example", "card": 4111111111111111}',
       '{"mail": "canary3@leak.example"}', 4111111111111111),
      (2, 'nothing here', NULL, '[]', NULL),
      (3, repeat('x', 40000) || ' canary4@leak.example', '{}', '{}', 1);
    GRANT ALL ON tickets TO app;"#;

const MYSQL: &str = r#"CREATE TABLE tickets (id int PRIMARY KEY, body mediumtext, data json, extra json, number bigint);
    INSERT INTO tickets VALUES
      (1, 'write to canary1@leak.example, ssn 999-55-0001.',
       '{"card": 4111111111111111, "mail": "canary2@leak.example"}',
       '{"mail": "canary3@leak.example"}', 4111111111111111),
      (2, 'nothing here', NULL, '[]', NULL),
      (3, CONCAT(REPEAT('x', 40000), ' canary4@leak.example'), '{}', '{}', 1);"#;

const KINDS: &str = r#"["email", "card", "ssn", "iban"]"#;

async fn open(on: Protocol, kinds: &str) -> Option<AnyShop> {
    let text = format!(
        r#"package jurat.free
masks contains {{
    "id": "free.text",
    "column": column,
    "method": "detect",
    "params": {{"kinds": {kinds}}},
    "predicates": "masked",
}} if {{
    input.statement
    some column in ["public.tickets.body", "public.tickets.data", "public.tickets.extra", "public.tickets.number"]
}}
"#
    );
    let setup = Setup { objects: on.either(POSTGRES, MYSQL), ..on.setup() };
    on.open(setup.policy("free.rego", on.write(&text))).await
}

/// MariaDB's JSON is a text with a check, and a number in it is no value of its own.
fn replaced(on: Protocol, json: &str) -> String {
    let text = on == Protocol::Mysql && Kind::of_this_run() == Kind::Mariadb;
    if text { json.replace("\"[card]\"", "[card]") } else { json.to_owned() }
}

async fn finds_are_replaced_in_every_way(on: Protocol) {
    let Some(shop) = open(on, KINDS).await else { return };
    let mut direct = shop.direct().await;
    let mut session = shop.session("ana").await;
    for text in [
        "SELECT id, body, data, extra FROM tickets WHERE id = 1",
        "SELECT t.* FROM tickets t WHERE id = 1",
        "SELECT body FROM (SELECT body FROM tickets) q",
        "WITH q AS (SELECT body, data FROM tickets) SELECT data, body FROM q",
        "SELECT (SELECT body FROM tickets WHERE id = 1)",
        "SELECT t.body FROM orders o LEFT JOIN tickets t ON t.id = o.id ORDER BY o.id LIMIT 5",
        "SELECT body FROM tickets UNION ALL SELECT body FROM tickets",
        "SELECT body FROM tickets WHERE id = 3",
    ] {
        direct.one(text).await;
        assert!(direct.leaked().is_some(), "directly it does not leak: {text}");
        let mut shown = Vec::new();
        for way in WAYS {
            shown.push(session.run(text, way).await.worked(text).rows);
        }
        assert_eq!(shown[0], shown[1], "{text}");
        assert_eq!(session.leaked(), None, "{text}");
    }
    let rows = session.one("SELECT body, data, extra, id FROM tickets WHERE id = 1").await.rows;
    let row: Vec<&str> = rows[0].iter().map(|value| value.as_deref().unwrap()).collect();
    assert_eq!(
        row,
        [
            "write to [email], ssn [ssn].",
            &replaced(on, r#"{"card": "[card]", "mail": "[email]"}"#),
            r#"{"mail": "[email]"}"#,
            "1"
        ]
    );
    // What holds nothing is left as it is.
    let rows = session.one("SELECT body, data, extra FROM tickets WHERE id = 2").await.rows;
    assert_eq!(rows[0], [Some("nothing here".to_owned()), None, Some("[]".to_owned())]);
    let long = session.value("SELECT body FROM tickets WHERE id = 3").await;
    assert_eq!(long.len(), 40_000 + " [email]".len());
    shop.close().await;
}

/// Ways of reading the columns otherwise than as they are, which both servers have.
const ELSEWHERE: &[&str] = &[
    "SELECT upper(body) FROM tickets",
    "SELECT reverse(body) FROM tickets",
    "SELECT substr(body, 10, 5), substr(body, 15) FROM tickets",
    "SELECT body, reverse(body) FROM tickets",
    "SELECT concat(body, '') FROM tickets",
    "SELECT DISTINCT body FROM tickets",
    "SELECT max(body) FROM tickets",
    "SELECT 'x' UNION SELECT body FROM tickets",
    "SELECT (SELECT reverse(body) FROM tickets WHERE id = 1)",
    "SELECT body FROM tickets WHERE body LIKE '%c_nary%'",
    "SELECT id FROM tickets ORDER BY body",
    "SELECT number FROM tickets",
];

const OF_POSTGRES: &[&str] = &[
    "SELECT string_agg(body, ',') FROM tickets",
    "SELECT array_agg(body) FROM tickets",
    "SELECT row_to_json(t) FROM tickets t",
    "SELECT t FROM tickets t",
    "SELECT data->>'mail' FROM tickets",
    "SELECT encode(convert_to(body, 'UTF8'), 'hex') FROM tickets",
    "SELECT body FROM tickets UNION ALL SELECT extra::text FROM tickets",
    "SELECT b FROM tickets, unnest(string_to_array(body, ' ')) b",
    "COPY tickets TO STDOUT",
    "COPY (SELECT body FROM tickets) TO STDOUT",
    "BEGIN",
    "DECLARE c CURSOR FOR SELECT body, data FROM tickets",
    "FETCH ALL FROM c",
    "COMMIT",
    "PREPARE p AS SELECT body FROM tickets",
    "EXECUTE p",
    "TABLE tickets",
];

const OF_MYSQL: &[&str] = &[
    "SELECT GROUP_CONCAT(body) FROM tickets",
    "SELECT JSON_ARRAYAGG(body) FROM tickets",
    "SELECT JSON_OBJECT('b', body) FROM tickets",
    "SELECT JSON_UNQUOTE(JSON_EXTRACT(data, '$.mail')) FROM tickets",
    "SELECT JSON_VALUE(data, '$.mail') FROM tickets",
    "SELECT HEX(body), TO_BASE64(body) FROM tickets",
    "SELECT body FROM tickets UNION ALL SELECT extra FROM tickets",
    "SELECT CONVERT(body USING latin1) FROM tickets",
    "SELECT body COLLATE utf8mb4_bin FROM tickets",
    "SELECT j.v FROM tickets t, JSON_TABLE(JSON_ARRAY(t.body), '$[*]' COLUMNS (v VARCHAR(100) PATH '$')) j",
    "SELECT body INTO @b FROM tickets WHERE id = 1",
    "SELECT @b",
    "SET @c = (SELECT body FROM tickets WHERE id = 1)",
    "SELECT @c",
    "PREPARE p FROM 'SELECT body FROM tickets'",
    "EXECUTE p",
    "HANDLER tickets OPEN",
    "HANDLER tickets READ FIRST",
    "SELECT body + 0 FROM tickets",
    "SHOW WARNINGS",
    "TABLE tickets",
];

/// Whatever is not the column itself shows nothing of it.
async fn everywhere_else_the_column_is_redacted(on: Protocol) {
    let Some(shop) = open(on, KINDS).await else { return };
    let mut session = shop.session("ana").await;
    for text in ELSEWHERE.iter().chain(on.either(OF_POSTGRES, OF_MYSQL)) {
        for way in WAYS {
            session.run(text, way).await;
            assert_eq!(session.leaked(), None, "{way:?}: {text}");
            let received = String::from_utf8_lossy(session.received()).into_owned();
            assert!(!received.contains("4111111111111111"), "{way:?}: {text}");
        }
    }
    assert_eq!(session.value("SELECT COUNT(*) FROM tickets").await, "3");
    shop.close().await;
}

async fn only_what_is_asked_for_is_looked_for(on: Protocol) {
    let Some(shop) = open(on, r#"["card"]"#).await else { return };
    let mut session = shop.session("ana").await;
    for way in WAYS {
        let text = "SELECT data FROM tickets WHERE id = 1";
        let data = session.run(text, way).await.worked(text).value().to_owned();
        assert_eq!(data, replaced(on, r#"{"card": "[card]", "mail": "canary2@leak.example"}"#));
    }
    shop.close().await;
}

/// A row that is longer than is kept ends the session before any of it is sent.
async fn a_row_that_is_too_long_is_not_sent(on: Protocol) {
    let Some(shop) = open(on, KINDS).await else { return };
    shop.change(
        "INSERT INTO tickets (id, body) VALUES (4, CONCAT('canary5@leak.example', REPEAT('y', 1100000)))",
    )
    .await;
    for way in WAYS {
        let mut session = shop.session("ana").await;
        let text = "SELECT body FROM tickets WHERE id = 4";
        let told = session.run(text, way).await.failed(text);
        assert!(told.message.contains("too long to be looked through"), "{told:?}");
        assert!(session.is_closed().await);
        assert_eq!(canary::find(session.received()), None);
        assert!(session.received().len() < 100_000);
    }
    shop.close().await;
}
