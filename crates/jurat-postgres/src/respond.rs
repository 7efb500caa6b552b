//! From refusals and warnings to messages of the protocol.

use jurat_types::{Reason, Refusal, RefusalCode};
use jurat_wire::postgres::{
    backend::TransactionStatus,
    encode::backend::{self as encode, Report, Severity},
};

/// The SQLSTATE of a refusal (PostgreSQL documentation, appendix "Error Codes").
///
/// None is of class 08 or 57P, on which pools and drivers would retry or drop the connection.
pub(crate) fn sqlstate(refusal: &Refusal) -> &'static str {
    match refusal.code {
        RefusalCode::Denied
        | RefusalCode::ApprovalRequired
        | RefusalCode::BudgetExceeded
        | RefusalCode::BytesExceeded
        | RefusalCode::Rejected
        | RefusalCode::RowsExceeded => "42501",
        RefusalCode::Canceled | RefusalCode::TimeExceeded => "57014",
        RefusalCode::PolicyError
        | RefusalCode::AuditUnavailable
        | RefusalCode::UpstreamUnavailable => "58000",
        RefusalCode::AuthenticationFailed => "28000",
        RefusalCode::LimitExceeded => "54000",
        RefusalCode::NotSupported | RefusalCode::PreparedStale => "0A000",
        RefusalCode::ProtocolViolation => "08P01",
        RefusalCode::UnknownColumn => "42703",
        RefusalCode::UnknownCursor => "34000",
        RefusalCode::UnknownFunction => "42883",
        RefusalCode::UnknownName => "26000",
        RefusalCode::UnknownObject => "42704",
        RefusalCode::UnknownRelation => "42P01",
        RefusalCode::Unreadable => "42601",
    }
}

/// Writes a refusal as an error that the session survives.
pub(crate) fn error(out: &mut Vec<u8>, refusal: &Refusal) {
    report(out, refusal, Severity::Error, sqlstate(refusal));
}

/// Writes a refusal as an error that ends the session.
pub(crate) fn fatal(out: &mut Vec<u8>, refusal: &Refusal, code: &str) {
    report(out, refusal, Severity::Fatal, code);
}

fn report(out: &mut Vec<u8>, refusal: &Refusal, severity: Severity, code: &str) {
    let message = without_nul(&refusal.message);
    let detail = without_nul(&refusal.detail.to_string());
    let hint = refusal.hint.as_deref().map(without_nul);
    let mut report = Report::new(severity, code, &message);
    report.detail = Some(&detail);
    report.hint = hint.as_deref();
    // pgjdbc and asyncpg look at the routine, not at the words, which may be translated.
    report.routine =
        (refusal.code == RefusalCode::PreparedStale).then_some("RevalidateCachedQuery");
    write(encode::error_response(out, &report));
}

/// Writes a refusal and the end of its message cycle.
pub(crate) fn error_and_ready(out: &mut Vec<u8>, refusal: &Refusal, status: TransactionStatus) {
    error(out, refusal);
    encode::ready_for_query(out, status);
}

/// Writes a warning of a policy about a statement that runs.
pub(crate) fn warning(out: &mut Vec<u8>, reason: &Reason, decision_id: &str) {
    let message =
        without_nul(&format!("jurat: {} [rule {}, id {decision_id}]", reason.msg, reason.id));
    let hint = reason.remedy.as_deref().map(without_nul);
    let mut report = Report::new(Severity::Warning, "01000", &message);
    report.hint = hint.as_deref();
    write(encode::notice_response(out, &report));
}

/// Tells a client something that is no error.
pub(crate) fn notice(out: &mut Vec<u8>, message: &str, hint: Option<&str>) {
    let message = without_nul(message);
    let hint = hint.map(without_nul);
    let mut report = Report::new(Severity::Notice, "00000", &message);
    report.hint = hint.as_deref();
    write(encode::notice_response(out, &report));
}

fn without_nul(text: &str) -> String {
    text.replace('\0', " ")
}

/// The texts above hold no NUL byte and are short, so encoding them cannot fail; if it ever did, the
/// client would miss an answer, which the log must show.
pub(crate) fn write<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::error!(%error, "a reply could not be encoded");
    }
}

#[cfg(test)]
mod tests {
    use jurat_core::refusal;
    use jurat_types::RefusalCode;
    use jurat_wire::postgres::backend::{Backend, parse_backend};

    #[test]
    fn a_refusal_is_an_error_with_a_json_detail() {
        let mut refusal = refusal(RefusalCode::Denied, "jurat denied \0 it", Some("do this"));
        refusal.detail = serde_json::json!({"code": "JRT-DENY"});
        let mut out = Vec::new();
        super::error(&mut out, &refusal);
        let Ok(Backend::ErrorResponse(fields)) = parse_backend(out[0], &out[5..]) else {
            panic!("not an error: {out:?}");
        };
        assert_eq!(fields.code(), Some("42501"));
        assert_eq!(fields.message(), Some(b"jurat denied   it".as_slice()));
        assert_eq!(fields.detail(), Some(br#"{"code":"JRT-DENY"}"#.as_slice()));
        assert_eq!(fields.hint(), Some(b"do this".as_slice()));
        assert!(!fields.is_fatal());
    }

    /// `docs/errors.md` is made from the one table of refusals; `BLESS=1` writes it.
    #[test]
    fn the_page_about_errors_lists_every_code() {
        use std::fmt::Write as _;
        let mut page = "# Errors of Jurat\n\n\
            Every refusal is a native error. Its first line alone says what was refused, why, by which rule and what to do next, and names\n\
            the decision in the record. `DETAIL`, on MySQL the note in `SHOW WARNINGS`, is one JSON object with at least `code`. The codes are stable; the words are not. This page is\n\
            made from the source (`crates/jurat-types/src/refusal.rs`), and a test compares it.\n\n\
            | Code | SQLSTATE | Who can mend it | Meaning | What to do |\n|---|---|---|---|---|\n"
            .to_owned();
        for code in RefusalCode::ALL {
            let (meaning, remedy) = code.meaning();
            let state = super::sqlstate(&refusal(code, "x", None));
            let (code, kind) = (code.as_str(), code.kind().label());
            writeln!(page, "| `{code}` | {state} | {kind} | {meaning} | {remedy} |").unwrap();
        }
        page.push_str(
            "\nA session that is refused or ended has its own SQLSTATE: 28P01 for a wrong password, 3D000 for an unknown database, 53300 for\n\
             too many sessions, 57P01 where the connection is gone.\n",
        );
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors.md");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(file).unwrap(), page, "run `make bless`");
    }

    /// On these classes drivers and pools drop or retry the connection, which a refusal must not cause.
    #[test]
    fn no_refusal_looks_like_a_broken_connection() {
        for code in [
            RefusalCode::ApprovalRequired,
            RefusalCode::AuditUnavailable,
            RefusalCode::BudgetExceeded,
            RefusalCode::BytesExceeded,
            RefusalCode::Canceled,
            RefusalCode::Denied,
            RefusalCode::LimitExceeded,
            RefusalCode::NotSupported,
            RefusalCode::PolicyError,
            RefusalCode::PreparedStale,
            RefusalCode::RowsExceeded,
            RefusalCode::TimeExceeded,
            RefusalCode::Rejected,
            RefusalCode::UnknownColumn,
            RefusalCode::UnknownCursor,
            RefusalCode::UnknownFunction,
            RefusalCode::UnknownName,
            RefusalCode::UnknownObject,
            RefusalCode::UnknownRelation,
            RefusalCode::Unreadable,
            RefusalCode::UpstreamUnavailable,
        ] {
            let state = super::sqlstate(&refusal(code, "x", None));
            assert!(!state.starts_with("08") && !state.starts_with("57P"), "{code:?}");
        }
    }
}
