//! Goldens: every statement in `testdata/postgres/*.md` and `testdata/mysql/*.md` with what is read from it.
//!
//! A file is a list of sections. A section's first block, ```` ```sql ````, is a text; the block after
//! it, ```` ```read ````, is what is expected. A ```` ```masks ```` block (`column method {params}` per
//! line, valid until the next one) or a ```` ```filters ```` block (`relation {params} predicate` per line)
//! makes the sections after it expect a ```` ```rewritten ```` block as well. In a file that has
//! ```` ```outputs ```` blocks, each section has one: the result columns. `BLESS=1` writes the expected blocks
//! again.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::support::{
    catalog, describe, filters, masks, mysql_catalog, mysql_names, names, outputs,
};
use jurat_sql::{
    CatalogIndex, ColumnMask, NameContext, Protection, ReadLimits, RowFilter, Statement, read,
};

#[test]
fn goldens() {
    check("testdata/postgres", &catalog(), &names());
}

#[test]
fn goldens_of_mysql() {
    check("testdata/mysql", &mysql_catalog(), &mysql_names());
}

/// Compares the files of a directory with what is read.
fn check(dir: &str, catalog: &CatalogIndex, names: &NameContext) {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(dir);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    let mut wrong = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let blessed = bless(&text, catalog, names);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &blessed).unwrap();
        } else if blessed != text {
            for diff in diff::lines(&text, &blessed) {
                wrong.push(format!("{}: {diff}", path.file_name().unwrap().to_string_lossy()));
            }
        }
    }
    assert!(wrong.is_empty(), "run `make bless` and review:\n{}", wrong.join("\n"));
}

/// The file as it should be.
fn bless(text: &str, catalog: &CatalogIndex, names: &NameContext) -> String {
    let mut out = String::new();
    let shows_outputs = text.contains("```outputs");
    let mut active: Vec<ColumnMask> = Vec::new();
    let mut kept: Vec<RowFilter> = Vec::new();
    let mut blocks = text.lines().peekable();
    while let Some(line) = blocks.next() {
        let mut block = || {
            let mut body = Vec::new();
            for line in blocks.by_ref() {
                if line == "```" {
                    break;
                }
                body.push(line);
            }
            body.join("\n")
        };
        match line {
            "```masks" => {
                let body = block();
                active = masks(&body);
                write!(out, "```masks\n{body}\n```\n").unwrap();
            }
            "```filters" => {
                let body = block();
                kept = filters(&body);
                write!(out, "```filters\n{body}\n```\n").unwrap();
            }
            "```sql" => {
                let sql = block();
                write!(out, "```sql\n{sql}\n```\n").unwrap();
                let reading = read(sql.as_bytes(), names, catalog, &ReadLimits::default());
                writeln!(out, "```read").unwrap();
                for statement in &reading.statements {
                    out.push_str(&describe(statement));
                }
                writeln!(out, "```").unwrap();
                if shows_outputs {
                    writeln!(out, "```outputs").unwrap();
                    reading.statements.iter().for_each(|read| out.push_str(&outputs(read)));
                    writeln!(out, "```").unwrap();
                }
                if !(active.is_empty() && kept.is_empty()) {
                    let protection = Protection { masks: &active, filters: &kept };
                    writeln!(out, "```rewritten").unwrap();
                    for statement in &reading.statements {
                        let rewritten = match statement {
                            Statement::Parsed(parsed) => match parsed.protect(&protection) {
                                Ok(rewritten) => rewritten.text,
                                Err(error) => format!("refused: {error}"),
                            },
                            Statement::Opaque(_) => "refused: opaque".to_owned(),
                        };
                        writeln!(out, "{rewritten}").unwrap();
                    }
                    writeln!(out, "```").unwrap();
                }
            }
            // Written anew behind the text.
            "```read" | "```rewritten" | "```outputs" => {
                block();
            }
            line => {
                writeln!(out, "{line}").unwrap();
            }
        }
    }
    out
}

mod diff {
    //! The lines that differ, one per line, without looking for the shortest way.

    pub(crate) fn lines(old: &str, new: &str) -> Vec<String> {
        let mut found = Vec::new();
        let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
        for line in old.iter().filter(|line| !new.contains(line)) {
            found.push(format!("- {line}"));
        }
        for line in new.iter().filter(|line| !old.contains(line)) {
            found.push(format!("+ {line}"));
        }
        if found.is_empty() {
            found.push("the order of blocks differs".to_owned());
        }
        found
    }
}
