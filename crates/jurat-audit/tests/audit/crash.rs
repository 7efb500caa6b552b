//! What is left when the process or the machine stops, and what opening makes of it.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use jurat_audit::{AuditLog, OpenError, SigningKey};
use jurat_types::{Effect, Outcome, Record, RecordBody};

use crate::support::{
    append, check, clock, copy, decision, key, lines, open, options, outcome, segments, small_log,
    small_story, system,
};

fn error(dir: &Path) -> OpenError {
    AuditLog::open(dir, key(), options(), clock()).unwrap_err()
}

fn records(dir: &Path) -> Vec<Record> {
    lines(dir).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A log as a killed process leaves it: the checkpoint covers `signed` records, more follow.
fn killed(dir: &Path, signed: Vec<RecordBody>, more: Vec<RecordBody>) {
    let other = tempfile::tempdir().unwrap();
    let log = open(other.path());
    append(&log, signed);
    log.checkpoint().unwrap();
    append(&log, more);
    copy(other.path(), dir);
}

/// Every length that a crash can leave of the last record: opening moves the torn part aside, says so
/// in the log, and loses nothing else.
#[test]
fn a_record_torn_at_any_byte_is_moved_aside() {
    let home = tempfile::tempdir().unwrap();
    let whole = home.path().join("whole");
    killed(&whole, vec![system("started")], vec![system("kept"), system("torn")]);
    let (name, bytes) = segments(&whole).pop().unwrap();
    let last = bytes.len() - lines(&whole)[2].len() - 1;
    for length in last..=bytes.len() {
        let dir = home.path().join(length.to_string());
        copy(&whole, &dir);
        let file = OpenOptions::new().write(true).open(dir.join(&name)).unwrap();
        file.set_len(u64::try_from(length).unwrap()).unwrap();
        let log = open(&dir);
        append(&log, vec![system("goes on")]);
        log.close().unwrap();

        let found = check(&dir).unwrap();
        let events: Vec<String> = records(&dir)
            .into_iter()
            .map(|record| {
                let RecordBody::System(system) = record.body else { panic!("{record:?}") };
                match system.details.get("torn_bytes") {
                    Some(bytes) => format!("{} {bytes}", system.event),
                    None => system.event,
                }
            })
            .collect();
        let torn = length - last;
        if torn == 0 {
            assert_eq!(events, ["started", "kept", "goes on"]);
        } else if length == bytes.len() {
            assert_eq!(events, ["started", "kept", "torn", "goes on"]);
        } else {
            assert_eq!(events, ["started", "kept", &format!("recovered {torn}"), "goes on"]);
            let aside = fs::read(dir.join(format!("{name}.{last}.torn"))).unwrap();
            assert_eq!(aside, bytes[last..length]);
        }
        assert_eq!(found.signed, found.records);
        fs::remove_dir_all(&dir).unwrap();
    }
}

/// A power cut can leave zeros where the file system had only grown the file.
#[test]
fn zeros_behind_the_last_record_are_moved_aside() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("log");
    killed(&dir, vec![system("started")], vec![system("kept")]);
    let (name, bytes) = segments(&dir).pop().unwrap();
    let file = OpenOptions::new().write(true).open(dir.join(&name)).unwrap();
    file.set_len(u64::try_from(bytes.len() + 3_000_000).unwrap()).unwrap();
    assert_eq!(check(&dir).unwrap().torn_bytes, 3_000_000);
    drop(open(&dir));
    assert_eq!(check(&dir).unwrap().records, 3);
}

/// A statement whose end nobody saw gets the outcome that says so, once.
#[test]
fn statements_without_an_end_are_ended_as_unknown() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("log");
    let allow = |id| decision(id, Effect::Allow, "enforce");
    killed(
        &dir,
        vec![allow("ended"), allow("open 1"), outcome("ended", Outcome::Done)],
        vec![decision("denied", Effect::Deny, "enforce"), allow("open 2")],
    );
    drop(open(&dir));
    drop(open(&dir));
    let unknown: Vec<String> = records(&dir)
        .into_iter()
        .filter_map(|record| {
            let RecordBody::Outcome(end) = record.body else { return None };
            (end.outcome == Outcome::Unknown).then_some(end.decision_id)
        })
        .collect();
    assert_eq!(unknown, ["open 1", "open 2"]);
    let found = check(&dir).unwrap();
    assert_eq!((found.let_through, found.outcomes), (3, 3));
}

/// Over many tiles and segments, a log that is opened again goes on as if it had never been closed.
#[test]
fn reopening_goes_on_where_the_log_ended() {
    let home = tempfile::tempdir().unwrap();
    let (once, often) = (home.path().join("once"), home.path().join("often"));
    let log = open(&once);
    append(&log, vec![system("tick"); 700]);
    log.close().unwrap();
    for part in [1, 254, 1, 1, 255, 0, 188] {
        let log = open(&often);
        append(&log, vec![system("tick"); part]);
        drop(log);
    }
    let (once, often) = (check(&once).unwrap(), check(&often).unwrap());
    assert_eq!((often.records, often.signed), (700, 700));
    assert_eq!(once.records, 700);
}

#[test]
fn a_second_opener_is_told_which_directory_is_taken() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let message = error(dir.path()).to_string();
    assert_eq!(
        message,
        format!("the log in {} is in use by another process", dir.path().display())
    );
    append(&first, vec![system("unharmed")]);
    drop(first);
    drop(open(dir.path()));
}

/// What was changed while nobody had the log open is not built upon.
#[test]
fn a_log_that_does_not_match_its_checkpoint_is_not_opened() {
    type Change = fn(&Path);
    let changes: [(&str, Change, &str); 9] = [
        (
            "checkpoint removed",
            |dir| fs::remove_file(dir.join("checkpoint")).unwrap(),
            "holds records but no checkpoint",
        ),
        (
            "checkpoint edited",
            |dir| {
                let text = fs::read_to_string(dir.join("checkpoint")).unwrap();
                fs::write(dir.join("checkpoint"), text.replacen("\n7\n", "\n6\n", 1)).unwrap();
            },
            "is not taken",
        ),
        (
            "tile edited",
            |dir| fs::write(dir.join("tile/0/000.p/7"), [0; 7 * 32]).unwrap(),
            "do not match the signed checkpoint",
        ),
        ("tile removed", |dir| fs::remove_dir_all(dir.join("tile")).unwrap(), "is not usable"),
        (
            "segment removed",
            |dir| fs::remove_file(dir.join("records-000001.jsonl")).unwrap(),
            "holds 4 records, and its checkpoint covers 7: records were removed",
        ),
        (
            "first segment removed",
            |dir| fs::remove_file(dir.join("records-000000.jsonl")).unwrap(),
            "records-000000.jsonl is missing",
        ),
        (
            "signed record cut",
            |dir| {
                let path = dir.join("records-000001.jsonl");
                let bytes = fs::read(&path).unwrap();
                fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
            },
            "holds 6 records, and its checkpoint covers 7: records were removed",
        ),
        (
            "signed record changed",
            |dir| {
                let path = dir.join("records-000001.jsonl");
                let text = fs::read_to_string(&path).unwrap();
                fs::write(path, text.replace("stopped", "Stopped")).unwrap();
            },
            "record 6 (records-000001.jsonl line 3): does not match its hash in the tiles",
        ),
        (
            "segment replaced by a link",
            |dir| {
                fs::rename(dir.join("records-000001.jsonl"), dir.join("elsewhere")).unwrap();
                std::os::unix::fs::symlink("elsewhere", dir.join("records-000001.jsonl")).unwrap();
            },
            "cannot be used",
        ),
    ];
    for (name, change, expected) in changes {
        let dir = tempfile::tempdir().unwrap();
        small_log(dir.path());
        change(dir.path());
        let before = segments(dir.path());
        let message = error(dir.path()).to_string();
        assert!(message.contains(expected), "{name}: {message}");
        assert_eq!(segments(dir.path()), before, "{name}: a log that is refused is not touched");
    }
}

#[test]
fn another_key_does_not_open_the_log() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let other = SigningKey::from_seed("log.example/test", [8; 32]).unwrap();
    let error = AuditLog::open(dir.path(), other, options(), clock()).unwrap_err();
    assert!(matches!(error, OpenError::Checkpoint { .. }), "{error}");
}

/// The clock may jump; the timestamps in the log never go back, also over a restart.
#[test]
fn time_does_not_go_back_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    for second in [2000, 1000] {
        let clock = move || UNIX_EPOCH + Duration::from_secs(second);
        let log = AuditLog::open(dir.path(), key(), options(), clock).unwrap();
        append(&log, small_story());
    }
    check(dir.path()).unwrap();
    assert!(records(dir.path()).iter().all(|record| record.timestamp.contains("00:33:20.")));
}

/// An idle log signs that nothing happened.
#[test]
fn a_heartbeat_is_recorded_and_signed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    assert_eq!(log.heartbeat().unwrap().seq(), 0);
    assert_eq!(log.heartbeat().unwrap().seq(), 1);
    let found = check(dir.path()).unwrap();
    assert_eq!((found.records, found.signed), (2, 2));
}
