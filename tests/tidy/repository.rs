//! The files of the repository, read from disk for the checks.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories that tools make, wherever they are.
const MADE_BY_TOOLS: &[&str] = &[".git", ".idea", ".venv", ".vscode", "__pycache__"];

/// Directories that cargo and cargo-fuzz make, beside a manifest only.
const MADE_BY_CARGO: &[&str] = &["artifacts", "corpus", "coverage", "target"];

/// One text file, with its path from the repository's root.
pub struct TextFile {
    pub path: String,
    pub text: String,
}

impl TextFile {
    pub fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|e| e.to_str()).unwrap_or_default()
    }

    /// Data of tests is quoted, not written by us: it may look any way.
    pub fn is_test_data(&self) -> bool {
        self.path.starts_with("tests/data/") || self.path.contains("/testdata/")
    }
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ has a parent").to_path_buf()
}

/// Every text file of the repository, sorted by path. A file that is not UTF-8 is no text.
pub fn text_files() -> Vec<TextFile> {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 30, "only {} files found: the walk is broken", files.len());
    files
}

/// One file that must exist.
pub fn text_of(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names in a directory, sorted, without what tools made.
pub fn names_in(directory: &Path) -> Vec<String> {
    let is_package = directory.join("Cargo.toml").exists();
    let made =
        |name: &str| MADE_BY_TOOLS.contains(&name) || (is_package && MADE_BY_CARGO.contains(&name));
    let entries =
        fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a directory entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !made(name))
        .collect();
    names.sort();
    names
}

fn collect(directory: &Path, prefix: &str, files: &mut Vec<TextFile>) {
    for name in names_in(directory) {
        let full = directory.join(&name);
        let path = format!("{prefix}{name}");
        if full.is_dir() {
            collect(&full, &format!("{path}/"), files);
        } else if let Ok(text) = fs::read_to_string(&full) {
            files.push(TextFile { path, text });
        }
    }
}
