//! Promise: on the database `jurat` of a PostgreSQL listener, sessions that speak MySQL's protocol are seen and ended,
//! and requests from there answered, like all others.

use crate::{
    harness::{MyShop, Setup, Wire, both::Session, jurat::PASSWORD, wire::Reply},
    suite::{
        approvals::{POLICY, SECTION, UPDATE},
        both::approvals::ask,
    },
};

/// A second listener for psql, whose own database nobody can reach.
const CONSOLE: &str = "\n[[listener]]\nname = \"psql\"\nprotocol = \"postgres\"\nbind = \"127.0.0.1:0\"\n\
    [[database]]\nname = \"other\"\nengine = \"postgres\"\nenvironment = \"production\"\n\
    upstream = \"postgres://nobody@127.0.0.1:1/other\"\n\
    [admin]\nadmins = [\"group:dba\"]\n";

fn text(reply: &Reply) -> String {
    assert_eq!(reply.sqlstate(), "00000", "{reply:?}");
    format!("{:?}", reply.rows())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_look_after_jurat_see_and_end_sessions() {
    let limits: &'static str = [SECTION, CONSOLE].concat().leak();
    let setup = Setup { shipped: false, limits, ..Setup::mariadb() };
    let policy = POLICY.replace("public.", "shop.");
    let Some(shop) = MyShop::open(setup.policy("consent.rego", policy)) else { return };
    let mut bot = Session::Mysql(Box::new(shop.wire("bot")));
    bot.one("SELECT 'seen on the console'").await;
    let id = ask(&mut bot, UPDATE).await;
    let port = shop.jurat.port_of("psql");
    let mut dora = Wire::log_in(port, "dora", PASSWORD, "jurat").await;
    let card = text(&dora.run(&format!("SHOW APPROVAL '{id}'")).await);
    assert!(card.contains("shop.orders (write)"), "{card}");
    assert!(text(&dora.run(&format!("APPROVE '{id}'")).await).contains("is approved"));
    assert_eq!(bot.one(UPDATE).await.affected, 1);
    let seen = dora.run("SHOW SESSIONS").await;
    let row = seen.rows().into_iter().find(|row| row[1].as_deref() == Some("bot")).unwrap();
    let session = row[0].clone().unwrap();
    assert!(!text(&seen).contains("seen on the console"), "literals are not shown");
    let mut ana = Wire::log_in(port, "ana", PASSWORD, "jurat").await;
    assert!(!text(&ana.run("SHOW SESSIONS").await).contains(&session));
    assert_ne!(ana.run(&format!("KILL '{session}'")).await.sqlstate(), "00000");
    assert!(text(&dora.run(&format!("KILL '{session}' 'enough'")).await).contains("bot ends"));
    bot.ended().await;
    drop((ana, dora));
    let records = shop.close();
    let ended =
        records.sessions("closed").into_iter().any(|record| record["session_id"] == session);
    assert!(ended, "{session}");
}
