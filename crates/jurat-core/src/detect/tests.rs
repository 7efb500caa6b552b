//! What is found, what is not, and that hostile texts cost no more than others.

use proptest::prelude::*;

use super::{Detectors, EXPRESSIONS, expression};
use jurat_types::DETECTORS;

fn all(json: bool) -> Detectors {
    Detectors::new(&DETECTORS.map(str::to_owned), json)
}

fn scan(text: &str) -> String {
    String::from_utf8(all(false).scan(text.as_bytes()).into_owned()).unwrap()
}

#[test]
fn every_expression_compiles_and_every_kind_has_a_detector() {
    for (kind, _) in EXPRESSIONS {
        assert!(expression(kind).is_some(), "{kind}");
    }
    for kind in DETECTORS {
        assert!(kind == "card" || kind == "iban" || expression(kind).is_some(), "{kind}");
    }
}

#[test]
fn what_looks_like_it_is_replaced_by_its_kind() {
    let letters = "a1B2".repeat(12);
    let jwt = format!("eyJ{letters}.eyJ{letters}.{letters}");
    for (text, expected) in [
        ("mail a.b+c@mail.example.org now", "mail [email] now"),
        ("<ä.ö@bücher.example>", "<[email]>"),
        ("card 4111 1111 1111 1111.", "card [card]."),
        ("4111-1111-1111-1111", "[card]"),
        ("378282246310005", "[card]"),
        ("No. 12, 4111111111111111 expires 12/30", "No. 12, [card] expires 12/30"),
        ("IBAN DE89 3704 0044 0532 0130 00 at the bank", "IBAN [iban] at the bank"),
        ("gb82west12345698765432", "[iban]"),
        ("ssn 123-45-6789, 123 45 6789", "ssn [ssn], [ssn]"),
        ("call +49 30 901820 or (555) 123-4567", "call [phone] or [phone]"),
        (&format!("token {jwt}!"), "token [jwt]!"),
        (&format!("AKIA{}", "A1B2C3D4".repeat(2)), "[aws]"),
        (&format!("key=AIza{}", "aB3".repeat(12).get(..35).unwrap()), "key=[gcp]"),
        (&format!("AccountKey={}==", "aB3/".repeat(11)), "[azure]"),
        (&format!("ghp_{}", "aB3x".repeat(9)), "[github]"),
        (&format!("xoxb-{}", "12ab".repeat(5)), "[slack]"),
        (&format!("sk_live_{}", "aB3x".repeat(5)), "[stripe]"),
        ("a@b.example,4111111111111111", "[email],[card]"),
    ] {
        assert_eq!(scan(text), expected, "{text}");
    }
}

#[test]
fn what_only_resembles_it_stays() {
    for text in [
        "",
        "order 4111 1111 1111 1112",
        "1234567890123456789012345678901234567890",
        "2026-11-22 12:34:56.789",
        "DE88 3704 0044 0532 0130 00",
        "000-12-3456, 666-12-3456, 1123-45-6789, 123-45-67890",
        "user@localhost",
        "@ and a@ and @b.example",
        "version 1.2.3-4",
        "00000000000000000",
        "AKIASHORT",
        "eyJhbGciOi.notjwt",
        "550e8400-e29b-41d4-a716-446655440000",
    ] {
        assert_eq!(scan(text), text);
    }
}

#[test]
fn only_the_kinds_that_are_asked_for_are_looked_for() {
    let only = Detectors::new(&["card".to_owned()], false);
    let text = b"a@b.example 4111111111111111";
    assert_eq!(&*only.scan(text), b"a@b.example [card]");
}

#[test]
fn json_stays_json() {
    for (text, expected) in [
        (r#"{"mail": "a@b.example"}"#, r#"{"mail": "[email]"}"#),
        (r#"{"card": 4111111111111111}"#, r#"{"card": "[card]"}"#),
        (
            r#"{"say \"x\"": [4111111111111111, "4111111111111111"]}"#,
            r#"{"say \"x\"": ["[card]", "[card]"]}"#,
        ),
        (r#"{"a\\": 4111111111111111}"#, r#"{"a\\": "[card]"}"#),
    ] {
        let found = all(true).scan(text.as_bytes()).into_owned();
        let found = String::from_utf8(found).unwrap();
        assert_eq!(found, expected);
        serde_json::from_str::<serde_json::Value>(&found).unwrap();
    }
}

/// Doubling a hostile text may at most about double the work: counted in finds and passes it is bounded by
/// construction, so this only has to end at all on texts of a megabyte.
#[test]
fn hostile_texts_of_a_megabyte_are_looked_through() {
    for piece in [
        "a",
        "@",
        "a@",
        "1",
        "1 ",
        "4111 ",
        "DE89 ",
        "eyJ",
        "eyJaaaaaaaa.",
        "+1",
        "(",
        "xoxb-",
        "a.b@c.",
        "AKIA",
        "DE12",
    ] {
        let text = piece.repeat((1 << 20) / piece.len());
        let scanned = all(false).scan(text.as_bytes()).into_owned();
        assert!(!scanned.is_empty(), "{piece}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_second_look_changes_nothing(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("a@b.example".to_owned()),
                Just("4111111111111111".to_owned()),
                Just("4111 1111 1111 1111".to_owned()),
                Just("123-45-6789".to_owned()),
                Just("DE89370400440532013000".to_owned()),
                Just("+49 30 901820".to_owned()),
                "[0-9 -]{0,8}",
                "[a-zA-Z@. ]{0,6}",
                "\\PC{0,4}",
            ],
            0..12,
        ),
        json in any::<bool>(),
    ) {
        let detectors = all(json);
        let text = pieces.concat();
        let once = detectors.scan(text.as_bytes()).into_owned();
        prop_assert_eq!(&*detectors.scan(&once), &*once);
        prop_assert!(std::str::from_utf8(&once).is_ok());
    }

    #[test]
    fn any_bytes_are_looked_through(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let detectors = all(false);
        let once = detectors.scan(&bytes).into_owned();
        prop_assert!(once.len() <= bytes.len() * 2 + 16);
    }
}

/// Each hides the next until it is replaced itself.
#[test]
fn a_chain_that_takes_too_many_looks_is_withheld() {
    let link = "+49 30 901820DE89370400440532013000";
    assert_eq!(scan(&link.repeat(2)), "[phone][iban][phone][iban]");
    let chain = link.repeat(20);
    assert_eq!(scan(&chain), "[redacted]");
    assert_eq!(&*all(true).scan(format!("\"{chain}\"").as_bytes()), b"\"[redacted]\"");
}

#[test]
fn kinds_are_told_without_the_finds() {
    let all = Detectors::all();
    let found = |text: &str| all.found(text.as_bytes()).into_iter().collect::<Vec<_>>();
    assert_eq!(found("a@b.example, +1 555 123 4567, c@d.example"), ["email", "phone"]);
    assert_eq!(found("nothing"), [""; 0]);
}
