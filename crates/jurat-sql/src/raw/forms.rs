//! The statements that are known by their first words.
//!
//! Source: `stmt` in `src/backend/parser/gram.y` of PostgreSQL 18. What acts on the server, lets it talk to
//! others, or runs code for everybody is administration; what decides who may do what is about rights.

use jurat_types::StatementClass::{self, Admin, Dcl, Ddl};

/// A statement's first words and what they say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Form {
    /// The kind that intents use.
    pub(crate) kind: String,
    /// The family.
    pub(crate) class: StatementClass,
    /// Which of its names is a relation that must exist.
    pub(crate) subject: Subject,
    /// How many words the first words are.
    pub(crate) length: usize,
}

/// Where a statement names the relation that it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Subject {
    /// Behind the first words.
    Here,
    /// Behind the word ON.
    BehindOn,
    /// Behind the word TO: a rule.
    BehindTo,
    /// Behind the word FROM: statistics.
    BehindFrom,
    /// Behind the first words, and made by the statement.
    New,
    /// Behind the first words, and not in the catalog: an index.
    Index,
    /// Nowhere for certain.
    Nowhere,
}

use Subject::{BehindFrom, BehindOn, BehindTo, Here, Index, New, Nowhere};

/// First words by what they mean; those in square brackets may be left out. The first that fits counts.
const FORMS: &[FormOf] = &[
    (Ddl, BehindTo, &["create [or replace] rule"]),
    (Ddl, BehindOn, &["alter rule", "drop rule", "create [or replace] [constraint] trigger"]),
    (Ddl, BehindOn, &["alter trigger", "drop trigger", "create [unique] index [concurrently]"]),
    (Dcl, BehindOn, &["create policy", "alter policy", "drop policy"]),
    (Ddl, BehindFrom, &["create statistics"]),
    (Ddl, Index, &["alter index", "drop index [concurrently]"]),
    (Ddl, New, &["create foreign table", "create [temporary] [temp] [unlogged] sequence"]),
    (Ddl, New, &["create [global] [local] [temporary] [temp] [unlogged] table"]),
    (Ddl, Here, &["alter foreign table", "drop foreign table", "alter table", "alter sequence"]),
    (Ddl, Here, &["alter view", "alter materialized view"]),
    (Ddl, Nowhere, &["alter statistics", "drop statistics", "create type", "alter type"]),
    (Ddl, Nowhere, &["create domain", "alter domain", "drop domain"]),
    (Ddl, Nowhere, &["create [or replace] function", "alter function", "drop function"]),
    (Ddl, Nowhere, &["create [or replace] procedure", "alter procedure", "drop procedure"]),
    (Ddl, Nowhere, &["create [or replace] aggregate", "alter aggregate", "drop aggregate"]),
    (Ddl, Nowhere, &["alter routine", "drop routine", "create cast", "drop cast"]),
    (Ddl, Nowhere, &["create [or replace] transform", "drop transform"]),
    (Ddl, Nowhere, &["create [default] conversion", "alter conversion", "drop conversion"]),
    (Ddl, Nowhere, &["create operator class", "create operator family", "create operator"]),
    (Ddl, Nowhere, &["alter operator class", "alter operator family", "alter operator"]),
    (Ddl, Nowhere, &["drop operator class", "drop operator family", "drop operator"]),
    (Ddl, Nowhere, &["create collation", "alter collation", "alter schema", "alter extension"]),
    (Ddl, Nowhere, &["create text search", "alter text search", "drop text search"]),
    (Ddl, Nowhere, &["comment on"]),
    (Admin, Nowhere, &["create event trigger", "alter event trigger", "drop event trigger"]),
    (Admin, Nowhere, &["alter database", "alter system", "load", "import foreign schema"]),
    (Admin, Nowhere, &["create publication", "alter publication", "drop publication"]),
    (Admin, Nowhere, &["create subscription", "alter subscription", "drop subscription"]),
    (Admin, Nowhere, &["create server", "alter server", "drop server"]),
    (Admin, Nowhere, &["create foreign data wrapper", "alter foreign data wrapper"]),
    (Admin, Nowhere, &["drop foreign data wrapper", "create user mapping"]),
    (Admin, Nowhere, &["alter user mapping", "drop user mapping"]),
    (Admin, Nowhere, &["create [or replace] [trusted] [procedural] language"]),
    (Admin, Nowhere, &["alter [procedural] language", "drop [procedural] language"]),
    (Admin, Nowhere, &["create access method", "drop access method", "create tablespace"]),
    (Admin, Nowhere, &["alter tablespace", "drop tablespace", "reassign owned", "drop owned"]),
    (Dcl, Nowhere, &["security label", "alter default privileges", "alter large object"]),
    (Dcl, Nowhere, &["create role", "create user", "create group", "alter role", "alter user"]),
    (Dcl, Nowhere, &["alter group", "drop role", "drop user", "drop group", "grant", "revoke"]),
];

/// The form of a statement, given its words in lower case.
pub(super) fn form(lower: &[&str]) -> Option<Form> {
    form_among(FORMS, lower)
}

/// What statements with these first words say.
pub(crate) type FormOf = (StatementClass, Subject, &'static [&'static str]);

/// As [`form`], among other forms.
pub(crate) fn form_among(forms: &[FormOf], lower: &[&str]) -> Option<Form> {
    forms.iter().find_map(|(class, subject, heads)| {
        heads.iter().find_map(|head| {
            let length = length(head, lower)?;
            Some(Form { kind: kind(head), class: *class, subject: *subject, length })
        })
    })
}

/// The kind: the words that may not be left out. Users and groups are roles.
fn kind(head: &str) -> String {
    let mut optional = false;
    let mut words: Vec<&str> = Vec::new();
    for word in head.split(' ') {
        optional |= word.starts_with('[');
        if !optional {
            words.push(word);
        }
        optional &= !word.ends_with(']');
    }
    match words.as_slice() {
        ["comment", "on"] => "comment".to_owned(),
        [verb, "user" | "group"] => format!("{verb}_role"),
        words => words.join("_"),
    }
}

/// How many words of a statement are its first words, if they are these.
fn length(head: &str, lower: &[&str]) -> Option<usize> {
    let mut at = 0_usize;
    let mut rest = head;
    while !rest.is_empty() {
        let (part, optional, behind) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (part, behind) = inner.split_once(']')?;
                (part, true, behind)
            }
            None => match rest.split_once(' ') {
                Some((part, behind)) => (part, false, behind),
                None => (rest, false, ""),
            },
        };
        rest = behind.trim_start();
        let count = part.split(' ').count();
        let there = part
            .split(' ')
            .enumerate()
            .all(|(offset, word)| lower.get(at.saturating_add(offset)) == Some(&word));
        match (there, optional) {
            (true, _) => at = at.checked_add(count)?,
            (false, true) => {}
            (false, false) => return None,
        }
    }
    Some(at)
}
