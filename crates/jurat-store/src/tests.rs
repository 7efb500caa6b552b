//! The suite over SQLite, and what is special about a file.

use std::path::PathBuf;

use jurat_core::ApprovalStore;

use crate::{
    SqliteStore,
    store_suite::{Place, every_case},
};

/// A file that goes with the test.
struct InFile {
    dir: tempfile::TempDir,
}

impl InFile {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("approvals.db")
    }
}

impl Place for InFile {
    fn open(&self) -> Box<dyn ApprovalStore> {
        Box::new(SqliteStore::open(&self.file()).unwrap())
    }
}

every_case!(Some(InFile::new()));

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let place = InFile::new();
    drop(place.open());
    let mode = |file: &std::path::Path| std::fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode(&place.file()) & 0o777, 0o600);
    std::fs::set_permissions(place.file(), PermissionsExt::from_mode(0o644)).unwrap();
    assert!(SqliteStore::open(&place.file()).is_err());
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let place = InFile::new();
    drop(place.open());
    let connection = rusqlite::Connection::open(place.file()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteStore::open(&place.file()).unwrap_err();
    assert!(error.to_string().contains("newer"), "{error}");
}
