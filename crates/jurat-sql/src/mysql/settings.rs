//! SET of MySQL and MariaDB.
//!
//! What a session's texts mean hangs on some variables, so the front-end lets those be set to nothing but
//! what they are. Such assignments are named in `settings_kept` as well.

use jurat_types::{ColumnRole, StatementClass};

use super::form::{Form, Read, Word};
use crate::scan::Kind;
use crate::walk::{Stop, Walker};

mod mode;
mod restored;

/// Modes that change neither how a text is cut nor what its operators are.
const HARMLESS_MODES: &[&str] = &[
    "",
    "allow_invalid_dates",
    "error_for_division_by_zero",
    "no_auto_create_user",
    "no_auto_value_on_zero",
    "no_dir_in_create",
    "no_engine_substitution",
    "no_field_options",
    "no_key_options",
    "no_table_options",
    "no_unsigned_subtraction",
    "no_zero_date",
    "no_zero_in_date",
    "only_full_group_by",
    "pad_char_to_full_length",
    "strict_all_tables",
    "strict_trans_tables",
    "time_round_fractional",
    "time_truncate_fractional",
    "traditional",
];

/// Which variables the server tells of when they change.
const TRACKING: &str = "session_track_system_variables";

/// The variables whose changes Jurat wants to be told of in every session, as [`TRACKING`] takes them.
pub const TRACKED: &str = "autocommit,character_set_client,character_set_connection,character_set_results,\
    collation_connection,sql_mode,time_zone";

/// The variables that a client wants to be told of, with those of Jurat (MariaDB Connector/J asks for one more).
fn tracked(wanted: &str) -> Option<String> {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | ',' | ' ');
    if wanted == "*" {
        return Some("'*'".to_owned());
    }
    wanted.chars().all(plain).then(|| match wanted.trim() {
        "" => format!("'{TRACKED}'"),
        wanted => format!("'{TRACKED},{wanted}'"),
    })
}

/// Whether all modes of a list, in lower case, are harmless.
fn are_harmless(modes: &str) -> bool {
    modes.split(',').all(|mode| HARMLESS_MODES.contains(&mode.trim()))
}

/// Character sets in which texts are cut as Jurat cuts them.
const UTF8: &[&str] = &["utf8", "utf8mb3", "utf8mb4"];

/// Reads SET. `None` where it is none, or of another form.
pub(super) fn read(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    if form.at(0) != "set" {
        return None;
    }
    match (form.at(1), form.at(2)) {
        ("role", _) | ("default", "role") => {
            walker.facts.set("set_role", StatementClass::Session);
            walker.facts.setting("role");
            Some(Ok(None))
        }
        ("password", _) => {
            walker.facts.set("set_password", StatementClass::Dcl);
            Some(Ok(None))
        }
        // It runs a statement under other variables.
        ("statement", _) | ("resource", "group") => None,
        _ if is_transaction(form) => {
            walker.facts.set("set_transaction", StatementClass::Transaction);
            Some(Ok(None))
        }
        _ => Some(assignments(walker, form)),
    }
}

/// `SET [SESSION] TRANSACTION …`.
fn is_transaction(form: &Form<'_>) -> bool {
    const MODES: &[&str] = &[
        ",",
        "committed",
        "isolation",
        "level",
        "only",
        "read",
        "repeatable",
        "serializable",
        "uncommitted",
        "write",
    ];
    let at = if let "session" | "global" | "local" = form.at(1) { 2 } else { 1 };
    form.at(at) == "transaction"
        && form.lower.iter().skip(at.saturating_add(1)).all(|mode| MODES.contains(&mode.as_str()))
}

/// `NAMES x [COLLATE y]` and `CHARACTER SET x`, which stand among assignments. Nothing where the words are others.
fn character_set(
    walker: &mut Walker<'_>,
    form: &Form<'_>,
    (from, to): (usize, usize),
) -> Option<Result<String, Stop>> {
    let at = match (form.at(from), form.at(from.saturating_add(1))) {
        ("names" | "charset", next) if next != "=" && next != ":=" => from.saturating_add(1),
        ("character", "set") => from.saturating_add(2),
        _ => return None,
    };
    let all = ["character_set_client", "character_set_results", "character_set_connection"];
    let changed = if form.at(from) == "names" { &all[..] } else { all.get(..2)? };
    let words = form.words.get(at..to)?;
    let collation = match words {
        [_] => Some(String::new()),
        [_, (Kind::Word, word), collation] if word.eq_ignore_ascii_case("collate") => {
            value(collation)
        }
        _ => None,
    };
    let (Some(name), Some(collation)) = (words.first().and_then(value), collation) else {
        return Some(Err(Stop::unsupported("this form of SET NAMES")));
    };
    let fits = collation.is_empty() || collation.starts_with("utf8");
    for setting in changed {
        if UTF8.contains(&name.as_str()) && fits {
            walker.facts.settings_kept.push((*setting).to_owned());
        }
        walker.facts.setting(setting);
    }
    Some(Ok(form.text(from, to).trim_end().to_owned()))
}

/// A plain value in lower case, without quotes.
fn value((kind, text): &Word<'_>) -> Option<String> {
    match kind {
        Kind::Word if text.starts_with('@') => None,
        Kind::Word | Kind::Number => Some(text.to_ascii_lowercase()),
        Kind::Text if !text.contains('\\') => Some(crate::gate::inside(text).to_ascii_lowercase()),
        Kind::Text
        | Kind::Space
        | Kind::Comment
        | Kind::Quoted
        | Kind::Prefixed
        | Kind::Dollar
        | Kind::Parameter
        | Kind::Operator
        | Kind::Symbol => None,
    }
}

/// One variable that SET names.
struct Variable {
    name: String,
    is_global: bool,
    /// A variable of the user's own.
    of_user: bool,
}

/// `SET a = 1, @@session.b = 'x', @c = (SELECT …)`.
fn assignments(walker: &mut Walker<'_>, form: &Form<'_>) -> Result<Option<String>, Stop> {
    let unknown = || Stop::unsupported("this form of SET");
    let mut text = Vec::new();
    let mut global = false;
    for (from, to) in form.list(1, form.len())? {
        if let Some(written) = character_set(walker, form, (from, to)) {
            text.push(written?);
            continue;
        }
        let place = form.find(from, |word| word == "=" || word == ":=").filter(|at| *at < to);
        let place = place.ok_or_else(unknown)?;
        let named = form.words.get(from..place).and_then(variable);
        let Variable { name, is_global, of_user } = named.ok_or_else(unknown)?;
        let start = place.saturating_add(1);
        let words = form.words.get(start..to).unwrap_or_default();
        let plain = match words {
            [word] => value(word),
            [(Kind::Operator, "-" | "+"), number @ (Kind::Number, _)] => value(number),
            _ => None,
        };
        let given = if plain.is_some() {
            form.text(start, to)
        } else {
            // A variable can be read later without any check, so what it gets counts as written.
            form.expression(walker, (start, to), ColumnRole::Source)?
        };
        // What is sent in its place, where that leaves texts to be read as they are.
        let instead = match &plain {
            Some(value) if !is_global && name == TRACKING => tracked(value),
            None if !is_global && !of_user && restored::is_of_user(words) => {
                restored::checked(&name, &given)
            }
            _ => None,
        };
        let harmless = match &plain {
            _ if instead.is_some() => true,
            Some(value) => keeps(&name, value),
            None => name == "sql_mode" && mode::is_kept(words),
        };
        let written = instead.unwrap_or(given);
        text.push(format!("{} = {written}", form.text(from, place).trim_end()));
        global |= is_global;
        if of_user {
            continue;
        }
        if !is_global && harmless {
            walker.facts.settings_kept.push(name.clone());
        }
        walker.facts.setting(&name);
    }
    if global {
        walker.facts.set("set_global", StatementClass::Admin);
    } else {
        walker.facts.set("set", StatementClass::Session);
    }
    Ok(Some(format!("SET {}", text.join(", "))))
}

/// `x`, `SESSION x`, `@@global.x`, `@x`.
fn variable(words: &[Word<'_>]) -> Option<Variable> {
    let (scope, (kind, text)) = match words {
        [word] => (None, word),
        [(Kind::Word, scope), word] => (Some(scope.to_ascii_lowercase()), word),
        _ => return None,
    };
    let lower = text.to_ascii_lowercase();
    let (scope, name) = match (scope, kind) {
        (Some(scope), Kind::Word) => (scope, lower),
        (None, Kind::Word) => match lower.strip_prefix("@@") {
            Some(name) => match name.split_once('.') {
                Some((scope, name)) => (scope.to_owned(), name.to_owned()),
                None => (String::new(), name.to_owned()),
            },
            None if lower.starts_with('@') => {
                return Some(Variable { name: lower, is_global: false, of_user: true });
            }
            None => (String::new(), lower),
        },
        _ => return None,
    };
    let is_global = match scope.as_str() {
        "" | "session" | "local" => false,
        "global" | "persist" | "persist_only" => true,
        _ => return None,
    };
    if name.starts_with('@') || name.contains('.') {
        return None;
    }
    Some(Variable { name, is_global, of_user: false })
}

/// Whether a variable that texts hang on stays what it is.
fn keeps(name: &str, value: &str) -> bool {
    match name {
        "character_set_client" | "character_set_connection" | "character_set_results" => {
            UTF8.contains(&value)
        }
        "collation_connection" => value.starts_with("utf8"),
        "sql_mode" => are_harmless(value),
        // Every session begins with these, and what they check or tell stays checked and told.
        "foreign_key_checks" | "unique_checks" | "check_constraint_checks" => {
            matches!(value, "1" | "on")
        }
        "session_track_schema" => matches!(value, "1" | "on" | "true"),
        _ => false,
    }
}
