//! What a users file may say, what policies are told, and what each mistake is answered with.

use std::path::Path;

use jurat_core::Authenticate as _;
use jurat_types::PrincipalKind;
use serde_json::json;

use super::{Users, UsersError};
use crate::{document::Document, make_verifier, verifier::Decoy};

/// A well-formed verifier, the same in every test.
const VERIFIER: &str = "SCRAM-SHA-256$4096:AAAAAAAAAAAAAAAAAAAAAA==\
                        $AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\
                        :AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn parse(text: &str) -> Result<Users, UsersError> {
    let file = Path::new("users.toml");
    let document = Document::new(file, text.replace("VERIFIER", VERIFIER));
    Ok(Users::from_document(&document, file, Decoy::new().unwrap())?)
}

#[test]
fn a_user_is_what_the_file_says() {
    let users = parse(
        r#"
        [[user]]
        name = "ana"
        kind = "person"
        groups = ["analyst"]
        attributes = { team = "payments", level = 3, since = 2024-05-01 }
        scram = "VERIFIER"

        [[user]]
        name = "bot"
        kind = "agent"
        on_behalf_of = { id = "ana", groups = ["analyst"] }
        scram = "VERIFIER"
        "#,
    )
    .unwrap();
    let ana = users.credential("ana");
    assert_eq!(ana.scram_verifier.expose(), VERIFIER);
    let ana = serde_json::to_value(ana.principal.unwrap()).unwrap();
    assert_eq!(
        ana,
        json!({
            "id": "ana", "kind": "person", "groups": ["analyst"],
            "attributes": {"level": 3, "since": "2024-05-01", "team": "payments"},
            "auth": {"method": "scram", "issuer": null, "mfa": false},
            "on_behalf_of": null, "delegation": [],
        })
    );
    let bot = users.principal("bot").unwrap();
    assert_eq!(bot.kind, PrincipalKind::Agent);
    assert_eq!(bot.on_behalf_of.as_ref().unwrap().id, "ana");
    assert_eq!(bot.delegation, ["bot"]);
}

#[test]
fn every_mistake_is_named_with_its_place() {
    for (text, expected) in [
        (
            "[[user]]\nname = 'a'\nkind = 'person'\nscrm = 'x'",
            "users.toml:4:1: unknown key `scrm`; did you mean `scram`? (known here: name, kind, \
             groups, attributes, on_behalf_of, scram, mysql_sha2, mysql_native)",
        ),
        (
            "[[user]]\nname = 'a'\nkind = 'robot'\nscram = 'VERIFIER'",
            "users.toml:3:8: unknown value `robot` (known here: agent, person, service)",
        ),
        ("[[user]]\nname = 'a'\nkind = 'person'", "users.toml:1:1: missing field `scram`"),
        (
            "[[user]]\nname = 'a'\nkind = 'person'\nscram = 'hunter2'",
            "users.toml:4:9: not a verifier of the form \
             `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key>`; make one with \
             `jurat hash`",
        ),
        (
            "[[user]]\nname = 'a'\nkind = 'person'\nscram = 'VERIFIER'\nmysql_sha2 = 'hunter2'",
            "users.toml:5:14: `mysql_sha2` is 64 hexadecimal digits; make one with \
             `jurat hash --mysql`",
        ),
        (
            "[[user]]\nname = 'a'\nkind = 'person'\nscram = 'VERIFIER'\nmysql_native = 'hunter2'",
            "users.toml:5:16: `mysql_native` is `*` and 40 hexadecimal digits, as MySQL keeps it in \
             `mysql.user`",
        ),
        (
            "[[user]]\nname = 'a'\nkind = 'person'\nscram = 'VERIFIER'\n\
             [[user]]\nname = 'a'\nkind = 'service'\nscram = 'VERIFIER'",
            "users.toml:6:8: the user `a` is there twice",
        ),
        (
            "[[user]]\nname = ''\nkind = 'person'\nscram = 'VERIFIER'",
            "users.toml:2:8: a user's name is empty or has control characters",
        ),
        (
            "[[user]]\nname = 'a'\nkind = 'person'\non_behalf_of = {id = 'b'}\nscram = 'VERIFIER'",
            "users.toml:4:16: `a` is no agent, and only an agent acts on behalf of somebody",
        ),
        (
            "[[user]]\nname = 'a'\nkind = 'agent'\non_behalf_of = {name = 'b'}\nscram = 'VERIFIER'",
            "users.toml:4:17: unknown key `name` (known here: id, groups)",
        ),
        (
            "[[user]]\nname = 'a'\nkind = 'person'\nattributes = {x = nan}\nscram = 'VERIFIER'",
            "users.toml:4:19: the attribute `x` has no form in JSON",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn a_password_in_clear_is_checked_and_says_so() {
    let verifier = crate::make_verifier("demo").unwrap();
    let sha2 = crate::make_mysql_verifier("demo").unwrap();
    let text = format!(
        "[[user]]\nname = 'ana'\nkind = 'person'\nscram = '{verifier}'\nmysql_sha2 = '{sha2}'\n"
    );
    let users = parse(&text).unwrap();
    let ana = users.check_password("ana", b"demo").unwrap();
    assert_eq!(ana.id, "ana");
    assert_eq!(ana.auth.method, jurat_types::AuthMethod::Password);
    assert_eq!(users.check_password("ana", b"Demo"), None);
    assert_eq!(users.check_password("ana", b""), None);
    assert_eq!(users.check_password("eve", b"demo"), None);
    assert!(users.credential("ana").mysql_sha2.is_some());
    assert!(users.credential("ana").mysql_native.is_none());
    assert!(users.credential("eve").mysql_sha2.is_none());
}

#[test]
fn an_unknown_name_cannot_be_told_from_a_known_one() {
    let users = parse("[[user]]\nname = 'ana'\nkind = 'person'\nscram = 'VERIFIER'").unwrap();
    let eve = users.credential("eve");
    assert!(eve.principal.is_none());
    let verifier = eve.scram_verifier.expose();
    assert_eq!(verifier.len(), VERIFIER.len());
    assert_eq!(users.credential("eve").scram_verifier.expose(), verifier);
    assert_ne!(users.credential("Eve").scram_verifier.expose(), verifier);
}

#[test]
fn a_made_up_verifier_has_the_usual_number_of_iterations() {
    let slow = VERIFIER.replace("4096", "10000");
    let users = parse(&format!("[[user]]\nname = 'ana'\nkind = 'person'\nscram = '{slow}'"));
    let eve = users.unwrap().credential("eve");
    assert!(eve.scram_verifier.expose().starts_with("SCRAM-SHA-256$10000:"));
}

#[test]
fn reading_again_sees_changes_and_keeps_made_up_salts() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("users.toml");
    let user = |name: &str| {
        let verifier = make_verifier("demo").unwrap();
        format!("[[user]]\nname = '{name}'\nkind = 'service'\nscram = '{verifier}'\n")
    };
    std::fs::write(&file, user("app")).unwrap();
    let before = Users::load(&file).unwrap();
    std::fs::write(&file, format!("{}{}", user("app"), user("batch"))).unwrap();
    let after = before.reload().unwrap();
    assert_eq!(before.principals().into_keys().collect::<Vec<_>>(), ["app"]);
    assert_eq!(after.principals().into_keys().collect::<Vec<_>>(), ["app", "batch"]);
    assert_eq!(
        before.credential("eve").scram_verifier.expose(),
        after.credential("eve").scram_verifier.expose()
    );
    std::fs::write(&file, "[[users]]").unwrap();
    let error = after.reload().unwrap_err().to_string();
    assert!(error.contains("did you mean `user`?"), "{error}");
}

#[test]
fn debug_output_holds_no_verifier() {
    let users = parse("[[user]]\nname = 'ana'\nkind = 'person'\nscram = 'VERIFIER'").unwrap();
    let text = format!("{users:?} {:?}", users.credential("ana"));
    assert!(text.contains("ana") && !text.contains("AQEBAQ"), "{text}");
}
