//! Definitions: read by what they name, and by the query in them.

use jurat_types::{Access, ColumnRole, FunctionClass, StatementClass};
use sqlparser::ast::ObjectName;

use super::form::{Form, Read};
use super::words;
use crate::raw::{Form as Head, FormOf, Subject, form_among};
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
        && let Err(stop) = lasting(walker, &name)
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
    let queries = kind == "create_table";
    walker.facts.set(&kind, head.class);
    walker.facts.effect = SessionEffect::CatalogChanged;
    let select = form.lower.iter().position(|word| word == "select");
    if queries && form.lower.iter().skip(head.length).any(|word| word == "table") {
        return Some(Err(Stop::unsupported("TABLE as the query of a definition")));
    }
    let result = subject(walker, form, &head).and_then(|lasts| {
        if of_database {
            database(walker, form)?;
        }
        if lasts && takes_rows(form, &kind) {
            if kind == "create_database"
                && let Some((name, _)) = form.name(head.length)
            {
                walker.database(&name)?;
            }
            walker.defined_takes_values();
        }
        files(walker, form)?;
        match select {
            None => named(walker, form, form.len(), lasts).map(|()| None),
            Some(_) if !queries => Err(Stop::unsupported("a query in this definition")),
            Some(place) => filled(walker, form, place, lasts).map(Some),
        }
    });
    Some(result)
}

/// Whether rows go with the definition, or values of them: what is replaced, partitions, and columns.
fn takes_rows(form: &Form<'_>, kind: &str) -> bool {
    /// What else DROP takes out of a table, and `ALTER column DROP DEFAULT`.
    const NO_VALUES: [&str; 9] =
        ["check", "constraint", "default", "foreign", "index", "key", "not", "period", "primary"];
    match kind {
        "create_table" | "create_database" => form.has(1, &["or", "replace"]),
        "alter_table" => {
            let changes = form.lower.iter().any(|word| word == "change" || word == "modify");
            (1..form.len()).any(|at| match form.at(at) {
                "drop" => !NO_VALUES.contains(&form.at(at.saturating_add(1))),
                "truncate" | "exchange" | "discard" | "convert" => {
                    matches!(form.at(at.saturating_add(1)), "partition" | "table" | "tablespace")
                }
                // With IGNORE, rows that a new key does not allow.
                "ignore" | "blackhole" => true,
                // A column that is computed from now on.
                "as" => changes && form.at(at.saturating_add(1)) == "(",
                _ => false,
            })
        }
        _ => false,
    }
}

/// A table whose definition changes and that no temporary one may stand in front of.
fn lasting(walker: &mut Walker<'_>, name: &ObjectName) -> Result<(), Stop> {
    if walker.is_temporary(name)? {
        return Err(Stop::unsupported("the name of a temporary table in this definition"));
    }
    walker.named_table(name, Access::Ddl)
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

/// Whether WITH at a place begins a query, and is no option: `WITH [RECURSIVE] t [(…)] AS (`.
fn opens_with(form: &Form<'_>, place: usize) -> bool {
    let name =
        place.saturating_add(if form.at(place.saturating_add(1)) == "recursive" { 2 } else { 1 });
    matches!(form.at(name.saturating_add(1)), "as" | "(")
}

/// `CREATE TABLE t [(…)] [AS] SELECT …`.
fn filled(
    walker: &mut Walker<'_>,
    form: &Form<'_>,
    select: usize,
    lasts: bool,
) -> Result<String, Stop> {
    // The query is the rest of the statement, in brackets or behind WITH.
    let with = form.find(0, |word| word == "with").filter(|with| *with < select);
    if with.is_some_and(|with| !opens_with(form, with)) {
        return Err(Stop::unsupported("a query in this place of a definition"));
    }
    let mut start = with.unwrap_or(select);
    while let Some(before) = start.checked_sub(1).filter(|before| form.at(*before) == "(") {
        start = before;
    }
    let depth = (0..start).fold(0_i32, |depth, at| match form.at(at) {
        "(" => depth.saturating_add(1),
        ")" => depth.saturating_sub(1),
        _ => depth,
    });
    if depth != 0 {
        return Err(Stop::unsupported("a query in this place of a definition"));
    }
    named(walker, form, start, lasts)?;
    let query = form.text(start, form.len());
    let query = form.query(walker, &query, ColumnRole::Source)?;
    walker.facts.set("create_table_as", Ddl);
    walker.facts.effect = SessionEffect::CatalogChanged;
    Ok(format!("{} {query}", form.text(0, start)))
}

/// Finds the tables that the statement is about. Tells whether any of them lasts longer than the session.
fn subject(walker: &mut Walker<'_>, form: &Form<'_>, head: &Head) -> Result<bool, Stop> {
    let missing = || Stop::unsupported("a definition without the name of its table");
    let mut at = match head.subject {
        Nowhere => return Ok(true),
        BehindOn => {
            form.find(head.length, |word| word == "on").ok_or_else(missing)?.saturating_add(1)
        }
        Here | New | Subject::BehindTo | Subject::BehindFrom | Subject::Index => head.length,
    };
    let temporary = form.lower.iter().take(head.length).any(|word| word == "temporary");
    let mut if_exists = false;
    while let "if" | "not" | "exists" = form.at(at) {
        if_exists = true;
        at = at.saturating_add(1);
    }
    let mut lasts = false;
    loop {
        let (name, end) = form.name(at).ok_or_else(missing)?;
        lasts |= if temporary {
            walker.defined_temporary(&name)?;
            false
        } else if head.subject == New {
            walker.defined_new(&name, false)?;
            true
        } else {
            existing(walker, form, &name, if_exists)?
        };
        if temporary && head.subject == New {
            like(walker, form, end)?;
        }
        if form.at(0) == "alter" {
            renamed(walker, form, end, lasts)?;
        }
        let next = if form.at(0) == "rename" && form.at(end) == "to" {
            let (new, end) = form.name(end.saturating_add(1)).ok_or_else(missing)?;
            lasting_new(walker, &new)?;
            end
        } else {
            end
        };
        if matches!(form.at(0), "drop" | "rename") && form.at(next) == "," {
            at = next.saturating_add(1);
        } else {
            return Ok(lasts);
        }
    }
}

/// A table that changes or goes. Tells whether it lasts: the statements that take a temporary table where one
/// stands in front of another are known.
fn existing(
    walker: &mut Walker<'_>,
    form: &Form<'_>,
    name: &ObjectName,
    if_exists: bool,
) -> Result<bool, Stop> {
    let takes_temporary = match (form.at(0), form.at(1)) {
        ("truncate", _) => true,
        ("drop", "view" | "sequence") | ("alter", "sequence") | ("rename", _) => false,
        ("alter" | "create" | "drop", _) => true,
        _ => false,
    };
    let own = walker.is_temporary(name)?;
    if own && !takes_temporary {
        return Err(Stop::unsupported("the name of a temporary table in this definition"));
    }
    if form.at(0) == "truncate" {
        walker.truncated(name)?;
    } else if own {
        walker.defined_temporary(name)?;
    } else {
        match walker.named_table(name, Access::Ddl) {
            Err(Stop::Unresolved { .. }) if if_exists => walker.defined_new(name, false)?,
            other => other?,
        }
    }
    Ok(!own)
}

/// `LIKE t` behind the name of a new temporary table: no row of it is read.
fn like(walker: &mut Walker<'_>, form: &Form<'_>, end: usize) -> Result<(), Stop> {
    let at = if form.at(end) == "(" { end.saturating_add(1) } else { end };
    if form.at(at) != "like" {
        return Ok(());
    }
    let Some((name, _)) = form.name(at.saturating_add(1)) else {
        return Err(Stop::unsupported("a definition without the name of its table"));
    };
    walker.named_table(&name, Access::Read)
}

/// `ALTER TABLE t RENAME TO u`: a temporary table stays one.
fn renamed(walker: &mut Walker<'_>, form: &Form<'_>, from: usize, lasts: bool) -> Result<(), Stop> {
    let mut at = from;
    while let Some(place) = form.find(at, |word| word == "rename") {
        at = place.saturating_add(1);
        let to = match form.at(at) {
            "column" | "index" | "key" => continue,
            "to" | "as" | "=" => at.saturating_add(1),
            _ => at,
        };
        let Some((name, _)) = form.name(to) else { continue };
        if lasts {
            walker.defined_new(&name, false)?;
        } else {
            walker.defined_temporary(&name)?;
        }
    }
    Ok(())
}

/// The new name of a table that lasts.
fn lasting_new(walker: &mut Walker<'_>, name: &ObjectName) -> Result<(), Stop> {
    if walker.is_temporary(name)? {
        return Err(Stop::unsupported("the name of a temporary table in this definition"));
    }
    walker.defined_new(name, false)
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

/// Writes down every function that a word of the definition can stand for, and every table where the definition
/// lasts: a temporary table refers to no other.
fn named(walker: &mut Walker<'_>, form: &Form<'_>, end: usize, lasts: bool) -> Result<(), Stop> {
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
            if lasts {
                walker.may_mean_table(&name)?;
            }
            if form.at(next) == "(" {
                walker.may_mean_call(&name)?;
            }
        }
        at = next.max(at.saturating_add(1));
    }
    Ok(())
}
