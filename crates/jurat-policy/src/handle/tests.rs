//! Reloading: changed, broken, repaired, and under load.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use jurat_types::Effect;

use super::{PolicyHandle, Reload};
use crate::Surface;
use crate::testing::{directory, options, select, write};

const OPEN: &str = "package jurat.p\nallow contains \"all\"";
const CLOSED: &str = "package jurat.p\nallow contains \"all\"\ndeny contains \"no\"";

#[test]
fn a_revision_that_does_not_load_leaves_the_last_good_one_in_force() {
    let dir = directory(&[("p.rego", OPEN)]);
    let handle = PolicyHandle::new(dir.path().into(), options()).unwrap();
    let first = handle.state().revision;
    assert_eq!(handle.reload().unwrap(), Reload::Unchanged);
    for (broken, reason) in [
        ("package jurat.p\nallow contains", "rego_parse_error"),
        ("package jurat.p\nallow contains \"x\" if a\na if a", "rego_recursion_error"),
        ("package jurat.p\nallow := true", "rego_type_error"),
    ] {
        write(dir.path(), &[("p.rego", broken)]);
        assert!(handle.reload().is_err(), "{broken}");
        let state = handle.state();
        assert_eq!(state.revision, first, "{broken}");
        assert!(state.stale.unwrap().contains(reason), "{broken}");
        assert_eq!(
            handle.current().judge(&select(), &Surface::default()).effect,
            Effect::Allow,
            "{broken}"
        );
    }
    write(dir.path(), &[("p.rego", CLOSED)]);
    let swapped = handle.reload().unwrap();
    let state = handle.state();
    assert_eq!(swapped, Reload::Swapped { old: first.clone(), new: state.revision.clone() });
    assert_ne!(state.revision, first);
    assert_eq!(state.stale, None);
    assert_eq!(handle.current().judge(&select(), &Surface::default()).effect, Effect::Deny);
}

#[test]
fn going_back_to_what_is_in_force_is_not_stale() {
    let dir = directory(&[("p.rego", OPEN)]);
    let handle = PolicyHandle::new(dir.path().into(), options()).unwrap();
    write(dir.path(), &[("p.rego", "not Rego")]);
    assert!(handle.reload().is_err());
    assert!(handle.state().stale.is_some());
    write(dir.path(), &[("p.rego", OPEN)]);
    assert_eq!(handle.reload().unwrap(), Reload::Unchanged);
    assert_eq!(handle.state().stale, None);
}

#[test]
fn a_directory_that_goes_away_is_stale() {
    let dir = directory(&[("policies/p.rego", OPEN)]);
    let policies = dir.path().join("policies");
    let handle = PolicyHandle::new(policies.clone(), options()).unwrap();
    std::fs::remove_dir_all(&policies).unwrap();
    assert!(handle.reload().is_err());
    assert!(handle.state().stale.unwrap().contains("cannot read"));
    assert_eq!(handle.current().judge(&select(), &Surface::default()).effect, Effect::Allow);
    assert!(PolicyHandle::new(policies, options()).is_err());
}

#[test]
fn a_set_that_somebody_holds_stays_as_it_was() {
    let dir = directory(&[("p.rego", OPEN)]);
    let handle = Arc::new(PolicyHandle::new(dir.path().into(), options()).unwrap());
    let held = handle.current();
    let done = Arc::new(AtomicBool::new(false));
    let judge = {
        let (handle, done) = (Arc::clone(&handle), Arc::clone(&done));
        std::thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                let decision = handle.current().judge(&select(), &Surface::default());
                assert_eq!(decision.errors, Vec::<String>::new());
            }
        })
    };
    for text in [CLOSED, OPEN, CLOSED] {
        write(dir.path(), &[("p.rego", text)]);
        assert!(matches!(handle.reload().unwrap(), Reload::Swapped { .. }));
    }
    done.store(true, Ordering::Relaxed);
    judge.join().unwrap();
    assert_eq!(held.judge(&select(), &Surface::default()).effect, Effect::Allow);
    assert_eq!(handle.current().judge(&select(), &Surface::default()).effect, Effect::Deny);
}
