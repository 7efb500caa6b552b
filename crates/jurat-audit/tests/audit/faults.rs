//! A disk that says no: at every step of the log, once, for a while, and for good.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jurat_audit::{AppendError, AuditLog, AuditOptions, FileSystem, Storage};
use jurat_types::RecordBody;

use crate::support::{check, clock, key, lines, open, options, system};

/// Counts the steps of the log, and fails those in a range.
struct Faulty {
    step: AtomicU64,
    from: u64,
    to: u64,
    how: How,
    /// How much of each file (by inode) a sync has made safe.
    safe: Mutex<BTreeMap<u64, u64>>,
    syncs_fail: AtomicBool,
    checkpoints_fail: AtomicBool,
}

/// What is left of a step that fails.
#[derive(Clone, Copy, Debug)]
enum How {
    Nothing,
    Half,
    /// It was done, and the error came after.
    All,
}

impl Faulty {
    fn new(from: u64, to: u64, how: How) -> Arc<Self> {
        Arc::new(Self {
            step: AtomicU64::new(0),
            from,
            to,
            how,
            safe: Mutex::default(),
            syncs_fail: AtomicBool::new(false),
            checkpoints_fail: AtomicBool::new(false),
        })
    }

    fn fails(&self) -> bool {
        (self.from..self.to).contains(&self.step.fetch_add(1, Ordering::SeqCst))
    }

    fn steps(&self) -> u64 {
        self.step.load(Ordering::SeqCst)
    }
}

fn no_space() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Storage for Faulty {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        if !self.fails() {
            return FileSystem.write_at(file, bytes, offset);
        }
        match self.how {
            How::Nothing => Err(no_space()),
            How::Half => file.write_at(&bytes[..bytes.len() / 2], offset),
            How::All => file.write_all_at(bytes, offset).and_then(|()| Err(no_space())),
        }
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        if !self.fails() {
            return FileSystem.truncate(file, length);
        }
        if matches!(self.how, How::All) {
            file.set_len(length)?;
        }
        Err(no_space())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if self.fails() || self.syncs_fail.load(Ordering::SeqCst) {
            return Err(io::Error::other("the disk is on fire"));
        }
        let metadata = file.metadata()?;
        self.safe.lock().unwrap().insert(metadata.ino(), metadata.len());
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        if !self.fails() {
            return FileSystem.create(path);
        }
        if matches!(self.how, How::All) {
            FileSystem.create(path)?;
        }
        Err(no_space())
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        // Without waiting for the disk, which the many runs of these tests would do for long.
        let replace = || {
            let temporary = format!("{}.tmp", path.display());
            fs::create_dir_all(path.parent().unwrap())?;
            fs::write(&temporary, bytes)?;
            fs::rename(temporary, path)
        };
        if !self.fails() && !self.checkpoints_fail.load(Ordering::SeqCst) {
            return replace();
        }
        match self.how {
            How::Nothing => {}
            How::Half => {
                let temporary = format!("{}.tmp", path.display());
                // The directory may not be there yet either.
                fs::write(temporary, &bytes[..bytes.len() / 2]).ok();
            }
            How::All => replace()?,
        }
        Err(no_space())
    }
}

fn open_on(dir: &Path, storage: &Arc<Faulty>, options: AuditOptions) -> AuditLog {
    let storage: Arc<dyn Storage> = Arc::clone(storage) as _;
    AuditLog::open_with(dir, key(), options, clock(), storage).unwrap()
}

/// What the log said about each record that it was given.
struct Run {
    /// The event of each record that was taken, under its number.
    taken: BTreeMap<u64, String>,
    /// How many records are known to be on stable storage.
    safe: u64,
    refused: usize,
}

/// Sixty records over several segments and tiles' worth of checkpoints.
fn script(log: &AuditLog) -> Run {
    let mut run = Run { taken: BTreeMap::new(), safe: 0, refused: 0 };
    for number in 0..60 {
        let event = format!("event {number}");
        match log.append(system(&event)) {
            Ok(receipt) => assert_eq!(run.taken.insert(receipt.seq(), event), None),
            Err(_) => run.refused += 1,
        }
        if number % 7 == 0 && log.checkpoint().is_ok() {
            run.safe = u64::try_from(run.taken.len()).unwrap();
        }
    }
    run
}

/// Every record of which the log said that it is stored is in it, in its place.
fn assert_kept(dir: &Path, run: &Run, up_to: u64) {
    let lines = lines(dir);
    for (seq, event) in run.taken.range(..up_to) {
        let line = &lines[usize::try_from(*seq).unwrap()];
        assert!(line.contains(&format!("\"{event}\"")), "record {seq} should be {event}: {line}");
    }
}

/// How many steps the script takes when nothing fails.
fn steps_of_the_script() -> (u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let storage = Faulty::new(u64::MAX, u64::MAX, How::Nothing);
    let log = open_on(dir.path(), &storage, options());
    let opened = storage.steps();
    assert_eq!(script(&log).refused, 0);
    assert!(dir.path().join("records-000002.jsonl").exists());
    (opened, storage.steps())
}

/// Any step fails once or a few times in a row: the log refuses, heals by itself, and holds exactly
/// what it said it holds.
#[test]
fn a_fault_at_any_step_heals() {
    let (opened, steps) = steps_of_the_script();
    for how in [How::Nothing, How::Half, How::All] {
        for (from, length) in (opened..steps).flat_map(|from| [(from, 1), (from, 5)]) {
            let dir = tempfile::tempdir().unwrap();
            let storage = Faulty::new(from, from + length, how);
            let log = open_on(dir.path(), &storage, options());
            let run = script(&log);
            // The sync that heals may need a moment; then everything is as before.
            while log.checkpoint().is_err() {}
            let seq = log.append(system("healed")).unwrap().seq();
            log.close().unwrap();
            assert_eq!(usize::try_from(seq).unwrap(), run.taken.len());
            let found = check(dir.path()).unwrap_or_else(|error| panic!("{how:?} {from}: {error}"));
            assert_eq!((found.records, found.signed), (seq + 1, seq + 1));
            assert_kept(dir.path(), &run, u64::MAX);
        }
    }
}

/// The process ends at any step, with that step done, half done or not done: nothing that was taken is
/// lost. Then the same with the power cut, which takes what no sync has made safe.
#[test]
fn a_crash_at_any_step_is_recovered() {
    let (opened, steps) = steps_of_the_script();
    for how in [How::Nothing, How::Half, How::All] {
        for from in opened..steps {
            let dir = tempfile::tempdir().unwrap();
            let storage = Faulty::new(from, u64::MAX, how);
            let log = open_on(dir.path(), &storage, options());
            let run = script(&log);
            drop(log);
            drop(open(dir.path()));
            check(dir.path()).unwrap_or_else(|error| panic!("{how:?} {from}: {error}"));
            assert_kept(dir.path(), &run, u64::MAX);
        }
    }
}

#[test]
fn a_power_cut_at_any_step_takes_only_what_was_not_durable() {
    let (opened, steps) = steps_of_the_script();
    for from in opened..steps {
        let dir = tempfile::tempdir().unwrap();
        let storage = Faulty::new(from, u64::MAX, How::Half);
        let log = open_on(dir.path(), &storage, options());
        let run = script(&log);
        drop(log);
        let safe = storage.safe.lock().unwrap().clone();
        for entry in fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "jsonl") {
                let file = File::options().write(true).open(&path).unwrap();
                let metadata = file.metadata().unwrap();
                let least = safe.get(&metadata.ino()).copied().unwrap_or(0).min(metadata.len());
                // Some of what was not synced may have reached the disk all the same.
                file.set_len(least + (metadata.len() - least) / 3).unwrap();
            }
        }
        drop(open(dir.path()));
        check(dir.path()).unwrap_or_else(|error| panic!("{from}: {error}"));
        assert_kept(dir.path(), &run, run.safe);
    }
}

/// A record that is too long is refused, and the next one is taken.
#[test]
fn a_long_record_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let options = AuditOptions { record_bytes_max: 1000, ..options() };
    let log = AuditLog::open(dir.path(), key(), options, clock()).unwrap();
    let error = log.append(system(&"x".repeat(1000))).unwrap_err();
    assert!(matches!(error, AppendError::TooLarge { max: 1000, .. }), "{error}");
    assert_eq!(log.append(system("short")).unwrap().seq(), 0);
    log.close().unwrap();
    assert!(matches!(log.append(system("late")), Err(AppendError::Closed)));
    check(dir.path()).unwrap();
}

/// Everybody who waits for a sync that fails is told, nothing is taken until one succeeds, and then
/// everything is.
#[tokio::test]
async fn a_failed_sync_is_told_to_all_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Faulty::new(u64::MAX, u64::MAX, How::Nothing);
    let log = Arc::new(open_on(dir.path(), &storage, options()));
    let safe = log.append(system("safe")).unwrap();
    log.durable(&safe).await.unwrap();

    storage.syncs_fail.store(true, Ordering::SeqCst);
    let receipts: Vec<_> = (0..3).map(|_| log.append(system("waits")).unwrap()).collect();
    let waiters: Vec<_> = receipts
        .into_iter()
        .map(|receipt| {
            let log = Arc::clone(&log);
            tokio::spawn(async move { log.durable(&receipt).await })
        })
        .collect();
    for waiter in waiters {
        let error = waiter.await.unwrap().unwrap_err();
        assert!(matches!(error, AppendError::Sync { .. }), "{error}");
    }
    assert!(matches!(log.append(system("refused")), Err(AppendError::Sync { .. })));
    assert!(matches!(log.trouble(), Some(AppendError::Sync { .. })));
    log.durable(&safe).await.unwrap();

    storage.syncs_fail.store(false, Ordering::SeqCst);
    let healed = until_taken(&log, "healed").await;
    assert_eq!(healed, 4);
    assert!(log.trouble().is_none());
    log.close().unwrap();
    assert_eq!(check(dir.path()).unwrap().records, 5);
}

/// Records may wait for a checkpoint only in a limited number.
#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_stops_the_log_and_heals() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Faulty::new(u64::MAX, u64::MAX, How::Nothing);
    let options = AuditOptions { unsigned_max: 10, checkpoint_records: 5, ..options() };
    let log = open_on(dir.path(), &storage, options);
    storage.checkpoints_fail.store(true, Ordering::SeqCst);
    for number in 0..10 {
        assert_eq!(log.append(system("unsigned")).unwrap().seq(), number);
    }
    assert!(matches!(
        log.append(system("refused")),
        Err(AppendError::Checkpoint { records: 10, .. })
    ));
    storage.checkpoints_fail.store(false, Ordering::SeqCst);
    assert_eq!(until_taken(&log, "healed").await, 10);
    log.close().unwrap();
    assert_eq!(check(dir.path()).unwrap().signed, 11);
}

async fn until_taken(log: &AuditLog, event: &str) -> u64 {
    for _ in 0..2000 {
        if let Ok(receipt) = log.append(system(event)) {
            return receipt.seq();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the log did not heal");
}

/// A log rotated away by somebody else's tool is noticed, and nothing is called durable.
#[test]
fn a_segment_that_was_moved_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    drop(log.append(system("one")).unwrap());
    let path = dir.path().join("records-000000.jsonl");
    fs::rename(&path, dir.path().join("rotated")).unwrap();
    fs::write(&path, "").unwrap();
    assert!(matches!(log.checkpoint(), Err(AppendError::Sync { .. })));
    assert!(matches!(log.append(system("two")), Err(AppendError::Sync { .. })));
    fs::rename(dir.path().join("rotated"), &path).unwrap();
    log.checkpoint().unwrap();
    assert_eq!(log.append(system("two")).unwrap().seq(), 1);
    drop(log);
    assert_eq!(check(dir.path()).unwrap().records, 2);
}

/// Many threads, small segments, checkpoints in between: one order, no gap, and receipts that are true.
#[test]
fn threads_append_in_one_order() {
    let dir = tempfile::tempdir().unwrap();
    let options = AuditOptions { checkpoint_records: 50, ..options() };
    let log = AuditLog::open(dir.path(), key(), options, clock()).unwrap();
    let receipts: Vec<(u64, String)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let log = &log;
                scope.spawn(move || {
                    (0..100)
                        .map(|number| {
                            let event = format!("thread {thread} event {number}");
                            (log.append(system(&event)).unwrap().seq(), event)
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    log.close().unwrap();
    assert_eq!(check(dir.path()).unwrap().records, 400);
    let lines = lines(dir.path());
    for (seq, event) in receipts {
        assert!(lines[usize::try_from(seq).unwrap()].contains(&format!("\"{event}\"")));
    }
}

/// The receipt names the decision that it is proof for.
#[test]
fn a_receipt_belongs_to_its_record() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let body: RecordBody = crate::support::decision("d1", jurat_types::Effect::Allow, "enforce");
    let receipt = log.append(body).unwrap();
    assert_eq!((receipt.seq(), receipt.decision_id()), (0, Some("d1")));
    log.checkpoint().unwrap();
    assert_eq!(fs::read(dir.path().join("tile/0/000.p/1")).unwrap(), receipt.leaf());
    assert_eq!(log.append(system("other")).unwrap().decision_id(), None);
}
