//! Who may say yes, and what a yes survives.

use super::{UPDATE, approve, ask, changed, events, id_in, setup};
use crate::{
    harness::{Protocol, both::both, until},
    suite::approvals::POLICY,
};

both!(
    a_yes_lifts_no_denial,
    appr_01_other_policies_need_another_yes,
    appr_03_a_crash_loses_no_yes_and_doubles_none,
    appr_03_a_request_ends_by_itself,
    appr_04_only_somebody_else_with_the_right_approves,
    appr_04_the_yes_of_somebody_who_lost_the_right_is_void,
    appr_05_two_of_them_are_two_people,
    appr_09_one_principal_asks_for_so_much_and_no_more,
    policy_says_who_may_approve,
);

/// APPR-04.
async fn appr_04_only_somebody_else_with_the_right_approves(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    for (who, why) in [
        ("bot", "the requester, an agent"),
        ("ana", "on whose behalf it is asked"),
        ("shopd", "a service"),
    ] {
        let reply = approve(&shop, who, &id).await;
        assert_eq!(reply.sqlstate(), on.either("42501", "42000"), "{why}: {reply:?}");
    }
    assert_eq!(approve(&shop, "dora", "AP-00000000").await.sqlstate(), on.either("42704", "42000"));
    assert_eq!(approve(&shop, "dora", "everything").await.sqlstate(), on.either("42704", "42000"));
    assert_eq!(ask(&mut bot, UPDATE).await, id);
    // A person with the right may not approve their own.
    let mut dora = shop.session("dora").await;
    dora.try_one("BEGIN").await;
    let own = ask(&mut dora, UPDATE).await;
    dora.try_one("ROLLBACK").await;
    assert_eq!(
        dora.try_one(&format!("CALL jurat.approve('{own}')")).await.sqlstate(),
        on.either("42501", "42000")
    );
    assert_eq!(approve(&shop, "priya", &own).await.sqlstate(), "00000");
    assert_eq!(changed(&shop).await, 0);
    assert_eq!(events(&shop, &id), "requested");
    shop.close().await;
}

/// APPR-05.
async fn appr_05_two_of_them_are_two_people(on: Protocol) {
    let policy = POLICY.replace("\"ttl\"", "\"min\": 2, \"ttl\"");
    let Some(shop) = on.open(setup(on).policy("consent.rego", on.write(&policy))).await else {
        return;
    };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), on.either("42501", "42000"));
    assert_eq!(ask(&mut bot, UPDATE).await, id);
    approve(&shop, "priya", &id).await;
    assert_eq!(bot.one(UPDATE).await.affected, 1);
    shop.close().await;
}

async fn policy_says_who_may_approve(on: Protocol) {
    let who = "package jurat.who\nmay_approve if input.principal.id != \"dora\"\n";
    let Some(shop) = on.open(setup(on).policy("who.rego", who)).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), on.either("42501", "42000"));
    assert_eq!(approve(&shop, "priya", &id).await.sqlstate(), "00000");
    assert_eq!(bot.one(UPDATE).await.affected, 1);
    shop.close().await;
}

async fn appr_01_other_policies_need_another_yes(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    shop.jurat().home.write("policy/more.rego", "package jurat.more\nallow contains \"more\"\n");
    shop.jurat().reload();
    until("the policies", || (!shop.records().system("policy_loaded").is_empty()).then_some(()));
    assert_ne!(ask(&mut bot, UPDATE).await, id);
    assert_eq!(changed(&shop).await, 0);
    shop.close().await;
}

/// A denial still wins over a yes.
async fn a_yes_lifts_no_denial(on: Protocol) {
    let deny = "package jurat.no\ndeny contains \"never by agents\" if {\n\tcount(input.approvals) > 0\n}\n";
    let Some(shop) = on.open(setup(on).policy("no.rego", deny)).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    let reply = bot.try_one(UPDATE).await;
    assert!(reply.denied(UPDATE).message.contains("never by agents"));
    assert_eq!(events(&shop, &id), "requested approved", "it was not used");
    assert_eq!(changed(&shop).await, 0);
    shop.close().await;
}

/// APPR-04: the right is looked at when the yes is used, too.
async fn appr_04_the_yes_of_somebody_who_lost_the_right_is_void(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    let users = std::fs::read_to_string(shop.jurat().home.path("users.toml")).unwrap();
    let without = users.replace("groups = [\"dba\"]", "groups = []");
    assert_ne!(users, without);
    shop.jurat().home.write("users.toml", &without);
    shop.jurat().reload();
    until("the users", || (!shop.records().system("users_loaded").is_empty()).then_some(()));
    let reply = bot.try_one(UPDATE).await;
    assert_eq!(id_in(&reply.denied(UPDATE)), Some(id.clone()));
    assert_eq!(events(&shop, &id), "requested approved canceled");
    assert_ne!(ask(&mut bot, UPDATE).await, id);
    assert_eq!(changed(&shop).await, 0);
    shop.close().await;
}

/// APPR-03: a power cut between the yes and its use, and one behind the use.
async fn appr_03_a_crash_loses_no_yes_and_doubles_none(on: Protocol) {
    let setup = setup(on);
    let Some(mut shop) = on.open(setup.clone()).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    approve(&shop, "dora", &id).await;
    shop.jurat_mut().crash(&setup);
    let mut bot = shop.session("bot").await;
    assert_eq!(bot.one(UPDATE).await.affected, 1);
    shop.jurat_mut().crash(&setup);
    let mut bot = shop.session("bot").await;
    assert_ne!(ask(&mut bot, UPDATE).await, id);
    assert_eq!(events(&shop, &id), "requested approved used");
    shop.close().await;
}

async fn appr_03_a_request_ends_by_itself(on: Protocol) {
    let policy = POLICY.replace("\"10m\"", "\"1s\"");
    let Some(shop) = on.open(setup(on).policy("consent.rego", on.write(&policy))).await else {
        return;
    };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, UPDATE).await;
    until("it to expire", || (events(&shop, &id) == "requested expired").then_some(()));
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), on.either("42501", "42000"));
    assert_ne!(ask(&mut bot, UPDATE).await, id);
    shop.close().await;
}

/// APPR-09.
async fn appr_09_one_principal_asks_for_so_much_and_no_more(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    let update = |id: u32| format!("UPDATE orders SET note = 'x' WHERE id = {id}");
    for id in 1..=5 {
        ask(&mut bot, &update(id)).await;
    }
    assert_eq!(bot.try_one(&update(6)).await.sqlstate(), on.either("54000", "42000"));
    ask(&mut shop.session("shopd").await, &update(6)).await;
    shop.close().await;
}
