//! The words of a refusal by a limit: the number, the limit, and what to do next.

use jurat_types::{Limit, Refusal, RefusalCode, StatementFacts};
use serde_json::{Value, json};

use crate::{BudgetError, Exceeded, limits_in_force::protected, refusals};

/// A statement has changed more rows than it may.
pub(crate) fn too_many_rows(limit: &Limit, facts: &StatementFacts, rows: u64, id: &str) -> Refusal {
    let bound = limit.value;
    let why = format!("it would change {rows} rows, and the limit is {bound}");
    let remedy = "Nothing was changed. Narrow it to fewer rows; do not retry it unchanged";
    let more = [("rows", json!(rows)), ("rows_exact", json!(true))];
    told(RefusalCode::RowsExceeded, Some(limit), facts, (&why, remedy), id, &more)
}

/// The same, where somebody may consent to exactly so many: `request` is what was asked for. `stays_locked` says that
/// the transaction goes on, and with it the locks on what was taken back.
pub(crate) fn rows_need_consent(
    limit: &Limit,
    facts: &StatementFacts,
    (rows, stays_locked): (u64, bool),
    request: &str,
    id: &str,
) -> Refusal {
    let bound = limit.value;
    let why = format!(
        "it would change {rows} rows, the limit is {bound}, and more need consent: {request}"
    );
    let remedy = if stays_locked {
        "Nothing was changed. End the transaction, which keeps locks, and send it again once it is approved"
    } else {
        "Nothing was changed. Send the same statement again once it is approved"
    };
    let more = [
        ("rows", json!(rows)),
        ("rows_exact", json!(true)),
        ("approval", json!(request)),
        ("state", json!("pending")),
        ("retryable", json!(true)),
        ("approve", json!(format!("CALL jurat.request_approval('{request}', 'why')"))),
    ];
    let code = RefusalCode::ApprovalRequired;
    let mut refusal = told(code, Some(limit), facts, (&why, remedy), id, &more);
    refusal.hint = Some(format!(
        "CALL jurat.request_approval('{request}', 'why') tells approvers why; an approver runs \
         `jurat approvals approve {request}`, or CALL jurat.approve('{request}') as somebody else"
    ));
    refusal
}

/// The rows of a statement cannot be counted before they are committed, so no limit on them can be kept.
pub(crate) fn uncounted(
    limit: Option<&Limit>,
    facts: &StatementFacts,
    why: &str,
    id: &str,
) -> Refusal {
    let bound = limit.map_or_else(String::new, |limit| format!(" of {} rows", limit.value));
    let why = format!("a limit{bound} applies, and {why}");
    let remedy =
        "Nothing was changed. Use UPDATE, DELETE, INSERT, MERGE or COPY, which are counted";
    let more = [("rows", Value::Null), ("rows_exact", json!(false))];
    told(RefusalCode::RowsExceeded, limit, facts, (&why, remedy), id, &more)
}

/// Nobody knows how many values of protected columns a statement returns, so no budget of them can be kept.
pub(crate) fn unknown_values(
    limit: &Limit,
    facts: &StatementFacts,
    why: &str,
    id: &str,
) -> Refusal {
    let bound = limit.value;
    let window = limit.window_seconds.unwrap_or_default();
    let why = format!(
        "only {bound} values of protected columns in {window} s may be returned, and {why}"
    );
    let remedy =
        "Nothing ran. Select the protected columns themselves, one value in each result column";
    told(RefusalCode::BudgetExceeded, Some(limit), facts, (&why, remedy), id, &[])
}

/// A window has no room for it.
pub(crate) fn over_budget(
    budget: &Limit,
    error: BudgetError,
    facts: &StatementFacts,
    rows: Option<u64>,
    id: &str,
) -> Refusal {
    let window = budget.window_seconds.unwrap_or_default();
    let what = match budget.kind.as_str() {
        "statements_per_window" => "statements",
        protected::KIND => "values of protected columns",
        _ => "changed rows",
    };
    let (why, spent) = match (error, rows) {
        (BudgetError::Spent { spent, bound }, Some(rows)) => (
            format!(
                "it would change {rows} rows, and {spent} of {bound} {what} in {window} s are used up"
            ),
            Some(spent),
        ),
        (BudgetError::Spent { spent, bound }, None) => {
            (format!("{spent} of {bound} {what} in {window} s are used up"), Some(spent))
        }
        (BudgetError::Unavailable(_), _) => ("its budget cannot be counted now".to_owned(), None),
    };
    let remedy = "Nothing was changed. Wait until the window has room again";
    let more = [
        ("rows", json!(rows)),
        ("rows_exact", json!(rows.is_some())),
        ("spent", json!(spent)),
        ("window_seconds", json!(window)),
    ];
    told(RefusalCode::BudgetExceeded, Some(budget), facts, (&why, remedy), id, &more)
}

/// A statement was cut off while it ran or while its result was on its way.
pub(crate) fn cut_off(
    limit: Option<&Limit>,
    exceeded: Exceeded,
    facts: &StatementFacts,
    so_far: u64,
    id: &str,
) -> Refusal {
    let bound = limit.map_or(0, |limit| limit.value);
    let (code, why, remedy) = match exceeded {
        Exceeded::Affected => (
            RefusalCode::RowsExceeded,
            format!("it would change {so_far} rows or more, and the limit is {bound}"),
            "Nothing was changed. Narrow it to fewer rows; do not retry it unchanged",
        ),
        Exceeded::Returned => (
            RefusalCode::RowsExceeded,
            format!("it returns more than {bound} rows, and that is the limit"),
            "Add a LIMIT or a narrower WHERE; do not retry it unchanged",
        ),
        Exceeded::Protected(_) => {
            let window = limit.and_then(|limit| limit.window_seconds).unwrap_or_default();
            (
                RefusalCode::BudgetExceeded,
                format!(
                    "its row {so_far} goes over the {bound} values of protected columns in {window} s"
                ),
                "Nothing was changed. Ask for fewer rows or columns, or wait until the window has room again",
            )
        }
        Exceeded::Bytes => (
            RefusalCode::BytesExceeded,
            format!("it returns more than {bound} bytes, and that is the limit"),
            "Ask for fewer rows or columns; do not retry it unchanged",
        ),
        Exceeded::Uncounted => {
            let why = "the database has not said how many rows it changed";
            return uncounted(limit, facts, why, id);
        }
        Exceeded::Time => (
            RefusalCode::TimeExceeded,
            format!("it ran longer than {bound} ms, and that is the limit"),
            "Nothing was changed. Make it do less, or ask for more time",
        ),
    };
    let rows = (exceeded != Exceeded::Bytes && exceeded != Exceeded::Time).then_some(so_far);
    let more = [("rows", json!(rows)), ("rows_exact", json!(false))];
    told(code, limit, facts, (&why, remedy), id, &more)
}

fn told(
    code: RefusalCode,
    limit: Option<&Limit>,
    facts: &StatementFacts,
    why_and_remedy: (&str, &str),
    id: &str,
    more: &[(&str, Value)],
) -> Refusal {
    let refusal = refusals::not_carried_out(code, facts, why_and_remedy, id);
    let mut refusal = refusals::by_rule(refusal, limit.map(|limit| &limit.id));
    if let Some(detail) = refusal.detail.as_object_mut() {
        if let Some(limit) = limit {
            detail.insert("limit_kind".to_owned(), json!(limit.kind));
            detail.insert("limit".to_owned(), json!(limit.value));
        }
        detail.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    refusal
}
