//! Definitions: read by what they name, and by the query in them.

use jurat_types::{Access, ColumnRole, FunctionClass, StatementClass};

use super::form::{Form, Read};
use super::words;
use crate::raw::{FormOf, Subject, form_among};
use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::{Stop, Walker};

use StatementClass::{Admin, Ddl};
use Subject::{BehindOn, Here, New, Nowhere};

/// First words by what they mean; those in square brackets may be left out. The first that fits counts.
const FORMS: &[FormOf] = &[
    (
        Ddl,
        New,
        &["create [or replace] [temporary] table", "create [or replace] [temporary] sequence"],
    ),
    (Ddl, Here, &["alter [online] [ignore] table", "alter sequence", "drop [temporary] sequence"]),
    (Ddl, Here, &["drop [temporary] table", "drop [temporary] tables", "drop view"]),
    (Ddl, Here, &["truncate [table]", "rename table", "rename tables"]),
    (Ddl, BehindOn, &["create [or replace] [online] [unique] [fulltext] [spatial] index"]),
    (Ddl, BehindOn, &["drop [online] index"]),
    (Ddl, Nowhere, &["create [or replace] database", "create [or replace] schema"]),
    (Ddl, Nowhere, &["alter database", "alter schema", "drop database", "drop schema"]),
    (
        Ddl,
        Nowhere,
        &["drop procedure", "drop function", "drop trigger", "drop event", "drop package"],
    ),
    (Admin, Nowhere, &["create [or replace] server", "alter server", "drop server"]),
    (
        Admin,
        Nowhere,
        &["create [undo] tablespace", "alter [undo] tablespace", "drop [undo] tablespace"],
    ),
    (Admin, Nowhere, &["create logfile group", "alter logfile group", "drop logfile group"]),
    (Admin, Nowhere, &["create resource group", "alter resource group", "drop resource group"]),
];

/// Reads a definition.
pub(super) fn read(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    program(walker, form).or_else(|| view(walker, form)).or_else(|| object(walker, form))
}

/// A stored program, whose body is not read, or a library of functions.
fn program(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    if !matches!(form.at(0), "create" | "alter") {
        return None;
    }
    const PROGRAMS: [&str; 5] = ["procedure", "function", "trigger", "event", "package"];
    // `OR REPLACE`, `DEFINER = 'a'@'b'` and AGGREGATE can stand before the word.
    let place = (1..form.len().min(10)).find(|place| PROGRAMS.contains(&form.at(*place)))?;
    let before = ["or", "replace", "definer", "=", "aggregate", "sql", "security", "invoker", ""];
    let plain = (1..place).all(|at| {
        let user = form.words.get(at.saturating_sub(1)).is_some_and(|(_, text)| *text == "=");
        before.contains(&form.at(at)) || form.at(at).starts_with('@') || user
    });
    if !plain {
        return None;
    }
    let kind = format!("{}_{}", form.at(0), form.at(place));
    if form.lower.iter().any(|word| word == "soname") {
        walker.facts.set(&kind, Admin);
        walker.facts.function("soname", FunctionClass::File);
    } else {
        walker.facts.set(&kind, Ddl);
    }
    walker.facts.effect = SessionEffect::CatalogChanged;
    if form.at(place) == "trigger"
        && let Some(on) = form.find(place, |word| word == "on")
        && let Some((name, _)) = form.name(on.saturating_add(1))
        && let Err(stop) = walker.named_table(&name, Access::Ddl)
    {
        return Some(Err(stop));
    }
    Some(Ok(None))
}

/// `CREATE VIEW v AS query`.
fn view(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    if !matches!(form.at(0), "create" | "alter") {
        return None;
    }
    let place = (1..form.len().min(14)).find(|place| form.at(*place) == "view")?;
    let before = [
        "or",
        "replace",
        "algorithm",
        "=",
        "undefined",
        "merge",
        "temptable",
        "definer",
        "sql",
        "security",
        "invoker",
        "current_user",
        "",
    ];
    if !(1..place).all(|at| before.contains(&form.at(at)) || form.at(at).starts_with('@')) {
        return None;
    }
    let at = place.saturating_add(1);
    let at = if form.has(at, &["if", "not", "exists"]) { at.saturating_add(3) } else { at };
    let (name, end) = form.name(at)?;
    let open = form.find(end, |word| word == "as")?;
    let mut close = form.len();
    if form.has(close.saturating_sub(2), &["check", "option"]) {
        let with = (open..close).rev().find(|at| form.at(*at) == "with")?;
        close = with;
    }
    let kind = format!("{}_view", form.at(0));
    let mut read = || {
        walker.defined_new(&name, false)?;
        let query = form.text(open.saturating_add(1), close);
        let query = form.query(walker, &query, ColumnRole::Source)?;
        walker.facts.set(&kind, Ddl);
        walker.facts.effect = SessionEffect::CatalogChanged;
        let tail = form.text(close, form.len());
        let text = format!("{} AS {query} {tail}", form.text(0, open));
        Ok(Some(text.trim_end().to_owned()))
    };
    Some(read())
}

/// Any other definition.
fn object(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    let lower: Vec<&str> = form.lower.iter().map(String::as_str).collect();
    let head = form_among(FORMS, &lower)?;
    let kind = head.kind.replace("tables", "table").replace("_schema", "_database");
    let of_database = kind.ends_with("_database") && form.at(0) != "create";
    walker.facts.set(&kind, head.class);
    walker.facts.effect = SessionEffect::CatalogChanged;
    let select = form.lower.iter().position(|word| word == "select");
    let result = subject(walker, form, &head.subject, head.length)
        .and_then(|()| if of_database { database(walker, form) } else { Ok(()) })
        .and_then(|()| files(walker, form))
        .and_then(|()| match select {
            None => named(walker, form, form.len()).map(|()| None),
            Some(_) if kind != "create_table" => {
                Err(Stop::unsupported("a query in this definition"))
            }
            Some(place) => filled(walker, form, place).map(Some),
        });
    Some(result)
}

/// ALTER and DROP of a database are about everything in it.
fn database(walker: &mut Walker<'_>, form: &Form<'_>) -> Result<(), Stop> {
    let at = if form.at(2) == "if" { 4 } else { 2 };
    match form.name(at) {
        Some((name, _)) => walker.database(&name),
        // `ALTER DATABASE CHARACTER SET …` is about the selected one, which has a name.
        None => Err(Stop::unsupported("a definition without the name of its database")),
    }
}

/// `CREATE TABLE t [(…)] [AS] SELECT …`.
fn filled(walker: &mut Walker<'_>, form: &Form<'_>, select: usize) -> Result<String, Stop> {
    // The query is the rest of the statement, in brackets or behind WITH.
    let mut start = select;
    while let Some(before) = start.checked_sub(1).filter(|before| form.at(*before) == "(") {
        start = before;
    }
    let depth = (0..start).fold(0_i32, |depth, at| match form.at(at) {
        "(" => depth.saturating_add(1),
        ")" => depth.saturating_sub(1),
        _ => depth,
    });
    if depth != 0 || form.find(0, |word| word == "with").is_some() {
        return Err(Stop::unsupported("a query in this place of a definition"));
    }
    named(walker, form, start)?;
    let query = form.text(start, form.len());
    let query = form.query(walker, &query, ColumnRole::Source)?;
    walker.facts.set("create_table_as", Ddl);
    walker.facts.effect = SessionEffect::CatalogChanged;
    Ok(format!("{} {query}", form.text(0, start)))
}

/// Finds the tables that the statement is about.
fn subject(
    walker: &mut Walker<'_>,
    form: &Form<'_>,
    subject: &Subject,
    length: usize,
) -> Result<(), Stop> {
    let missing = || Stop::unsupported("a definition without the name of its table");
    let mut at = match subject {
        Nowhere => return Ok(()),
        BehindOn => form.find(length, |word| word == "on").ok_or_else(missing)?.saturating_add(1),
        Here | New | Subject::BehindTo | Subject::BehindFrom | Subject::Index => length,
    };
    let mut if_exists = false;
    while let "if" | "not" | "exists" = form.at(at) {
        if_exists = true;
        at = at.saturating_add(1);
    }
    let truncates = form.at(0) == "truncate";
    // The catalog has no temporary tables.
    if_exists |= form.at(1) == "temporary";
    loop {
        let (name, end) = form.name(at).ok_or_else(missing)?;
        if *subject == New {
            walker.defined_new(&name, false)?;
        } else if truncates {
            walker.truncated(&name)?;
        } else {
            match walker.named_table(&name, Access::Ddl) {
                Err(Stop::Unresolved { .. }) if if_exists => walker.defined_new(&name, false)?,
                other => other?,
            }
        }
        let list = matches!(form.at(0), "drop" | "rename");
        let next = if form.at(0) == "rename" && form.at(end) == "to" {
            let (new, end) = form.name(end.saturating_add(1)).ok_or_else(missing)?;
            walker.defined_new(&new, false)?;
            end
        } else {
            end
        };
        if list && form.at(next) == "," {
            at = next.saturating_add(1);
        } else {
            return Ok(());
        }
    }
}

/// Options that reach files or other servers.
fn files(walker: &mut Walker<'_>, form: &Form<'_>) -> Result<(), Stop> {
    for place in 0..form.len() {
        if form.has(place, &["data", "directory"]) || form.has(place, &["index", "directory"]) {
            walker.facts.function("directory", FunctionClass::File);
        }
        if form.at(place) == "connection" || form.at(place) == "wrapper" {
            walker.facts.function("connection", FunctionClass::Network);
        }
        if form.at(place) == "engine" {
            let at = place.saturating_add(1);
            let at = if form.at(at) == "=" { at.saturating_add(1) } else { at };
            let name = match form.words.get(at) {
                Some((Kind::Word, text)) => (*text).to_owned(),
                _ => form.string(at).unwrap_or_default(),
            };
            match name.to_ascii_lowercase().as_str() {
                "federated" | "federatedx" | "spider" | "connect" | "s3" => {
                    walker.facts.function("engine", FunctionClass::Network);
                }
                "csv" => walker.facts.function("engine", FunctionClass::File),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Writes down every table and function that a word of the definition can stand for.
fn named(walker: &mut Walker<'_>, form: &Form<'_>, end: usize) -> Result<(), Stop> {
    let mut at = 0;
    while at < end {
        let Some((name, next)) = form.name(at) else {
            at = at.saturating_add(1);
            continue;
        };
        let reserved = next == at.saturating_add(1)
            && form.words.get(at).is_some_and(|(kind, _)| *kind == Kind::Word)
            && words::is_reserved(form.at(at));
        if !reserved {
            walker.may_mean_table(&name)?;
            if form.at(next) == "(" {
                walker.may_mean_call(&name)?;
            }
        }
        at = next.max(at.saturating_add(1));
    }
    Ok(())
}
