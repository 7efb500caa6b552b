//! Which paths of the intent the policies read, found without running them.

use crate::{
    Location,
    syntax::{ModuleFacts, RuleFacts, Segment},
};

/// Aliases of aliases that are followed.
const ALIASES_MAX: usize = 8;

/// What differs between two executions of one statement in one session. An estimate does not: a judgement that has one is
/// made anew each time and never remembered, and before that there is none.
const VOLATILE: &[&[&str]] = &[
    &["approvals"],
    &["claimed"],
    &["request_id"],
    &["session", "in_transaction"],
    &["session", "totals"],
    &["statement", "parameters"],
    &["time"],
];

/// What differs between two messages with the same text; fixed for a prepared statement.
const MESSAGE: &[&[&str]] =
    &[&["statement", "count"], &["statement", "index"], &["statement", "protocol"]];

/// What is known only once a statement has run; before that it is always `null`.
const ACTUAL: &[&[&str]] = &[&["statement", "actual"]];

/// What differs between two moments for all sessions of a database.
const FREEZE: &[&[&str]] = &[&["session", "freeze"]];

/// What differs between two texts with the same facts, which differ in their literals only.
const TEXT: &[&[&str]] = &[&["statement", "sha256"], &["statement", "text"]];

/// What differs between two sessions of one principal that are alike in everything else.
const SESSION: &[&[&str]] =
    &[&["session", "client_addr"], &["session", "id"], &["session", "started_ns"]];

/// One place where the intent is read.
#[derive(Clone, Debug)]
pub(crate) struct InputUse {
    /// Below `input`; empty for all of it.
    pub(crate) path: Vec<Segment>,
    pub(crate) at: Location,
    /// Whether it only gives the path a name.
    pub(crate) definition: bool,
}

/// Every use of the intent, also through imports, local names and rules like `s := input.statement`.
pub(crate) fn uses(modules: &[ModuleFacts]) -> Vec<InputUse> {
    let aliases: Vec<&RuleFacts> = modules
        .iter()
        .flat_map(|module| &module.rules)
        .filter(|rule| rule.alias.is_some())
        .collect();
    let mut uses = Vec::new();
    for rule in modules.iter().flat_map(|module| &module.rules) {
        for reference in &rule.references {
            for path in resolve(reference.path.clone(), &aliases) {
                let definition = reference.definition;
                uses.push(InputUse { path, at: reference.at.clone(), definition });
            }
        }
    }
    uses
}

/// The paths below `input` that a path leads to.
fn resolve(path: Vec<Segment>, aliases: &[&RuleFacts]) -> Vec<Vec<Segment>> {
    let mut found = Vec::new();
    let mut pending = vec![(path, 0)];
    while let Some((path, level)) = pending.pop() {
        let rest = path.get(1..).unwrap_or_default().to_vec();
        match path.first() {
            Some(Segment::Field(root)) if root == "input" => found.push(rest),
            Some(Segment::Field(_)) if level < ALIASES_MAX => {
                for rule in aliases {
                    if !overlaps(&path, &rule.path) {
                        continue;
                    }
                    let mut target = rule.alias.clone().unwrap_or_default();
                    target.extend(path.get(rule.path.len()..).unwrap_or_default().iter().cloned());
                    pending.push((target, level + 1));
                }
            }
            Some(Segment::Field(_) | Segment::Any) | None => {}
        }
    }
    found
}

/// What the policies may read that changes while the statement stays the same.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Volatility {
    pub(crate) execution: bool,
    pub(crate) message: bool,
    pub(crate) text: bool,
    pub(crate) actual: bool,
    pub(crate) session: bool,
    pub(crate) freeze: bool,
}

/// Looks for volatile paths among the uses.
pub(crate) fn volatility(uses: &[InputUse]) -> Volatility {
    let reads = |paths: &[&[&str]]| {
        uses.iter()
            .filter(|read| !read.definition)
            .any(|read| paths.iter().any(|path| overlaps(&read.path, path)))
    };
    Volatility {
        execution: reads(VOLATILE),
        message: reads(MESSAGE),
        text: reads(TEXT),
        actual: reads(ACTUAL),
        session: reads(SESSION),
        freeze: reads(FREEZE),
    }
}

/// Whether one path is a beginning of the other, where a variable stands for any key.
fn overlaps<T: AsRef<str>>(path: &[Segment], fixed: &[T]) -> bool {
    path.iter().zip(fixed).all(|(segment, part)| match segment {
        Segment::Field(name) => name == part.as_ref(),
        Segment::Any => true,
    })
}
