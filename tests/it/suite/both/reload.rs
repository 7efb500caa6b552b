//! Promise: labels and users change while sessions go on. Of policies see `reload`, for what was prepared before.

use crate::harness::{
    PATIENCE, Protocol,
    both::{WAYS, both},
    until,
};

both!(a_new_label_masks_what_was_free, a_user_that_is_taken_away_cannot_log_in_again);

async fn a_new_label_masks_what_was_free(on: Protocol) {
    let Some(shop) = on.open(on.setup()).await else { return };
    let mut session = shop.session("ana").await;
    let read = "SELECT note FROM orders WHERE id = 1";
    assert_eq!(session.value(read).await, "order 1");
    let labels = r#"{"jurat": {"catalog": {"public.orders.note": ["pii.note"],
        "public.customers.email": ["pii.email"], "public.customers.ssn": ["pii.ssn"],
        "public.customers.card": ["pci.card"]}}}"#;
    shop.jurat().home.write("policy/data.json", &on.write(labels));
    shop.jurat().reload();
    until("the policies to be loaded", || shop.records().system("policy_loaded").pop());
    for way in WAYS {
        assert_ne!(session.run(read, way).await.worked(read).value(), "order 1", "{way:?}");
    }
    assert_eq!(session.one("SELECT email FROM customers").await.rows.len(), 20);
    assert_eq!(session.leaked(), None);
    shop.close().await;
}

async fn a_user_that_is_taken_away_cannot_log_in_again(on: Protocol) {
    let Some(shop) = on.open(on.setup()).await else { return };
    drop(shop.session("ana").await);
    let home = &shop.jurat().home;
    let users = std::fs::read_to_string(home.path("users.toml")).unwrap();
    home.write("users.toml", &users.replace("\"ana\"\n", "\"anna\"\n"));
    shop.jurat().reload();
    let start = std::time::Instant::now();
    let code = on.either("28P01", "28000");
    while !shop.log_in("ana").await.is_err_and(|told| told.sqlstate == code) {
        assert!(start.elapsed() < PATIENCE, "the old user still gets in");
    }
    drop(shop.session("anna").await);
    shop.close().await;
}
