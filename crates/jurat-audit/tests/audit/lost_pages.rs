//! A failed sync on Linux: the pages count as clean although they never reached the disk, reading gives
//! them back from memory, and the next sync succeeds without them. A power cut then takes them.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jurat_audit::{AppendError, AuditLog, AuditOptions, FileSystem, Storage};

use crate::support::{check, clock, key, lines, open, options, system};

/// A disk under one segment, which forgets what a failed sync should have written.
#[derive(Default)]
struct Disk {
    state: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    /// Written since the last sync.
    dirty: Vec<Range<u64>>,
    /// On the disk.
    safe: Vec<Range<u64>>,
    /// How many syncs will fail.
    failures: u32,
}

impl Storage for Disk {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let end = offset + u64::try_from(bytes.len()).unwrap();
        self.state.lock().unwrap().dirty.push(offset..end);
        FileSystem.write_at(file, bytes, offset)
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        FileSystem.truncate(file, length)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        let mut pages = self.state.lock().unwrap();
        let dirty = std::mem::take(&mut pages.dirty);
        if pages.failures > 0 {
            pages.failures -= 1;
            return Err(io::Error::other("the disk did not answer"));
        }
        pages.safe.extend(dirty);
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        FileSystem.create(path)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        FileSystem.replace(path, bytes)
    }
}

/// What became durable after a failed sync is there after a power cut.
#[tokio::test]
async fn what_a_failed_sync_has_lost_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let one_segment = AuditOptions { segment_bytes: 1 << 20, ..options() };
    let storage: Arc<dyn Storage> = Arc::clone(&disk) as _;
    let log = AuditLog::open_with(dir.path(), key(), one_segment, clock(), storage).unwrap();
    for event in ["one", "two"] {
        drop(log.append(system(event)).unwrap());
    }
    log.checkpoint().unwrap();
    let three = log.append(system("three")).unwrap();
    disk.state.lock().unwrap().failures = 1;
    assert!(matches!(log.durable(&three).await, Err(AppendError::Sync { .. })));
    log.durable(&three).await.unwrap();
    log.close().unwrap();

    let path = dir.path().join("records-000000.jsonl");
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = disk.state.lock().unwrap();
    for (at, byte) in (0..).zip(&mut bytes) {
        if !pages.safe.iter().any(|range| range.contains(&at)) {
            *byte = 0;
        }
    }
    std::fs::write(&path, bytes).unwrap();
    drop(log);
    drop(open(dir.path()));
    assert_eq!(check(dir.path()).unwrap().records, 3);
    assert!(lines(dir.path())[2].contains("three"));
}
