//! From refusals to packets of the protocol.

use jurat_types::{Refusal, RefusalCode};
use jurat_wire::mysql::encode::server as encode;

/// A number of MySQL's and its SQLSTATE (MySQL reference manual, "Server Error Message Reference").
pub(crate) type Number = (u16, &'static str);

/// ER_TABLEACCESS_DENIED_ERROR: what drivers call a denied statement.
pub(crate) const TABLE_DENIED: Number = (1142, "42000");
/// ER_COLUMNACCESS_DENIED_ERROR.
pub(crate) const COLUMN_DENIED: Number = (1143, "42000");
/// ER_SPECIFIC_ACCESS_DENIED_ERROR: denied, and no table is the reason.
pub(crate) const ACCESS_DENIED: Number = (1227, "42000");
/// ER_ACCESS_DENIED_ERROR: who logs in is not let in.
pub(crate) const LOGIN_DENIED: Number = (1045, "28000");
/// ER_BAD_DB_ERROR: there is no such database.
pub(crate) const UNKNOWN_DATABASE: Number = (1049, "42000");
/// ER_UNKNOWN_CHARACTER_SET.
pub(crate) const UNKNOWN_CHARACTER_SET: Number = (1115, "42000");
/// ER_UNKNOWN_COM_ERROR: the command is not carried.
pub(crate) const UNKNOWN_COMMAND: Number = (1047, "08S01");
/// ER_MALFORMED_PACKET.
pub(crate) const MALFORMED: Number = (1835, "HY000");
/// ER_SERVER_SHUTDOWN: the session has ended, and pools open another one.
pub(crate) const SHUTDOWN: Number = (1053, "08S01");
/// ER_EMPTY_QUERY.
pub(crate) const EMPTY_QUERY: Number = (1065, "42000");
/// ER_UNKNOWN_STMT_HANDLER: no prepared statement has that number.
pub(crate) const UNKNOWN_STATEMENT: Number = (1243, "HY000");
/// ER_STMT_HAS_NO_OPEN_CURSOR.
pub(crate) const NO_CURSOR: Number = (1421, "HY000");
/// ER_WRONG_ARGUMENTS: what a prepared statement is given does not fit.
pub(crate) const WRONG_ARGUMENTS: Number = (1210, "HY000");
/// ER_NO_SUCH_THREAD: there is no such session, or it is somebody else's.
pub(crate) const NO_SUCH_THREAD: Number = (1094, "HY000");
/// ER_SECURE_TRANSPORT_REQUIRED.
pub(crate) const TLS_REQUIRED: Number = (3159, "HY000");
/// `ER_NOT_SUPPORTED_YET`.
pub(crate) const NOT_CARRIED: Number = (1235, "42000");
/// `ER_UNSUPPORTED_PS`.
pub(crate) const NOT_PREPARED: Number = (1295, "HY000");
/// ER_CONNECTION_KILLED of MariaDB.
pub(crate) const KILLED: Number = (1927, "70100");
/// ER_CON_COUNT_ERROR: there are too many sessions.
pub(crate) const TOO_MANY: Number = (1040, "08004");

/// The number and SQLSTATE of a refusal. None of them makes drivers or pools drop the connection.
pub(crate) const fn number(refusal: &Refusal) -> Number {
    match refusal.code {
        RefusalCode::Denied
        | RefusalCode::ApprovalRequired
        | RefusalCode::BudgetExceeded
        | RefusalCode::BytesExceeded
        | RefusalCode::Rejected
        | RefusalCode::RowsExceeded => TABLE_DENIED,
        // ER_QUERY_INTERRUPTED.
        RefusalCode::Canceled => (1317, "70100"),
        // ER_QUERY_TIMEOUT.
        RefusalCode::TimeExceeded => (3024, "HY000"),
        RefusalCode::AuthenticationFailed => LOGIN_DENIED,
        RefusalCode::AuditUnavailable
        | RefusalCode::PolicyError
        | RefusalCode::UpstreamUnavailable => (1105, "HY000"),
        RefusalCode::LimitExceeded => (1226, "42000"),
        RefusalCode::NotSupported => (1235, "42000"),
        // Drivers that know it prepare the statement again.
        RefusalCode::PreparedStale => (1615, "HY000"),
        RefusalCode::ProtocolViolation => MALFORMED,
        RefusalCode::UnknownColumn => (1054, "42S22"),
        RefusalCode::UnknownCursor => (1324, "42000"),
        RefusalCode::UnknownFunction => (1305, "42000"),
        RefusalCode::UnknownName => UNKNOWN_STATEMENT,
        RefusalCode::UnknownObject => UNKNOWN_DATABASE,
        RefusalCode::UnknownRelation => (1146, "42S02"),
        RefusalCode::Unreadable => (1064, "42000"),
    }
}

/// Writes a refusal as an error that the session survives.
pub(crate) fn error(out: &mut Vec<u8>, sequence: &mut u8, refusal: &Refusal) {
    error_as(out, sequence, refusal, number_told(refusal));
}

/// The number and SQLSTATE that the client is told: another one where no table is the reason.
pub(crate) fn number_told(refusal: &Refusal) -> Number {
    match number(refusal) {
        TABLE_DENIED if !refusal.message.contains(" on ") => ACCESS_DENIED,
        number => number,
    }
}

/// Writes a refusal under another number. There is one field for words, and many clients show only its first
/// line, which stands alone; the server limits it to 512 bytes.
pub(crate) fn error_as(out: &mut Vec<u8>, sequence: &mut u8, refusal: &Refusal, number: Number) {
    words(out, sequence, number, &refusal.message);
}

/// Writes an error that rests on no decision.
pub(crate) fn words(out: &mut Vec<u8>, sequence: &mut u8, (code, sqlstate): Number, message: &str) {
    write(encode::err(out, sequence, code, sqlstate, message.as_bytes()));
}

/// The texts above are short, so encoding them cannot fail; if it ever did, the client would miss an answer,
/// which the log must show.
pub(crate) fn write<E: std::fmt::Display>(result: Result<(), E>) {
    if let Err(error) = result {
        tracing::error!(%error, "a reply could not be encoded");
    }
}

#[cfg(test)]
mod tests {
    use jurat_core::refusal;
    use jurat_types::RefusalCode;
    use jurat_wire::mysql::{frame::HEADER, response::ErrPacket};

    fn sent(message: &str) -> (u16, String) {
        let (mut out, mut sequence) = (Vec::new(), 1);
        super::error(&mut out, &mut sequence, &refusal(RefusalCode::Denied, message, None));
        assert_eq!((out[3], sequence), (1, 2));
        let error = ErrPacket::parse(&out[HEADER..]).unwrap();
        (error.code, String::from_utf8(error.message.to_vec()).unwrap())
    }

    #[test]
    fn a_denial_has_the_number_that_drivers_know() {
        let text = "jurat denied DELETE on shop.payments: no";
        assert_eq!(sent(text), (1142, text.to_owned()));
        assert_eq!(sent("jurat denied SHUTDOWN: no").0, 1227);
    }

    /// Drivers and pools drop or retry the connection on class 08, which a refusal must not cause.
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
            RefusalCode::Rejected,
            RefusalCode::RowsExceeded,
            RefusalCode::TimeExceeded,
            RefusalCode::UnknownColumn,
            RefusalCode::UnknownCursor,
            RefusalCode::UnknownFunction,
            RefusalCode::UnknownName,
            RefusalCode::UnknownObject,
            RefusalCode::UnknownRelation,
            RefusalCode::Unreadable,
            RefusalCode::UpstreamUnavailable,
        ] {
            let (_, state) = super::number(&refusal(code, "x", None));
            assert!(!state.starts_with("08"), "{code:?}");
        }
    }
}
