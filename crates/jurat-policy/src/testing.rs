//! What the tests of this crate share: policies in a temporary directory, and an intent to change.

use std::path::Path;

use jurat_types::{ColumnId, Intent, RelationName, StatementFacts};

use crate::{LoadError, PolicyOptions, PolicySet, Surface, SurfaceColumn, corpus};

/// Writes files below a new directory.
pub(crate) fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    dir
}

/// Writes files below a directory.
pub(crate) fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

/// Options for tests: time enough for a slow machine.
pub(crate) fn options() -> PolicyOptions {
    PolicyOptions { time_limit: std::time::Duration::from_secs(20), ..PolicyOptions::default() }
}

/// Loads one policy file.
pub(crate) fn load(policy: &str) -> Result<PolicySet, LoadError> {
    load_files(&[("jurat/p.rego", policy)])
}

/// Loads several files.
pub(crate) fn load_files(files: &[(&str, &str)]) -> Result<PolicySet, LoadError> {
    PolicySet::load(directory(files).path(), &options())
}

/// A SELECT of `public.customers` by a person in production.
pub(crate) fn select() -> Intent {
    corpus::intents().into_iter().next().unwrap()
}

/// The same with changed facts.
pub(crate) fn statement(change: impl FnOnce(&mut StatementFacts)) -> Intent {
    let mut intent = select();
    change(intent.statement.as_mut().unwrap());
    intent
}

/// `public.customers` with its columns.
pub(crate) fn surface() -> Surface {
    let columns = [("id", ""), ("name", "pii.name"), ("email", "pii.email"), ("card", "pci.card")]
        .into_iter()
        .map(|(name, label)| SurfaceColumn {
            column: ColumnId::new(RelationName::new("public", "customers"), name),
            also: Vec::new(),
            labels: [label].into_iter().filter(|l| !l.is_empty()).map(str::to_owned).collect(),
        })
        .collect();
    Surface { columns, relations: ["public.customers".to_owned()].into() }
}
