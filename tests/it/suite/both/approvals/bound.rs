//! What a yes is bound to besides the statement itself: what its names stand for, and what runs with it.

use super::{approve, ask, setup};
use crate::harness::{Protocol, both::both};

both!(
    appr_01_a_view_that_says_something_else_is_another_request,
    appr_01_in_another_place_it_is_another_request,
    appr_01_what_runs_besides_is_a_part_of_it,
);

/// The text stays, and its view is another one when it runs.
async fn appr_01_a_view_that_says_something_else_is_another_request(on: Protocol) {
    const FEW: &str =
        "CREATE OR REPLACE VIEW some_orders AS SELECT id, note FROM orders WHERE id <= 2";
    const ALL: &str =
        "CREATE OR REPLACE VIEW some_orders AS SELECT id, note FROM orders WHERE id > 0";
    const TEXT: &str = "UPDATE some_orders SET note = 'changed'";
    let mut setup = setup(on);
    setup.objects = FEW;
    let Some(shop) = on.open(setup).await else { return };
    let mut direct = shop.direct().await;
    assert_eq!(direct.one(TEXT).await.affected, 2);
    direct.one(ALL).await;
    assert!(direct.one(TEXT).await.affected > 90);
    let (mut bot, mut dora) = (shop.session("bot").await, shop.session("dora").await);
    let id = ask(&mut bot, TEXT).await;
    assert_eq!(approve(&shop, "priya", &id).await.sqlstate(), "00000");
    for (definition, same) in [(ALL, false), (FEW, true)] {
        dora.one(definition).await;
        dora.one("SELECT 1").await;
        if same {
            assert_eq!(bot.one(TEXT).await.affected, 2);
        } else {
            assert_ne!(ask(&mut bot, TEXT).await, id);
            assert_eq!(super::changed(&shop).await, 0);
        }
    }
    shop.close().await;
}

/// With another search path or default database, functions and operators of other names are found.
async fn appr_01_in_another_place_it_is_another_request(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let text = on.write("UPDATE public.orders SET note = 'changed' WHERE id = 1");
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, &text).await;
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), "00000");
    bot.one(on.either("SET search_path = archive, public", "USE archive")).await;
    assert_ne!(ask(&mut bot, &text).await, id);
    assert_eq!(super::changed(&shop).await, 0);
    bot.one(on.either("SET search_path = \"$user\", public", "USE shop")).await;
    assert_eq!(bot.one(&text).await.affected, 1);
    shop.close().await;
}

/// A trigger that has come since then.
async fn appr_01_what_runs_besides_is_a_part_of_it(on: Protocol) {
    let Some(shop) = on.open(setup(on)).await else { return };
    let mut bot = shop.session("bot").await;
    let id = ask(&mut bot, super::UPDATE).await;
    assert_eq!(approve(&shop, "dora", &id).await.sqlstate(), "00000");
    shop.change(on.either(
        "CREATE FUNCTION besides() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.amount = 0; RETURN NEW; END';
         CREATE TRIGGER besides BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION besides()",
        "CREATE TRIGGER besides BEFORE UPDATE ON orders FOR EACH ROW SET NEW.amount = 0",
    ))
    .await;
    // A definition through Jurat makes it look again; else it does so once a minute.
    let mut dora = shop.session("dora").await;
    dora.one("CREATE VIEW any_reason AS SELECT 1 AS one").await;
    dora.one("SELECT 1").await;
    assert_ne!(ask(&mut bot, super::UPDATE).await, id);
    assert_eq!(super::changed(&shop).await, 0);
    shop.close().await;
}
