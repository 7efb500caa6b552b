//! Documents say what is there: crates are named, links lead somewhere, commands exist.

use std::collections::BTreeSet;
use std::path::Path;

use crate::assert_none;
use crate::repository::{names_in, root, text_files, text_of};

/// Everything that may stand at the root. A new entry is added here, where review sees it.
const ROOT_ENTRIES: &[&str] = &[
    ".ci",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "bench",
    "clippy.toml",
    "crates",
    "deny.toml",
    "docs",
    "examples",
    "fuzz",
    "rego",
    "rustfmt.toml",
    "scripts",
    "tests",
];

/// ARCHITECTURE.md is read in one sitting or not at all.
const ARCHITECTURE_LINES_MAX: usize = 280;

/// Recipes call; they do not compute.
const RECIPE_LINES_MAX: usize = 3;

/// The targets of Markdown links that lead to files of the repository, without their anchors.
fn links(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for after in line.split("](").skip(1) {
            let target = after.split([')', '#', ' ']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push(target.to_owned());
            }
        }
    }
    found
}

fn is_goal_character(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

/// The goals of the Makefile with the number of lines of each recipe.
fn goals(makefile: &str) -> Vec<(String, usize)> {
    let mut goals: Vec<(String, usize)> = Vec::new();
    for line in makefile.lines() {
        if line.starts_with('\t') {
            if let Some((_, lines)) = goals.last_mut() {
                *lines += 1;
            }
        } else if let Some((name, _)) = line.split_once(':')
            && !name.is_empty()
            && name.chars().all(is_goal_character)
        {
            goals.push((name.to_owned(), 0));
        }
    }
    goals
}

/// The goals that a text tells its reader to make, where it writes them as code: `make x`.
fn goals_named(markdown: &str) -> BTreeSet<String> {
    let word =
        |after: &str| -> String { after.chars().take_while(|c| is_goal_character(*c)).collect() };
    let marked = markdown.split("`make ").skip(1).map(word);
    let at_line_start = markdown.lines().filter_map(|line| line.strip_prefix("make ")).map(word);
    marked.chain(at_line_start).filter(|goal| !goal.is_empty()).collect()
}

#[test]
fn architecture_names_every_crate_and_stays_short() {
    let text = text_of("ARCHITECTURE.md");
    let findings: Vec<String> = names_in(&root().join("crates"))
        .into_iter()
        .filter(|name| !text.contains(&format!("### `{name}`")))
        .collect();
    assert_none("ARCHITECTURE.md has no heading for:", &findings);
    let n_lines = text.lines().count();
    assert!(n_lines <= ARCHITECTURE_LINES_MAX, "ARCHITECTURE.md has {n_lines} lines");
}

#[test]
fn architecture_names_files_that_exist() {
    let files = text_files();
    let mut findings = Vec::new();
    for section in text_of("ARCHITECTURE.md").split("\n### `").skip(1) {
        let name = section.split('`').next().unwrap_or_default();
        let home = format!("crates/{name}/src/");
        let map = section.split("\n## ").next().unwrap_or_default();
        let words = map.split('`').filter(|word| word.ends_with(".rs") && !word.contains('/'));
        for word in words {
            let found = |path: &str| path.starts_with(&home) && path.ends_with(&format!("/{word}"));
            if !files.iter().any(|file| found(&file.path)) {
                findings.push(format!("{home}{word}"));
            }
        }
    }
    assert_none("ARCHITECTURE.md names a file that does not exist:", &findings);
}

#[test]
fn an_invariant_that_code_names_is_explained() {
    let architecture = text_of("ARCHITECTURE.md");
    let mut findings = Vec::new();
    for file in text_files().iter().filter(|file| file.path.starts_with("crates/")) {
        for after in file.text.split("INVARIANT(").skip(1) {
            let name = after.split(')').next().unwrap_or_default();
            if !architecture.contains(&format!("- **{name}.**")) {
                findings.push(format!("{} names {name}", file.path));
            }
        }
    }
    assert_none("ARCHITECTURE.md lists no such invariant:", &findings);
}

#[test]
fn every_link_leads_to_a_file() {
    let mut findings = Vec::new();
    for file in text_files() {
        if file.extension() != "md" || file.is_test_data() {
            continue;
        }
        let directory = root().join(Path::new(&file.path).parent().unwrap_or(Path::new("")));
        for target in links(&file.text) {
            if !directory.join(&target).exists() {
                findings.push(format!("{} links to {target}", file.path));
            }
        }
    }
    assert_none("a link that leads nowhere:", &findings);
}

#[test]
fn readme_links_every_document() {
    let readme = links(&text_of("README.md"));
    let at_root = names_in(&root()).into_iter();
    let in_docs = names_in(&root().join("docs")).into_iter().map(|name| format!("docs/{name}"));
    let findings: Vec<String> = at_root
        .chain(in_docs)
        .filter(|name| name.ends_with(".md") && name != "README.md" && !readme.contains(name))
        .collect();
    assert_none("README.md does not link:", &findings);
}

#[test]
fn changelog_has_room_for_the_next_change() {
    assert!(text_of("CHANGELOG.md").lines().any(|line| line == "## [Unreleased]"));
}

#[test]
fn a_command_that_is_named_exists_and_its_recipe_is_short() {
    let goals = goals(&text_of("Makefile"));
    let mut findings: Vec<String> = goals
        .iter()
        .filter(|(_, lines)| *lines > RECIPE_LINES_MAX)
        .map(|(name, lines)| format!("make {name} has a recipe of {lines} lines"))
        .collect();
    for document in ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md"] {
        for named in goals_named(&text_of(document)) {
            if !goals.iter().any(|(name, _)| *name == named) {
                findings.push(format!("{document} tells to make {named}, which is no goal"));
            }
        }
    }
    assert_none("the Makefile and the documents disagree:", &findings);
}

#[test]
fn the_root_holds_what_is_expected_there() {
    let findings: Vec<String> = names_in(&root())
        .into_iter()
        .filter(|name| !ROOT_ENTRIES.contains(&name.as_str()))
        .collect();
    assert_none("not in the list of root entries:", &findings);
}

#[test]
fn links_are_found_outside_code() {
    let text = "see [a](a.md#x) and [b](https://b) and\n```\n[c](c.md)\n```\n[d](d/e.md)";
    assert_eq!(links(text), ["a.md", "d/e.md"]);
}

#[test]
fn goals_are_found_with_their_recipes() {
    let text = ".PHONY: a b\na: ## first\n\tone\n\ttwo\nb: a\n\tthree\n";
    assert_eq!(goals(text), [("a".to_owned(), 2), ("b".to_owned(), 1)]);
    let named = goals_named("run `make a` or\nmake b-c   # now\nthen make sense");
    assert_eq!(named, BTreeSet::from(["a".to_owned(), "b-c".to_owned()]));
}
