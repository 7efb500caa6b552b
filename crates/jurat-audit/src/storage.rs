//! The port through which the log changes files, so that a test can let any of these steps fail.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Everything that the log does to files after it has been opened.
pub trait Storage: Send + Sync {
    /// Writes at a position, in one system call, and says how many bytes were taken.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts a file to a length.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&self, file: &File, length: u64) -> io::Result<()>;

    /// Returns when the file's content is on stable storage.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Makes a new file that must not have any content yet, and syncs its directory.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, path: &Path) -> io::Result<File>;

    /// Puts a file with this content in place in one step, on stable storage, directories included.
    ///
    /// # Errors
    /// What the system says.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// As [`Storage::replace`] for several files, in any order; none of them needs another to be there.
    ///
    /// # Errors
    /// What the system says; some of the files may be in place then.
    fn replace_all(&self, files: &[(PathBuf, Vec<u8>)]) -> io::Result<()> {
        files.iter().try_for_each(|(path, bytes)| self.replace(path, bytes))
    }
}

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystem;

impl Storage for FileSystem {
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        // A signal before the first byte is no failure; nothing has been written then.
        loop {
            match file.write_at(bytes, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn create(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE);
        let file = options.open(path)?;
        // An earlier try may have made the file and failed to sync the directory.
        if file.metadata()?.len() > 0 || !fs::symlink_metadata(path)?.is_file() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        sync_parent(path)?;
        Ok(file)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let (file, temporary) = write_beside(path, bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_parent(path)
    }

    /// The contents are written before the first is synced, so that one commit of the file system's journal
    /// serves all, and each directory is synced once.
    fn replace_all(&self, files: &[(PathBuf, Vec<u8>)]) -> io::Result<()> {
        let mut parents = BTreeSet::new();
        // Sessions need file descriptors too, so not all are open at once.
        for some in files.chunks(OPEN_MAX) {
            let mut written = Vec::with_capacity(some.len());
            for (path, bytes) in some {
                let (file, temporary) = write_beside(path, bytes)?;
                written.push((file, temporary, path));
            }
            for (file, temporary, path) in written {
                file.sync_all()?;
                fs::rename(temporary, path)?;
                parents.insert(path.parent());
            }
        }
        files
            .iter()
            .filter(|(path, _)| parents.remove(&path.parent()))
            .try_for_each(|(path, _)| sync_parent(path))
    }
}

/// Files that one batch holds open.
const OPEN_MAX: usize = 32;

/// Writes a file's content under another name in its directory, not yet synced.
fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<(File, PathBuf)> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let temporary = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(FILE_MODE);
    let mut file = match options.open(&temporary) {
        // Most files go where others are.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            path.parent().map_or(Ok(()), create_directories)?;
            options.open(&temporary)?
        }
        result => result?,
    };
    file.write_all(bytes)?;
    Ok((file, temporary))
}

/// Readable for the group, so that auditors need no right to write.
pub(crate) const FILE_MODE: u32 = 0o640;
const DIRECTORY_MODE: u32 = 0o750;

/// Makes a directory and those above it; each new name is synced into its parent.
pub(crate) fn create_directories(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_directories(parent)?;
    }
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_parent(path),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io;

    use super::{FileSystem, Storage as _};

    /// A device that is always full, as the kernel has it.
    #[test]
    fn a_full_device_is_an_error() {
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = FileSystem.write_at(&file, b"record\n", 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn replacing_makes_the_directories_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tile/0/x001/234.p/5");
        FileSystem.replace(&path, b"one").unwrap();
        FileSystem.replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);

        let several: Vec<_> = ["a/1", "a/2", "b/1"]
            .map(|name| (dir.path().join(name), name.as_bytes().to_vec()))
            .into();
        FileSystem.replace_all(&several).unwrap();
        for (path, bytes) in several {
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
        assert_eq!(std::fs::read_dir(dir.path().join("a")).unwrap().count(), 2);
    }
}
