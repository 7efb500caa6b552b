//! SHOW and DESCRIBE.

use jurat_types::StatementClass::{self, Admin, Read as Reads, Session};

use super::form::{Form, Read};
use crate::scan::Kind;
use crate::walk::Walker;

/// What SHOW shows, by its first words, and what it says.
const SHOWN: &[(&str, &str, StatementClass)] = &[
    ("all", "show_replica_status", Admin),
    ("analyze", "show_explain", Admin),
    ("binary", "show_binary_logs", Admin),
    ("binlog", "show_binlog_events", Admin),
    ("engine", "show_engine", Admin),
    ("explain", "show_explain", Admin),
    ("master", "show_binary_logs", Admin),
    ("open", "show_open_tables", Admin),
    ("processlist", "show_processlist", Admin),
    ("profile", "show_profile", Admin),
    ("profiles", "show_profile", Admin),
    ("relaylog", "show_binlog_events", Admin),
    ("replica", "show_replica_status", Admin),
    ("replicas", "show_replica_status", Admin),
    ("slave", "show_replica_status", Admin),
    ("columns", "show_columns", Reads),
    ("create", "show_create", Reads),
    ("databases", "show_databases", Reads),
    ("events", "show_events", Reads),
    ("fields", "show_columns", Reads),
    ("function", "show_routines", Reads),
    ("grants", "show_grants", Reads),
    ("index", "show_index", Reads),
    ("indexes", "show_index", Reads),
    ("keys", "show_index", Reads),
    ("package", "show_routines", Reads),
    ("procedure", "show_routines", Reads),
    ("schemas", "show_databases", Reads),
    ("table", "show_table_status", Reads),
    ("tables", "show_tables", Reads),
    ("triggers", "show_triggers", Reads),
    ("character", "show_collation", Session),
    ("charset", "show_collation", Session),
    ("collation", "show_collation", Session),
    ("count", "show_warnings", Session),
    ("engines", "show_engines", Session),
    ("errors", "show_warnings", Session),
    ("plugins", "show_plugins", Session),
    ("privileges", "show_privileges", Session),
    ("status", "show_status", Session),
    ("storage", "show_engines", Session),
    ("variables", "show_variables", Session),
    ("warnings", "show_warnings", Session),
];

/// Reads SHOW, and DESCRIBE of a table.
pub(super) fn read(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    match form.at(0) {
        "show" => show(walker, form),
        "describe" | "desc" | "explain" => describe(walker, form),
        "help" if form.len() == 2 => {
            walker.facts.set("help", Session);
            Some(Ok(None))
        }
        _ => None,
    }
}

/// SHOW. A condition could hold a query or call a function, so its brackets may only hold what operators are about.
fn show(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    let skipped = ["full", "extended", "global", "session", "local"];
    let subject = form.lower.iter().skip(1).find(|word| !skipped.contains(&word.as_str()))?;
    let (_, kind, class) = SHOWN.iter().find(|(word, _, _)| word == subject)?;
    // `SHOW COUNT(*) WARNINGS` and `SHOW GRANTS FOR CURRENT_USER()` have the only brackets that mean nothing.
    let last = form.len().saturating_sub(3);
    let own = subject == "grants" && form.has(last, &["current_user", "(", ")"]);
    let brackets = usize::from(own || subject == "count");
    let opened = (0..form.len()).filter(|at| form.at(*at) == "(" && !groups(form, *at)).count();
    let refused = ["select", "into", "case", ":="];
    let plain = form.words.iter().zip(&form.lower).all(|((kind, text), word)| {
        !refused.contains(&word.as_str())
            && match kind {
                Kind::Word => !text.starts_with('@'),
                Kind::Quoted | Kind::Number | Kind::Text | Kind::Operator | Kind::Symbol => true,
                Kind::Space | Kind::Comment | Kind::Prefixed | Kind::Dollar | Kind::Parameter => {
                    false
                }
            }
    });
    // `SHOW GRANTS FOR 'a'@'b'` is the only form that names a user.
    let of_user = subject == "grants";
    if opened > brackets || holds_query(form) || !(plain || of_user) {
        return None;
    }
    walker.facts.set(kind, *class);
    Some(Ok(None))
}

/// Whether a bracket stands behind an operator, so that nothing is called: `WHERE (a = 1) OR b IN ('x', 'y')`.
fn groups(form: &Form<'_>, bracket: usize) -> bool {
    let words = ["and", "between", "in", "like", "not", "or", "where", "xor"];
    let Some(before) = bracket.checked_sub(1) else { return false };
    match form.words.get(before) {
        Some((Kind::Word, _)) => words.contains(&form.at(before)),
        Some((Kind::Operator | Kind::Symbol, text)) => !matches!(*text, ")" | "."),
        _ => false,
    }
}

/// Whether the words behind a bracket begin a query without SELECT.
fn holds_query(form: &Form<'_>) -> bool {
    (0..form.len()).any(|at| {
        let behind = at.saturating_add(1);
        form.at(at) == "(" && matches!(form.at(behind), "table" | "values" | "with")
    })
}

/// `DESCRIBE t [column | 'pattern']`.
fn describe(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    let (_, end) = form.name(1)?;
    let rest = form.words.get(end..)?;
    let plain = match rest {
        [] => true,
        [(kind, text)] => {
            matches!(kind, Kind::Quoted | Kind::Text)
                || (*kind == Kind::Word && !text.starts_with('@'))
        }
        _ => false,
    };
    // A word of the grammar here opens a statement that is explained.
    let reserved = end == 2 && super::words::is_reserved(form.at(1));
    if !plain || reserved {
        return None;
    }
    walker.facts.set("describe", Reads);
    Some(Ok(None))
}
