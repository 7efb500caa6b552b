//! Threat: a protected value gets out of a table that inherits from the protected one and has another
//! name.

use super::{
    Case,
    Directly::{self, Leaks, Tells},
    Fate::{self, Denied, Masked, Safe},
    every_with,
};

/// Children of the protected table, one two steps away, with rows of its kind.
const CHILDREN: &str = "
CREATE TABLE vip (since date) INHERITS (customers);
INSERT INTO vip SELECT id + 100, name, 'canary' || id || '@vip.example', ssn, card, tier, NULL FROM customers;
CREATE TABLE grandchild () INHERITS (vip);
INSERT INTO grandchild SELECT id + 300, name, 'canary' || id || '@grand.example', ssn, card, tier, NULL
  FROM ONLY customers;
CREATE VIEW of_child AS SELECT id, email AS mail FROM grandchild;
";

const fn case(
    name: &'static str,
    directly: Directly,
    fate: Fate,
    texts: &'static [&'static str],
) -> Case {
    Case { name, texts, directly, fate }
}

const CASES: &[Case] = &[
    case("the parent", Leaks, Masked, &["SELECT email FROM customers WHERE id > 100"]),
    case("a child", Leaks, Masked, &["SELECT email, ssn, card, since FROM vip"]),
    case("a child's child", Leaks, Masked, &["SELECT * FROM grandchild"]),
    case("the row of a child", Leaks, Masked, &["SELECT g FROM grandchild g"]),
    case("a child's row as JSON", Leaks, Masked, &["SELECT to_jsonb(v) FROM vip v"]),
    case("a view of a child", Leaks, Masked, &["SELECT mail FROM of_child"]),
    case(
        "what a write to a child returns",
        Leaks,
        Masked,
        &["UPDATE grandchild SET name = 'x' WHERE id = 301 RETURNING *"],
    ),
    case(
        "what a write to the parent returns of a child",
        Leaks,
        Masked,
        &["UPDATE customers SET name = 'x' WHERE id = 302 RETURNING *"],
    ),
    case("a child grouped", Leaks, Masked, &["SELECT tier, max(email) FROM vip GROUP BY tier"]),
    case("without the children", Leaks, Safe, &["SELECT email FROM ONLY customers"]),
    case("a condition on a child", Tells, Denied, &["SELECT id FROM grandchild WHERE ssn = '1'"]),
    case(
        "a condition on a view of a child",
        Tells,
        Denied,
        &["SELECT id FROM of_child WHERE mail = 'x'"],
    ),
    case(
        "a write from a child to its parent",
        Leaks,
        Denied,
        &["INSERT INTO notes (body) SELECT email FROM grandchild RETURNING body"],
    ),
    case("which child it is", Leaks, Masked, &["SELECT tableoid::regclass, email FROM customers"]),
];

#[tokio::test]
async fn children_have_the_masks_of_their_parents() {
    every_with(CHILDREN, CASES).await;
}
