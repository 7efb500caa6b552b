//! Puts the shipped policies into the binary, so that the demo runs from any directory: writes a list
//! of (path below `rego/`, content) of every policy and data file that is no test.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../rego");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    if root.is_dir() {
        collect(&root.canonicalize()?, "", &mut files)?;
    }
    files.sort();
    let entries: String = files
        .iter()
        .map(|(name, path)| format!("    ({name:?}, include_str!({:?})),\n", path.display()))
        .collect();
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("policies.rs");
    fs::write(out, format!("&[\n{entries}]\n"))
}

fn collect(dir: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let relative = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{relative}/"), files)?;
        } else if is_policy(&name) {
            files.push((relative, entry.path()));
        }
    }
    Ok(())
}

/// What `PolicySet::load` would read.
fn is_policy(name: &str) -> bool {
    let rego = name.ends_with(".rego") && !name.ends_with("_test.rego");
    !name.starts_with('.') && (rego || matches!(name, "data.json" | "data.yaml" | "data.yml"))
}
