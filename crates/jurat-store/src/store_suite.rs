//! What every store has to do, and that it does so across processes that are killed.
//!
//! Each kind of store has a test for every case: SQLite beside this file, PostgreSQL in the end-to-end suite,
//! which has a server and takes this file as it is.

use std::sync::{Arc, Barrier};

use jurat_core::{
    Approval, ApprovalState, ApprovalStore, Asked, Caps, Freeze, NextMessage, Outgoing, Spending,
    Vote, VoteError,
};
use serde_json::json;

const CAPS: Caps = Caps { per_principal: 2, total: 3 };

/// A store that can be opened again, as another process would.
pub(crate) trait Place {
    fn open(&self) -> Box<dyn ApprovalStore>;
}

/// A test for every case, at the place that `$place` makes; none where it makes none.
macro_rules! every_case {
    ($place:expr) => {
        crate::store_suite::every_case! { $place;
            the_same_question_is_the_same_request_until_it_is_over
            a_store_takes_so_many_requests_and_no_more
            two_people_are_two_people
            one_no_is_enough_and_stays
            a_grant_is_used_once_for_what_it_is_bound_to_and_in_time
            several_grants_are_used_all_or_none
            a_request_that_was_given_up_cannot_be_approved_or_used
            of_a_hundred_that_want_one_grant_exactly_one_gets_it
            of_ten_that_ask_the_same_at_once_one_is_new
            what_was_done_is_there_when_the_store_is_opened_again
            a_freeze_stays_until_it_is_ended_and_the_newest_one_holds
            messages_wait_in_order_until_they_are_delivered
            a_message_is_one_process_s_until_that_has_died
            so_many_messages_wait_for_a_receiver_and_no_more
        }
    };
    ($place:expr; $($case:ident)*) => {
        $(
            #[test]
            fn $case() {
                if let Some(place) = $place {
                    crate::store_suite::$case(&place);
                }
            }
        )*
    };
}
pub(crate) use every_case;

fn approval(id: &str, digest: &str, requester: &str) -> Approval {
    let intent = json!({
        "version": "v1", "stage": "statement", "request_id": "r",
        "time": {"now_ns": 0, "rfc3339": "", "weekday": "", "hour": 0, "tz": "UTC"},
        "principal": {"id": requester, "kind": "agent", "groups": [], "attributes": {},
            "auth": {"method": "scram", "issuer": null, "mfa": false},
            "on_behalf_of": null, "delegation": []},
        "claimed": {"application": null, "purpose": null, "ticket": null, "trace": null},
        "session": {"id": "s", "client_addr": "", "tls": true, "started_ns": 0, "in_transaction": false,
            "read_only": false, "freeze": null, "replication": null,
            "totals": {"statements": 0, "rows_read": 0, "rows_written": 0, "denied": 0}},
        "target": {"name": "shop", "engine": "postgres", "version": "", "database": "shop",
            "environment": "production", "labels": {}, "upstream_user": "app"},
        "statement": null, "approvals": [], "policy": {"revision": "r"},
    });
    let requests = json!([{"id": "rule", "msg": "m", "approvers": [], "min": 2, "ttl": "1m",
        "mode": "retry"}]);
    Approval {
        id: id.to_owned(),
        digest: digest.to_owned(),
        state: ApprovalState::Pending,
        decision_id: "asked".to_owned(),
        created_ns: 10,
        expires_ns: 110,
        ttl_ns: 100,
        intent: serde_json::from_value(intent).unwrap(),
        runs_by: None,
        values: Vec::new(),
        requests: serde_json::from_value(requests).unwrap(),
        lifts: Vec::new(),
        max_rows: None,
        sample: None,
        why: None,
        votes: Vec::new(),
        used_by: None,
    }
}

fn yes(by: &str, at_ns: i64) -> Vote {
    let rules = vec!["rule".to_owned()];
    Vote { by: by.to_owned(), yes: true, rules, reason: None, at_ns, via: "cli".to_owned() }
}

#[expect(clippy::panic_in_result_fn, reason = "what fails here is the test")]
fn vote(store: &dyn ApprovalStore, id: &str, vote: &Vote) -> Result<(), VoteError> {
    let mut result = Ok(());
    let found = store.change(id, &mut |approval| {
        result = approval.vote(vote);
        result.is_ok()
    });
    assert!(found.unwrap().is_some());
    result
}

fn spending(id: &str, digest: &str) -> Spending {
    Spending { id: id.to_owned(), digest: digest.to_owned(), decision_id: "used".to_owned() }
}

fn granted(store: &dyn ApprovalStore, id: &str, digest: &str) {
    let asked = store.ask(&approval(id, digest, "bot"), CAPS, 10).unwrap();
    assert!(matches!(asked, Asked::New(_)), "{asked:?}");
    vote(store, id, &yes("dora", 20)).unwrap();
    vote(store, id, &yes("emil", 30)).unwrap();
}

pub(crate) fn the_same_question_is_the_same_request_until_it_is_over(place: &dyn Place) {
    let store = place.open();
    let one = approval("AP-1", "d1", "bot");
    assert!(matches!(store.ask(&one, CAPS, 10).unwrap(), Asked::New(_)));
    let again = approval("AP-2", "d1", "bot");
    let Asked::Known(known) = store.ask(&again, CAPS, 20).unwrap() else { panic!("asked twice") };
    assert_eq!(known.id, "AP-1");
    assert!(store.get("AP-2").unwrap().is_none());
    assert!(matches!(store.ask(&again, CAPS, 110).unwrap(), Asked::New(_)), "it had expired");
}

pub(crate) fn a_store_takes_so_many_requests_and_no_more(place: &dyn Place) {
    let store = place.open();
    let ask = |id: &str, who: &str| store.ask(&approval(id, id, who), CAPS, 10).unwrap();
    assert!(matches!(ask("AP-1", "bot"), Asked::New(_)));
    assert!(matches!(ask("AP-2", "bot"), Asked::New(_)));
    assert_eq!(ask("AP-3", "bot"), Asked::Full { own: true });
    assert!(matches!(ask("AP-4", "ana"), Asked::New(_)));
    assert_eq!(ask("AP-5", "ana"), Asked::Full { own: false });
    // What is over makes room.
    assert_eq!(store.expire(110).unwrap().len(), 3);
    let late = store.ask(&approval("AP-6", "d6", "bot"), CAPS, 110).unwrap();
    assert!(matches!(late, Asked::New(_)));
}

pub(crate) fn two_people_are_two_people(place: &dyn Place) {
    let store = place.open();
    store.ask(&approval("AP-1", "d1", "bot"), CAPS, 10).unwrap();
    vote(&*store, "AP-1", &yes("dora", 20)).unwrap();
    assert_eq!(vote(&*store, "AP-1", &yes("dora", 21)), Err(VoteError::Twice));
    assert_eq!(vote(&*store, "AP-1", &yes(" Dora", 22)), Err(VoteError::Twice));
    assert_eq!(store.get("AP-1").unwrap().unwrap().state, ApprovalState::Pending);
    vote(&*store, "AP-1", &yes("emil", 30)).unwrap();
    let approval = store.get("AP-1").unwrap().unwrap();
    assert_eq!((approval.state, approval.expires_ns), (ApprovalState::Approved, 130));
    let late = vote(&*store, "AP-1", &Vote { yes: false, ..yes("fred", 40) });
    assert_eq!(late, Err(VoteError::Over(ApprovalState::Approved)));
}

pub(crate) fn one_no_is_enough_and_stays(place: &dyn Place) {
    let store = place.open();
    store.ask(&approval("AP-1", "d1", "bot"), CAPS, 10).unwrap();
    vote(&*store, "AP-1", &Vote { yes: false, ..yes("dora", 20) }).unwrap();
    let over = VoteError::Over(ApprovalState::Denied);
    assert_eq!(vote(&*store, "AP-1", &yes("emil", 30)), Err(over));
    assert!(!store.spend(&[spending("AP-1", "d1")], 40).unwrap());
    // Who asks again is told no again, and nobody has to answer twice.
    let again = store.ask(&approval("AP-2", "d1", "bot"), CAPS, 40).unwrap();
    assert!(matches!(again, Asked::Known(known) if known.state == ApprovalState::Denied));
}

pub(crate) fn a_grant_is_used_once_for_what_it_is_bound_to_and_in_time(place: &dyn Place) {
    let store = place.open();
    granted(&*store, "AP-1", "d1");
    assert!(!store.spend(&[spending("AP-1", "other")], 40).unwrap(), "another statement");
    assert!(!store.spend(&[spending("AP-0", "d1")], 40).unwrap(), "another request");
    assert!(store.spend(&[spending("AP-1", "d1")], 40).unwrap());
    assert!(!store.spend(&[spending("AP-1", "d1")], 40).unwrap(), "twice");
    let used = store.get("AP-1").unwrap().unwrap();
    assert_eq!((used.state, used.used_by.as_deref()), (ApprovalState::Used, Some("used")));
    granted(&*store, "AP-2", "d2");
    assert!(!store.spend(&[spending("AP-2", "d2")], 130).unwrap(), "too late");
}

pub(crate) fn several_grants_are_used_all_or_none(place: &dyn Place) {
    let store = place.open();
    granted(&*store, "AP-1", "d1");
    granted(&*store, "AP-2", "d2");
    let both = [spending("AP-1", "d1"), spending("AP-2", "other")];
    assert!(!store.spend(&both, 40).unwrap());
    assert!(store.spend(&[spending("AP-1", "d1"), spending("AP-2", "d2")], 40).unwrap());
}

pub(crate) fn a_request_that_was_given_up_cannot_be_approved_or_used(place: &dyn Place) {
    let store = place.open();
    granted(&*store, "AP-1", "d1");
    store.change("AP-1", &mut |approval| approval.cancel(40)).unwrap();
    assert!(!store.spend(&[spending("AP-1", "d1")], 50).unwrap());
    let over = VoteError::Over(ApprovalState::Canceled);
    assert_eq!(vote(&*store, "AP-1", &yes("fred", 50)), Err(over));
}

/// Several that have it open are what several processes are.
pub(crate) fn of_a_hundred_that_want_one_grant_exactly_one_gets_it(place: &dyn Place) {
    granted(&*place.open(), "AP-1", "d1");
    let start = Arc::new(Barrier::new(10));
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let (start, store) = (Arc::clone(&start), place.open());
            std::thread::spawn(move || {
                start.wait();
                let tries = (0..10).map(|_| store.spend(&[spending("AP-1", "d1")], 40).unwrap());
                tries.filter(|won| *won).count()
            })
        })
        .collect();
    let won: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(won, 1);
}

pub(crate) fn of_ten_that_ask_the_same_at_once_one_is_new(place: &dyn Place) {
    let start = Arc::new(Barrier::new(10));
    let threads: Vec<_> = (0..10)
        .map(|n| {
            let (start, store) = (Arc::clone(&start), place.open());
            std::thread::spawn(move || {
                start.wait();
                store.ask(&approval(&format!("AP-{n}"), "d1", "bot"), CAPS, 10).unwrap()
            })
        })
        .collect();
    let asked: Vec<Asked> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let new = asked.iter().filter(|asked| matches!(asked, Asked::New(_))).count();
    let ids: std::collections::BTreeSet<&str> = asked
        .iter()
        .map(|asked| match asked {
            Asked::New(one) | Asked::Known(one) => one.id.as_str(),
            Asked::Full { .. } => "full",
        })
        .collect();
    assert_eq!((new, ids.len()), (1, 1), "{ids:?}");
}

pub(crate) fn what_was_done_is_there_when_the_store_is_opened_again(place: &dyn Place) {
    granted(&*place.open(), "AP-1", "d1");
    assert_eq!(place.open().get("AP-1").unwrap().unwrap().state, ApprovalState::Approved);
    assert!(place.open().spend(&[spending("AP-1", "d1")], 40).unwrap());
    assert!(!place.open().spend(&[spending("AP-1", "d1")], 40).unwrap());
    assert_eq!(place.open().list(false, 10).unwrap().len(), 1);
    assert_eq!(place.open().list(true, 10).unwrap(), []);
}

fn freeze(database: &str, reason: &str, until_ns: Option<i64>) -> Freeze {
    let (database, reason) = (database.to_owned(), reason.to_owned());
    Freeze { database, reason, by: "dora".to_owned(), until_ns }
}

pub(crate) fn a_freeze_stays_until_it_is_ended_and_the_newest_one_holds(place: &impl Place) {
    let store = place.open();
    assert_eq!(store.freezes().unwrap(), []);
    store.freeze(&freeze("shop", "release", Some(100))).unwrap();
    store.freeze(&freeze("ledger", "audit", None)).unwrap();
    store.freeze(&freeze("shop", "incident", None)).unwrap();
    drop(store);
    // Another process, or the same one after a restart.
    let store = place.open();
    let mut frozen = store.freezes().unwrap();
    frozen.sort_by(|one, other| one.database.cmp(&other.database));
    assert_eq!(frozen, [freeze("ledger", "audit", None), freeze("shop", "incident", None)]);
    store.unfreeze("shop").unwrap();
    store.unfreeze("shop").unwrap();
    store.unfreeze("nothing").unwrap();
    assert_eq!(place.open().freezes().unwrap(), [freeze("ledger", "audit", None)]);
}

fn message(id: &str, receiver: &str, created_ns: i64) -> Outgoing {
    Outgoing {
        id: id.to_owned(),
        receiver: receiver.to_owned(),
        body: format!("{{\"of\": \"{id}\"}}"),
        tries: 0,
        due_ns: created_ns,
        created_ns,
    }
}

fn next(store: &dyn ApprovalStore, receiver: &str, now_ns: i64) -> Option<Outgoing> {
    match store.take_message(receiver, now_ns, now_ns + 30).unwrap() {
        NextMessage::Message(message) => Some(*message),
        NextMessage::At(_) | NextMessage::Nothing => None,
    }
}

pub(crate) fn messages_wait_in_order_until_they_are_delivered(place: &impl Place) {
    let store = place.open();
    assert_eq!(store.take_message("ops", 10, 40).unwrap(), NextMessage::Nothing);
    for message in [message("m2", "ops", 20), message("m1", "ops", 10), message("m3", "chat", 10)] {
        assert!(store.put_message(&message, 10, 0).unwrap());
    }
    drop(store);
    let store = place.open();
    assert_eq!(store.messages_waiting().unwrap(), 3);
    assert_eq!(next(&*store, "ops", 20), Some(message("m1", "ops", 10)));
    // It was not taken: it is tried again later, and those behind it wait.
    store.put_off_message("m1", 1, 100).unwrap();
    assert_eq!(store.take_message("ops", 99, 200).unwrap(), NextMessage::At(100));
    assert_eq!(next(&*store, "chat", 20), Some(message("m3", "chat", 10)), "others do not");
    let again = next(&*place.open(), "ops", 100).unwrap();
    assert_eq!((again.id.as_str(), again.tries), ("m1", 1));
    store.remove_message("m1").unwrap();
    store.remove_message("m1").unwrap();
    assert_eq!(next(&*store, "ops", 101), Some(message("m2", "ops", 20)));
    assert_eq!(store.messages_waiting().unwrap(), 2);
}

pub(crate) fn a_message_is_one_process_s_until_that_has_died(place: &impl Place) {
    let [one, other] = [place.open(), place.open()];
    assert!(one.put_message(&message("m1", "ops", 10), 10, 0).unwrap());
    assert!(next(&*one, "ops", 10).is_some());
    assert_eq!(other.take_message("ops", 39, 100).unwrap(), NextMessage::At(40));
    drop(one);
    assert_eq!(next(&*other, "ops", 40).unwrap().id, "m1");
    // Of many that want it one gets it.
    assert!(other.put_message(&message("m2", "chat", 10), 10, 0).unwrap());
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let store = place.open();
            std::thread::spawn(move || next(&*store, "chat", 10).is_some())
        })
        .collect();
    let got = threads.into_iter().map(|thread| thread.join().unwrap());
    assert_eq!(got.filter(|got| *got).count(), 1);
}

pub(crate) fn so_many_messages_wait_for_a_receiver_and_no_more(place: &impl Place) {
    let store = place.open();
    let put = |id: &str, receiver: &str, at, oldest_ns| {
        store.put_message(&message(id, receiver, at), 2, oldest_ns).unwrap()
    };
    assert!(put("m1", "ops", 10, 0) && put("m2", "ops", 20, 0));
    assert!(!put("m3", "ops", 30, 0));
    assert!(put("m4", "chat", 30, 0), "others have room of their own");
    // What has waited too long makes room.
    assert!(put("m5", "ops", 40, 15));
    assert_eq!(next(&*store, "ops", 40).unwrap().id, "m2");
}
