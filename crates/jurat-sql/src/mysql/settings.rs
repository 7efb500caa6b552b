//! SET of MySQL and MariaDB, as far as it changes variables to plain values.
//!
//! What a session's texts mean hangs on some variables, so the front-end lets those be set to nothing but
//! what they are. Such assignments are named in `settings_kept` as well.

use jurat_types::StatementClass;

use super::by_words::Word;
use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::{Stop, Walker};

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

/// Character sets in which texts are cut as Jurat cuts them.
const UTF8: &[&str] = &["utf8", "utf8mb3", "utf8mb4"];

/// Reads SET. `None` where it is none, or of another form.
pub(crate) fn read(
    walker: &mut Walker<'_>,
    words: &[Word<'_>],
    lower: &[&str],
) -> Option<Result<(), Stop>> {
    match lower {
        ["set", "names", ..] => names(walker, words.get(2..)?, lower.get(2..)?),
        ["set", "character", "set", ..] => charset(walker, words.get(3..)?),
        ["set", "charset", ..] => charset(walker, words.get(2..)?),
        ["set", rest @ ..] if is_transaction(rest) => {
            walker.facts.set("set_transaction", StatementClass::Transaction);
            Some(Ok(()))
        }
        ["set", "role", _] | ["set", "default", "role", ..] => {
            walker.facts.set("set_role", StatementClass::Session);
            walker.facts.setting("role");
            Some(Ok(()))
        }
        ["set", "password", ..] => {
            walker.facts.set("set_password", StatementClass::Dcl);
            Some(Ok(()))
        }
        ["set", "statement", ..] => None,
        ["set", ..] => assignments(walker, words.get(1..)?),
        _ => None,
    }
}

fn is_transaction(rest: &[&str]) -> bool {
    let rest = match rest {
        ["session" | "global" | "local", rest @ ..] => rest,
        rest => rest,
    };
    const MODES: &[&str] = &[
        "committed",
        "isolation",
        "level",
        "only",
        "read",
        "repeatable",
        "serializable",
        "uncommitted",
        "write",
        ",",
    ];
    matches!(rest, ["transaction", modes @ ..] if modes.iter().all(|mode| MODES.contains(mode)))
}

/// `SET NAMES x [COLLATE y]`.
fn names(walker: &mut Walker<'_>, words: &[Word<'_>], lower: &[&str]) -> Option<Result<(), Stop>> {
    let collation = match lower {
        [_] => None,
        [_, "collate", _] => Some(value(words.get(2)?)?),
        _ => return None,
    };
    let name = value(words.first()?)?;
    let fits = collation.is_none_or(|collation| collation.starts_with("utf8"));
    walker.facts.set("set", StatementClass::Session);
    for setting in ["character_set_client", "character_set_connection", "character_set_results"] {
        if UTF8.contains(&name.as_str()) && fits {
            walker.facts.settings_kept.push(setting.to_owned());
        }
        walker.facts.setting(setting);
    }
    Some(Ok(()))
}

/// `SET CHARACTER SET x`.
fn charset(walker: &mut Walker<'_>, words: &[Word<'_>]) -> Option<Result<(), Stop>> {
    let [word] = words else { return None };
    let name = value(word)?;
    walker.facts.set("set", StatementClass::Session);
    for setting in ["character_set_client", "character_set_results"] {
        if UTF8.contains(&name.as_str()) {
            walker.facts.settings_kept.push(setting.to_owned());
        }
        walker.facts.setting(setting);
    }
    Some(Ok(()))
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
    global: bool,
    /// A variable of the user's own.
    of_user: bool,
}

/// `SET a = 1, @@session.b = 'x', @c = 2`: plain values only.
fn assignments(walker: &mut Walker<'_>, words: &[Word<'_>]) -> Option<Result<(), Stop>> {
    let mut found = Vec::new();
    let mut global = false;
    for assignment in words.split(|word| *word == (Kind::Symbol, ",")) {
        let place = assignment.iter().position(|(_, text)| *text == "=" || *text == ":=")?;
        let variable = variable(assignment.get(..place)?)?;
        let value = match assignment.get(place.saturating_add(1)..)? {
            [word] => value(word)?,
            [(Kind::Operator, "-" | "+"), number @ (Kind::Number, _)] => value(number)?,
            _ => return None,
        };
        global |= variable.global;
        found.push((variable, value));
    }
    if global {
        walker.facts.set("set_global", StatementClass::Admin);
    } else {
        walker.facts.set("set", StatementClass::Session);
    }
    for (variable, value) in found {
        let Variable { name, global, of_user } = variable;
        if of_user {
            continue;
        }
        if keeps(&name, &value) && !global {
            walker.facts.settings_kept.push(name.clone());
        }
        if name == "sql_mode" && !keeps(&name, &value) {
            walker.facts.effect = SessionEffect::CatalogChanged;
        }
        walker.facts.setting(&name);
    }
    Some(Ok(()))
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
                return Some(Variable { name: lower, global: false, of_user: true });
            }
            None => (String::new(), lower),
        },
        _ => return None,
    };
    let global = match scope.as_str() {
        "" | "session" | "local" => false,
        "global" | "persist" | "persist_only" => true,
        _ => return None,
    };
    if name.starts_with('@') || name.contains('.') {
        return None;
    }
    Some(Variable { name, global, of_user: false })
}

/// Whether a variable that texts hang on stays what it is.
fn keeps(name: &str, value: &str) -> bool {
    match name {
        "character_set_client" | "character_set_connection" | "character_set_results" => {
            UTF8.contains(&value)
        }
        "collation_connection" => value.starts_with("utf8"),
        "sql_mode" => value.split(',').all(|mode| HARMLESS_MODES.contains(&mode.trim())),
        _ => false,
    }
}
