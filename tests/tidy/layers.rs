//! Who may depend on whom. A new edge is a design change: it is made here, where review sees it.

use std::collections::BTreeSet;

use crate::assert_none;
use crate::repository::{names_in, root, text_files, text_of};

/// Each crate with the crates of ours that it may depend on (ARCHITECTURE.md: arrows point down, siblings are blind).
const EDGES: &[(&str, &[&str])] = &[
    ("jurat-types", &[]),
    ("jurat-wire", &[]),
    ("jurat-sql", &["jurat-types"]),
    ("jurat-policy", &["jurat-types"]),
    ("jurat-audit", &["jurat-types"]),
    ("jurat-core", &["jurat-audit", "jurat-policy", "jurat-sql", "jurat-types"]),
    ("jurat-console", &["jurat-core", "jurat-types"]),
    ("jurat-store", &["jurat-core", "jurat-types"]),
    ("jurat-identity", &["jurat-core", "jurat-types"]),
    ("jurat-mysql", &["jurat-core", "jurat-types", "jurat-wire"]),
    // A database of its own, which Jurat reaches over the network as any other: it knows the packets of MySQL's
    // protocol, and nothing else of ours.
    ("jurat-playground", &["jurat-wire"]),
    ("jurat-postgres", &["jurat-core", "jurat-types", "jurat-wire"]),
    (
        "jurat",
        &[
            "jurat-audit",
            "jurat-console",
            "jurat-core",
            "jurat-identity",
            "jurat-mysql",
            "jurat-playground",
            "jurat-policy",
            "jurat-postgres",
            "jurat-sql",
            "jurat-store",
            "jurat-types",
            "jurat-wire",
        ],
    ),
];

/// Third-party engines with the crates that may import them. `deny.toml` holds the same rule for the tree.
const ENGINES: &[(&str, &[&str])] = &[
    ("axum", &["jurat-console"]),
    ("mysql_common", &["jurat-mysql"]),
    ("openidconnect", &["jurat-identity"]),
    ("opensrv-mysql", &["jurat-wire"]),
    ("pgwire", &["jurat-playground", "jurat-postgres"]),
    ("regorus", &["jurat-policy"]),
    ("rusqlite", &["jurat-playground", "jurat-store"]),
    ("sqlparser", &["jurat-sql"]),
];

/// The names under every `…dependencies` table of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                names.insert(name.trim_matches('"').to_owned());
            }
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let end = line.find(['.', '=', ' ']).unwrap_or(line.len());
            names.insert(line[..end].trim_matches('"').to_owned());
        }
    }
    names
}

/// The crates of the workspace, by directory, each with its manifest.
fn manifests() -> Vec<(String, String)> {
    names_in(&root().join("crates"))
        .into_iter()
        .map(|name| (name.clone(), text_of(&format!("crates/{name}/Cargo.toml"))))
        .collect()
}

#[test]
fn every_crate_is_in_the_table_of_edges_and_the_other_way_round() {
    let on_disk: BTreeSet<String> = manifests().into_iter().map(|(name, _)| name).collect();
    let in_table: BTreeSet<String> = EDGES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(on_disk, in_table);
}

#[test]
fn a_crate_depends_only_on_the_crates_below_it() {
    let mut findings = Vec::new();
    for (name, manifest) in manifests() {
        let allowed = EDGES.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, to)| to);
        for dependency in dependencies(&manifest) {
            if dependency.starts_with("jurat") && !allowed.contains(&dependency.as_str()) {
                findings.push(format!("{name} must not depend on {dependency}"));
            }
        }
        if manifest.lines().any(|line| line.contains("package =")) {
            findings.push(format!("{name} renames a dependency, which hides an edge"));
        }
        if !manifest.contains(&format!("name = \"{name}\"")) {
            findings.push(format!("crates/{name} holds a package of another name"));
        }
    }
    assert_none("an edge that is not in the table:", &findings);
}

#[test]
fn an_engine_is_imported_by_its_crates_only() {
    let mut findings = Vec::new();
    for (name, manifest) in manifests() {
        for (engine, homes) in ENGINES {
            if !homes.contains(&name.as_str()) && dependencies(&manifest).contains(*engine) {
                findings.push(format!("{name} must not depend on {engine}: it lives in {homes:?}"));
            }
        }
    }
    for file in text_files() {
        if file.extension() != "rs" || !file.path.starts_with("crates/") {
            continue;
        }
        for (engine, homes) in ENGINES {
            if homes.iter().any(|home| file.path.starts_with(&format!("crates/{home}/"))) {
                continue;
            }
            let name = engine.replace('-', "_");
            for (index, line) in file.text.lines().enumerate() {
                if imports(line, &name) {
                    findings.push(format!("{}:{} names {engine}", file.path, index + 1));
                }
            }
        }
    }
    assert_none("an engine outside its crates:", &findings);
}

/// Whether a line of code, not a comment, uses a path of the crate `name`.
fn imports(line: &str, name: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.contains(&format!("{name}::")) || code.contains(&format!("use {name};"))
}

#[test]
fn dependency_names_are_found_however_they_are_written() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = \"1\"\n# c = \"1\"\n\
                    \"d\" = { path = \"d\" }\n[dev-dependencies.e]\nversion = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nf = \"1\"\n[features]\ng = []\n";
    let expected = ["a", "b", "d", "e", "f"].map(str::to_owned);
    assert_eq!(dependencies(manifest), BTreeSet::from(expected));
}

#[test]
fn an_import_is_code_and_not_a_comment() {
    assert!(imports("use sqlparser::ast::Query;", "sqlparser"));
    assert!(imports("fn f(q: &sqlparser::ast::Query) {}", "sqlparser"));
    assert!(!imports("// as sqlparser::parser does", "sqlparser"));
    assert!(!imports("let name = \"sqlparser\";", "sqlparser"));
}
