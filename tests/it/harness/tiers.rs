//! What the run needs from outside and did meet: written down for the table that `scripts/test` prints.

use std::{env, fs, path::PathBuf};

/// Notes that a tier ran, with the version that it ran against. A run against a second server has a suffix
/// for its tiers.
pub(crate) fn met(tier: &str, version: &str) {
    let tier = format!("{tier}{}", env::var("JURAT_TIERS_SUFFIX").unwrap_or_default());
    if let Some(dir) = env::var_os("JURAT_TIERS_DIR") {
        let dir = PathBuf::from(dir);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(tier), format!("{}\n", version.trim())).unwrap();
    }
}

/// A tier is missing: said on a developer's machine, an error where all tiers are required.
pub(crate) fn missing(tier: &str, remedy: &str) {
    let required =
        env::var("CI").is_ok_and(|ci| ci == "true") || env::var_os("JURAT_REQUIRE_TIERS").is_some();
    assert!(!required, "the tier {tier} is required here: {remedy}");
    eprintln!("skipped, because {tier} is not there: {remedy}");
}
