//! Threat: what the account of Jurat may not see. A trigger that is not shown must not be taken for none.

use crate::harness::{
    MyShop, Setup,
    cluster::UPSTREAM,
    mariadb::{Kind, Server},
};

/// A trigger that deletes more than the statement says, and an account that is shown triggers of `orders` only.
const SCRIPT: &str =
    "CREATE TRIGGER shop.behind AFTER INSERT ON shop.notes FOR EACH ROW DELETE FROM shop.payments";

#[test]
fn triggers_that_are_not_shown_are_unknown_and_not_none() {
    let Some(server) = Server::start() else { return };
    let account = format!("{UPSTREAM}@'127.0.0.1'");
    let admin = server.admin();
    for text in [
        SCRIPT.to_owned(),
        format!("REVOKE TRIGGER ON *.* FROM {account}"),
        format!("GRANT TRIGGER ON shop.orders TO {account}"),
    ] {
        assert!(admin.run(&text).status.success(), "{text}");
    }
    let shop = MyShop::in_front(server, Setup::mariadb());
    let mut session = shop.wire("shopd");
    // MySQL does not show this trigger at all; MariaDB 10.11 shows its name.
    assert_eq!(session.error("INSERT INTO notes (body) VALUES ('x')").code, 1142);
    let error = session.error("INSERT INTO numbers VALUES (0)");
    assert!(error.message.contains("GRANT TRIGGER ON shop.*"), "{error:?}");
    assert_eq!(session.prepare("INSERT INTO notes (body) VALUES (?)").unwrap_err().code, 1142);
    assert_eq!(shop.count("SELECT COUNT(*) FROM payments"), 100);
    // To read needs no such right, and neither does a write whose triggers are shown.
    assert_eq!(session.one("SELECT COUNT(*) FROM notes").value(), "0");
    assert_eq!(session.one("UPDATE orders SET note = 'y' WHERE id = 1").affected, 1);
    shop.jurat.logged("GRANT TRIGGER");
    shop.close();
}

/// MySQL can take a right on everything back for one database, which its lists of rights do not tell.
#[test]
fn a_right_that_was_taken_back_for_one_database_shows_no_triggers() {
    let Some(server) = Server::start() else { return };
    let account = format!("{UPSTREAM}@'127.0.0.1'");
    let admin = server.admin();
    if server.kind() == Kind::Mariadb {
        // It has no such thing; where it gets it, this test has to know.
        assert!(admin.error("SET GLOBAL partial_revokes = ON").contains("1193"));
        return;
    }
    for text in [
        SCRIPT,
        "CREATE TABLE archive.plain (id int)",
        "SET GLOBAL partial_revokes = ON",
        &format!("REVOKE TRIGGER ON shop.* FROM {account}"),
    ] {
        assert!(admin.run(text).status.success(), "{text}");
    }
    let listed = "SELECT COUNT(*) FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE = 'TRIGGER' \
        AND GRANTEE LIKE '%127.0.0.1%'";
    assert_ne!(admin.rows(listed)[0][0], "0", "the list still says everything");
    let shop = MyShop::in_front(server, Setup::mariadb());
    let mut session = shop.wire("shopd");
    let error = session.error("INSERT INTO notes (body) VALUES ('x')");
    assert!(error.message.contains("GRANT TRIGGER ON shop.*"), "{error:?}");
    assert_eq!(shop.count("SELECT COUNT(*) FROM payments"), 100);
    // Elsewhere it holds.
    session.one("INSERT INTO archive.plain (id) VALUES (1)");
    shop.close();
}

#[test]
fn a_trigger_that_is_shown_is_judged_by_what_it_runs() {
    let Some(shop) = MyShop::open(Setup { objects: SCRIPT, ..Setup::mariadb() }) else { return };
    let text = "INSERT INTO notes (body) VALUES ('x')";
    assert!(shop.direct().run(text).status.success());
    assert_eq!(shop.direct().rows("SELECT COUNT(*) FROM payments")[0][0], "0");
    let error = shop.wire("shopd").error(text);
    assert!(error.message.contains("shop.behind"), "{error:?}");
    assert_eq!(shop.count("SELECT COUNT(*) FROM payments"), 100);
    shop.close();
}
