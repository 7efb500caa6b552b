//! Reading a policy directory: which files count, how much of them is accepted, and their digest.
//!
//! The convention is that of OPA bundles. `*.rego` anywhere below the directory is a policy
//! (`*_test.rego` only for the tests). `data.json`, `data.yaml` and `data.yml` are data, placed by
//! their directory: `jurat/catalog/data.yaml` is `data.jurat.catalog`. Other files are ignored, and
//! so is every name that begins with a dot (editors, Git, and the hidden directories through which
//! Kubernetes mounts a ConfigMap). Symbolic links are followed.

use std::path::Path;

use ring::digest;

use crate::LoadError;

/// Files in a policy directory at most.
const FILES_MAX: usize = 5_000;
/// Bytes of one file at most. The parser's work, and the stack that dropping its tree takes, grow with it.
const FILE_BYTES_MAX: u64 = 256 * 1024;
/// Bytes of one data file at most: data is read without recursion limits to fear.
const DATA_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Bytes of all files together at most.
const TOTAL_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Directories inside each other at most; it also ends a loop of symbolic links.
const DEPTH_MAX: usize = 16;

/// A policy directory's content, sorted by path.
#[derive(Debug, Default)]
pub(crate) struct PolicyFiles {
    pub(crate) policies: Vec<SourceFile>,
    pub(crate) data: Vec<SourceFile>,
}

/// One file.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Relative to the directory, with `/` between the parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Which files are wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wanted {
    /// What judges: no tests.
    Runtime,
    /// What `opa test --bundle` loads: tests too.
    Bundle,
    /// What `opa test` loads: tests too, and every JSON and YAML file as data.
    Everything,
}

/// Reads what judges.
pub(crate) fn read_runtime(dir: &Path) -> Result<PolicyFiles, LoadError> {
    read(dir, Wanted::Runtime, &|_| false)
}

/// Reads a directory, or a single file, leaving out the paths for which `ignored` says so.
pub(crate) fn read(
    dir: &Path,
    wanted: Wanted,
    ignored: &dyn Fn(&str) -> bool,
) -> Result<PolicyFiles, LoadError> {
    let mut walk = Walk { wanted, ignored, files: PolicyFiles::default(), count: 0, bytes: 0 };
    match dir.file_name().and_then(std::ffi::OsStr::to_str) {
        Some(name) if dir.is_file() => walk.file(dir, name.to_owned(), name)?,
        Some(_) | None => walk.directory(dir, "", 0)?,
    }
    walk.files.policies.sort_by(|a, b| a.path.cmp(&b.path));
    walk.files.data.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.files)
}

impl PolicyFiles {
    /// `sha256:` and the hexadecimal SHA-256 over the sorted paths and contents, each with its
    /// length before it, so that no two directories have the same stream.
    pub(crate) fn revision(&self) -> String {
        let mut files: Vec<_> = self.policies.iter().chain(&self.data).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut context = digest::Context::new(&digest::SHA256);
        for file in files {
            for part in [&file.path, &file.text] {
                context.update(&(part.len() as u64).to_be_bytes());
                context.update(part.as_bytes());
            }
        }
        let mut revision = "sha256:".to_owned();
        for byte in context.finish().as_ref() {
            revision.push_str(&format!("{byte:02x}"));
        }
        revision
    }
}

struct Walk<'a> {
    wanted: Wanted,
    ignored: &'a dyn Fn(&str) -> bool,
    files: PolicyFiles,
    count: usize,
    bytes: u64,
}

impl Walk<'_> {
    fn directory(&mut self, dir: &Path, prefix: &str, depth: usize) -> Result<(), LoadError> {
        let unreadable =
            |error: std::io::Error| LoadError::Read { path: dir.into(), reason: error.to_string() };
        if depth > DEPTH_MAX {
            return Err(too_large(dir, format!("more than {DEPTH_MAX} directories deep")));
        }
        for entry in std::fs::read_dir(dir).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(LoadError::Read {
                    path: entry.path(),
                    reason: "the name is not UTF-8".to_owned(),
                });
            };
            let relative =
                if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            if name.starts_with('.') || (self.ignored)(&relative) {
                continue;
            }
            let path = entry.path();
            let metadata = std::fs::metadata(&path).map_err(|error| LoadError::Read {
                path: path.clone(),
                reason: error.to_string(),
            })?;
            if metadata.is_dir() {
                self.directory(&path, &relative, depth + 1)?;
            } else {
                self.file(&path, relative, name)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, relative: String, name: &str) -> Result<(), LoadError> {
        let policy = name.ends_with(".rego");
        let wanted = if policy {
            self.wanted != Wanted::Runtime || !name.ends_with("_test.rego")
        } else {
            is_data(name, self.wanted)
        };
        if !wanted {
            return Ok(());
        }
        self.count += 1;
        if self.count > FILES_MAX {
            return Err(too_large(path, format!("more than {FILES_MAX} files")));
        }
        let limit = if policy { FILE_BYTES_MAX } else { DATA_BYTES_MAX };
        let text = read_bounded(path, limit)?;
        self.bytes += text.len() as u64;
        if self.bytes > TOTAL_BYTES_MAX {
            return Err(too_large(path, format!("more than {TOTAL_BYTES_MAX} bytes together")));
        }
        let file = SourceFile { path: relative, text };
        if policy {
            self.files.policies.push(file);
        } else {
            self.files.data.push(file);
        }
        Ok(())
    }
}

fn is_data(name: &str, wanted: Wanted) -> bool {
    match wanted {
        Wanted::Runtime | Wanted::Bundle => {
            matches!(name, "data.json" | "data.yaml" | "data.yml")
        }
        Wanted::Everything => {
            [".json", ".yaml", ".yml"].iter().any(|extension| name.ends_with(extension))
        }
    }
}

/// Reads at most `limit` bytes, whatever the size was a moment ago.
fn read_bounded(path: &Path, limit: u64) -> Result<String, LoadError> {
    use std::io::Read as _;

    let unreadable = |reason: String| LoadError::Read { path: path.to_path_buf(), reason };
    let file = std::fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| unreadable(error.to_string()))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, format!("more than {limit} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| unreadable(format!("not UTF-8: {error}")))
}

fn too_large(path: &Path, reason: String) -> LoadError {
    LoadError::TooLarge { path: path.to_path_buf(), reason }
}
