//! Reading the end of a log, also while it grows.

use std::fs::OpenOptions;
use std::io::Write as _;

use jurat_audit::{Tail, TailError, tail};
use jurat_types::RecordBody;

use crate::support::{append, open, small_log, system};

fn numbers(tail: &mut Tail) -> Vec<u64> {
    tail.map(|line| line.unwrap().record.unwrap().seq).collect()
}

#[test]
fn the_last_records_are_given_in_order_over_segments() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    for (count, expected) in [
        (0, vec![]),
        (1, vec![6]),
        (3, vec![4, 5, 6]),
        (5, vec![2, 3, 4, 5, 6]),
        (100, vec![0, 1, 2, 3, 4, 5, 6]),
    ] {
        assert_eq!(numbers(&mut tail(dir.path(), count).unwrap()), expected, "last {count}");
    }
}

#[test]
fn what_is_appended_comes_when_asked_again_also_in_new_segments() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    append(&log, vec![system("tick")]);
    let mut following = tail(dir.path(), 10).unwrap();
    assert_eq!(numbers(&mut following), [0]);
    assert_eq!(numbers(&mut following), [0; 0]);
    append(&log, vec![system("tick"); 100]);
    assert!(dir.path().join("records-000003.jsonl").exists());
    assert_eq!(numbers(&mut following), (1..=100).collect::<Vec<_>>());
}

/// A line that is still being written is not given in parts.
#[test]
fn half_a_line_comes_when_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let mut following = tail(dir.path(), 0).unwrap();
    let path = dir.path().join("records-000001.jsonl");
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"half a ").unwrap();
    assert!(following.next().is_none());
    file.write_all(b"line\nand").unwrap();
    let line = following.next().unwrap().unwrap();
    assert_eq!(line.text, "half a line");
    assert!(line.record.is_err());
    assert!(following.next().is_none());
}

#[test]
fn a_directory_without_a_log_is_said_to_be_one() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(tail(dir.path(), 1), Err(TailError::NoLog { .. })));
}

#[test]
fn records_are_read_as_what_they_are() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let last = tail(dir.path(), 1).unwrap().next().unwrap().unwrap();
    assert!(
        matches!(last.record.unwrap().body, RecordBody::System(record) if record.event == "stopped")
    );
}
