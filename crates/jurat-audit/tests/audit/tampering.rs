//! What somebody can do to the files without the key, and what `verify` then says.

use std::fs;
use std::path::Path;

use jurat_audit::{SigningKey, VerifyError, verify, verify_against};
use proptest::test_runner::TestRunner;

use crate::support::{
    append, check, copy, lines, open, public, segments, small_log, small_story, system,
};

/// Every byte of every record file, with one of its bits flipped: the record that holds the byte is
/// named, exactly.
#[test]
fn one_flipped_bit_anywhere_names_its_record() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let mut position = 0;
    while flip(dir.path(), position, position % 8) {
        position += 1;
    }
    assert!(position > 4000, "the log has only {position} bytes");
}

#[test]
fn any_flipped_bit_names_its_record() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let size: usize = segments(dir.path()).iter().map(|(_, bytes)| bytes.len()).sum();
    TestRunner::default()
        .run(&(0..size, 0..8_usize), |(position, bit)| {
            assert!(flip(dir.path(), position, bit));
            Ok(())
        })
        .unwrap();
}

/// Flips a bit, checks what `verify` says, and flips it back; `false` behind the end of the log.
fn flip(dir: &Path, position: usize, bit: usize) -> bool {
    let mut before = 0;
    let mut seq = 0;
    for (name, mut bytes) in segments(dir) {
        let newlines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        if position < before + bytes.len() {
            let at = position - before;
            seq += newlines(&bytes[..at]);
            bytes[at] ^= 1 << bit;
            fs::write(dir.join(&name), &bytes).unwrap();
            let error = check(dir).unwrap_err();
            bytes[at] ^= 1 << bit;
            fs::write(dir.join(&name), &bytes).unwrap();
            assert_eq!(
                error.record(),
                Some(u64::try_from(seq).unwrap()),
                "byte {at} bit {bit} of {name}: {error}"
            );
            return true;
        }
        seq += newlines(&bytes);
        before += bytes.len();
    }
    false
}

/// Writes lines back as one segment, so that a test can remove, add and move whole records.
fn rewrite(dir: &Path, change: impl FnOnce(&mut Vec<String>)) {
    let mut all = lines(dir);
    change(&mut all);
    for (name, _) in segments(dir) {
        fs::remove_file(dir.join(name)).unwrap();
    }
    let text: String = all.iter().map(|line| format!("{line}\n")).collect();
    fs::write(dir.join("records-000000.jsonl"), text).unwrap();
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// What is done to a log of seven records, and what `verify` answers.
type Row = (&'static str, fn(&Path), &'static str);

fn expect(rows: &[Row]) {
    for (name, change, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        small_log(dir.path());
        change(dir.path());
        let said = match check(dir.path()) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(said.replace(&dir.path().display().to_string(), "DIR"), *expected, "{name}");
    }
}

#[test]
fn changed_records_are_named() {
    expect(&[
        ("nothing", |dir| rewrite(dir, |_| {}), "ok"),
        (
            "content",
            |dir| rewrite(dir, |all| all[4] = all[4].replace("ana@acme.io", "bob@acme.io")),
            "record 4 (records-000000.jsonl line 5): content does not match its hash in tile/0/000.p/7",
        ),
        (
            "a record removed",
            |dir| rewrite(dir, |all| drop(all.remove(2))),
            "record 2 (records-000000.jsonl line 3): carries the number 3: records were removed, added or moved here",
        ),
        (
            "a record repeated",
            |dir| rewrite(dir, |all| all.insert(3, all[2].clone())),
            "record 3 (records-000000.jsonl line 4): carries the number 2: records were removed, added or moved here",
        ),
        (
            "a line added",
            |dir| rewrite(dir, |all| all.insert(1, "{}".to_owned())),
            "record 1 (records-000000.jsonl line 2): content does not match its hash in tile/0/000.p/7",
        ),
        (
            "records swapped",
            |dir| rewrite(dir, |all| all.swap(1, 2)),
            "record 1 (records-000000.jsonl line 2): carries the number 2: records were removed, added or moved here",
        ),
        (
            "an empty line added at the end",
            |dir| rewrite(dir, |all| all.push(String::new())),
            "record 7 (records-000000.jsonl line 8): is not a record: EOF while parsing a value at line 1 column 0",
        ),
        (
            "the last record removed",
            |dir| rewrite(dir, |all| drop(all.pop())),
            "record 6 is missing: records-000000.jsonl ends after 6 records, and 7 are signed for",
        ),
    ]);
}

#[test]
fn cut_and_missing_files_are_told() {
    expect(&[
        (
            "the last record cut",
            |dir| edit(&dir.join("records-000001.jsonl"), |bytes| bytes.truncate(bytes.len() - 9)),
            "record 6 (records-000001.jsonl line 3): has no end",
        ),
        (
            "the newest segment removed",
            |dir| fs::remove_file(dir.join("records-000001.jsonl")).unwrap(),
            "record 4 is missing: records-000000.jsonl ends after 4 records, and 7 are signed for",
        ),
        (
            "the first segment removed",
            |dir| fs::remove_file(dir.join("records-000000.jsonl")).unwrap(),
            "record 0: its file records-000000.jsonl is missing",
        ),
    ]);
}

#[test]
fn changed_hashes_and_checkpoints_are_told() {
    expect(&[
        (
            "a hash in a tile",
            |dir| edit(&dir.join("tile/0/000.p/7"), |bytes| bytes[4 * 32 + 5] ^= 1),
            "the records match the signed checkpoint, but tile/0/000.p/7 was edited at record 4",
        ),
        (
            "a tile cut",
            |dir| edit(&dir.join("tile/0/000.p/7"), |bytes| bytes.truncate(100)),
            "the records match the signed checkpoint, but a tile does not: tile/0/000.p/7 does not hold exactly 7 hashes",
        ),
        (
            "a tile removed",
            |dir| fs::remove_file(dir.join("tile/0/000.p/7")).unwrap(),
            "the records match the signed checkpoint, but a tile does not: tile/0/000.p/7 is missing",
        ),
        (
            "content and its hash in the tile",
            |dir| {
                edit(&dir.join("tile/0/000.p/7"), |bytes| bytes[4 * 32] ^= 1);
                rewrite(dir, |all| all[4] = all[4].replace("ana@acme.io", "bob@acme.io"));
            },
            "record 4 (records-000000.jsonl line 5): content does not match the hash in the record after it (records-000000.jsonl line 6)",
        ),
        (
            "everything written anew, with another key",
            |dir| {
                let old = fs::read(dir.join("checkpoint")).unwrap();
                fs::remove_dir_all(dir).unwrap();
                let log = open(dir);
                append(&log, vec![system("started"); 7]);
                drop(log);
                fs::write(dir.join("checkpoint"), old).unwrap();
            },
            "the first 7 records were rewritten together with their hashes: they do not have the root of the signed checkpoint, and which of them was the first cannot be told without an older copy",
        ),
        (
            "the size in the checkpoint",
            |dir| {
                edit(&dir.join("checkpoint"), |bytes| {
                    let at = bytes.iter().position(|byte| *byte == b'7').unwrap();
                    bytes[at] = b'6';
                });
            },
            "the log's checkpoint is not taken: the signature of the checkpoint is wrong: it was changed after it was signed",
        ),
        (
            "the checkpoint emptied",
            |dir| fs::write(dir.join("checkpoint"), "").unwrap(),
            "the log's checkpoint is not taken: the checkpoint is malformed",
        ),
        (
            "the checkpoint removed",
            |dir| fs::remove_file(dir.join("checkpoint")).unwrap(),
            "DIR/checkpoint cannot be read",
        ),
    ]);
}

/// Every bit of the checkpoint matters.
#[test]
fn a_flipped_bit_in_the_checkpoint_is_told() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let path = dir.path().join("checkpoint");
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() * 8 {
        edit(&path, |bytes| bytes[at / 8] ^= 1 << (at % 8));
        assert!(matches!(check(dir.path()), Err(VerifyError::Checkpoint { .. })), "bit {at}");
        fs::write(&path, &bytes).unwrap();
    }
}

/// Every bit of the tiles matters, on every level; 600 records have two full tiles and a partial one.
#[test]
fn a_flipped_bit_in_a_tile_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    append(&log, vec![system("tick"); 600]);
    log.close().unwrap();
    assert_eq!(check(dir.path()).unwrap().records, 600);
    for (tile, record) in [
        ("tile/0/000", Some(3)),
        ("tile/0/001", Some(259)),
        ("tile/0/002.p/88", Some(515)),
        ("tile/1/000.p/2", None),
    ] {
        let at = if record.is_some() { 3 * 32 + 7 } else { 40 };
        edit(&dir.path().join(tile), |bytes| bytes[at] ^= 4);
        let error = check(dir.path()).unwrap_err();
        assert!(
            matches!(&error, VerifyError::TileEdited { name, .. } if name == tile),
            "{tile}: {error}"
        );
        assert_eq!(error.record(), record);
        edit(&dir.path().join(tile), |bytes| bytes[at] ^= 4);
    }
}

#[test]
fn another_key_is_not_the_key() {
    let dir = tempfile::tempdir().unwrap();
    small_log(dir.path());
    let other = SigningKey::from_seed("log.example/test", [8; 32]).unwrap();
    let error = verify(dir.path(), other.verifying_key()).unwrap_err();
    assert!(error.to_string().contains("is not signed by the key"), "{error}");
}

/// A log cut back to an older state that was signed passes on its own, and only on its own.
#[test]
fn a_log_rolled_back_shows_only_against_a_checkpoint_kept_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let (dir, old) = (home.path().join("log"), home.path().join("old"));
    let log = open(&dir);
    append(&log, small_story());
    log.checkpoint().unwrap();
    copy(&dir, &old);
    append(&log, vec![system("tick"); 3]);
    log.checkpoint().unwrap();
    let kept = fs::read_to_string(dir.join("checkpoint")).unwrap();
    let older = fs::read_to_string(old.join("checkpoint")).unwrap();
    append(&log, vec![system("tick")]);
    log.close().unwrap();

    let verified = verify_against(&dir, &public(), Some(&kept)).unwrap();
    assert_eq!((verified.records, verified.outside), (11, Some(10)));
    assert_eq!(verify_against(&dir, &public(), Some(&older)).unwrap().outside, Some(7));

    let alone = check(&old).unwrap();
    assert_eq!(alone.records, 7);
    assert!(alone.to_string().contains("not proved: that no records were removed from the end"));
    let error = verify_against(&old, &public(), Some(&kept)).unwrap_err();
    assert!(matches!(error, VerifyError::RolledBack { found: 7, size: 10 }), "{error}");
}

/// Two logs signed by the same key are told apart by a checkpoint of one of them.
#[test]
fn a_second_history_shows_against_a_checkpoint_of_the_first() {
    let home = tempfile::tempdir().unwrap();
    let (one, two) = (home.path().join("one"), home.path().join("two"));
    small_log(&one);
    let log = open(&two);
    append(&log, vec![system("tick"); 9]);
    log.close().unwrap();
    let kept = fs::read_to_string(one.join("checkpoint")).unwrap();
    let error = verify_against(&two, &public(), Some(&kept)).unwrap_err();
    assert!(matches!(error, VerifyError::OtherHistory { size: 7 }), "{error}");
}

/// Behind the checkpoint nothing is signed, but the links still name the first record that changed;
/// only the very last record has nobody who speaks for it.
#[test]
fn a_changed_record_behind_the_checkpoint_is_named_by_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    let (dir, live) = (home.path().join("log"), home.path().join("live"));
    let log = open(&dir);
    append(&log, vec![system("tick"), system("tick")]);
    log.checkpoint().unwrap();
    append(&log, vec![system("signed by nobody yet"); 3]);
    copy(&dir, &live);
    let verified = check(&live).unwrap();
    assert_eq!((verified.records, verified.signed), (5, 2));
    rewrite(&live, |all| all[3] = all[3].replace("nobody", "Nobody"));
    let error = check(&live).unwrap_err();
    assert_eq!(error.record(), Some(3), "{error}");
    rewrite(&live, |all| all[2] = all[2].replace("nobody", "Nobody"));
    assert_eq!(check(&live).unwrap_err().record(), Some(2));
}
