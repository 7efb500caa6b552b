//! Tidy: the shape of the repository as tests. Each one names every place that breaks its rule.

mod documents;
mod files;
mod layers;
mod repository;

/// Fails with all findings at once, so that one run is enough to mend them.
#[track_caller]
fn assert_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}\n  {}", findings.join("\n  "));
}
