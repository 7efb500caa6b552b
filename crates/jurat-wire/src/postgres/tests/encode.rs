//! Written messages: their bytes, what reading them back gives, and what is refused.

use super::{message, text};
use crate::postgres::backend::TransactionStatus;
use crate::postgres::encode::backend::{Report, Severity};
use crate::postgres::encode::{backend, frontend};
use crate::postgres::error::EncodeError;
use crate::postgres::value::{Format, Target};

type Write = fn(&mut Vec<u8>) -> Result<(), EncodeError>;

/// Writes behind bytes that must stay as they are, and compares what was added.
fn check(name: &str, write: Write, expected: Result<&[u8], EncodeError>) {
    let mut out = b"before".to_vec();
    let result = write(&mut out);
    assert_eq!(&out[..6], b"before", "{name}");
    assert!(result.is_ok() || out.len() == 6, "{name}: nothing is left of a message that failed");
    assert_eq!(result.map(|()| text(&out[6..])), expected.map(text), "{name}");
}

#[test]
fn messages_without_content_have_the_bytes_of_the_protocol() {
    type WriteFixed = fn(&mut Vec<u8>);
    let cases: [(WriteFixed, &[u8]); 11] = [
        (frontend::sync, b"S\0\0\0\x04"),
        (frontend::flush, b"H\0\0\0\x04"),
        (frontend::terminate, b"X\0\0\0\x04"),
        (backend::authentication_ok, b"R\0\0\0\x08\0\0\0\0"),
        (backend::authentication_cleartext, b"R\0\0\0\x08\0\0\0\x03"),
        (backend::parse_complete, b"1\0\0\0\x04"),
        (backend::bind_complete, b"2\0\0\0\x04"),
        (backend::close_complete, b"3\0\0\0\x04"),
        (backend::empty_query_response, b"I\0\0\0\x04"),
        (backend::no_data, b"n\0\0\0\x04"),
        (backend::portal_suspended, b"s\0\0\0\x04"),
    ];
    for (write, bytes) in cases {
        let mut out = b"before".to_vec();
        write(&mut out);
        assert_eq!(text(&out), text(&[b"before", bytes].concat()));
    }
    let mut out = Vec::new();
    backend::ready_for_query(&mut out, TransactionStatus::Failed);
    assert_eq!(out, message(b'Z', b"E"));
    assert_eq!(frontend::ssl_request(), *b"\0\0\0\x08\x04\xd2\x16\x2f");
}

#[test]
fn client_messages_have_the_bytes_of_the_protocol() {
    let cases: [(&str, Write, Vec<u8>); 13] = [
        ("query", |out| frontend::query(out, b"SELECT 1"), message(b'Q', b"SELECT 1\0")),
        (
            "parse",
            |out| frontend::parse(out, b"s1", b"SELECT $1", [23, 0]),
            message(b'P', b"s1\0SELECT $1\0\0\x02\0\0\0\x17\0\0\0\0"),
        ),
        ("execute", |out| frontend::execute(out, b"p", 10), message(b'E', b"p\0\0\0\0\x0a")),
        ("describe", |out| frontend::describe(out, Target::Portal, b"p"), message(b'D', b"Pp\0")),
        ("close", |out| frontend::close(out, Target::Statement, b""), message(b'C', b"S\0")),
        ("copy fail", |out| frontend::copy_fail(out, b"denied"), message(b'f', b"denied\0")),
        ("password", |out| frontend::password(out, b"hunter2"), message(b'p', b"hunter2\0")),
        (
            "first of SASL",
            |out| frontend::sasl_initial_response(out, "SCRAM-SHA-256", Some(b"n,,")),
            message(b'p', b"SCRAM-SHA-256\0\0\0\0\x03n,,"),
        ),
        (
            "first of SASL without data",
            |out| frontend::sasl_initial_response(out, "X", None),
            message(b'p', b"X\0\xff\xff\xff\xff"),
        ),
        ("SASL", |out| frontend::sasl_response(out, b"c=\0"), message(b'p', b"c=\0")),
        (
            "start-up",
            |out| frontend::startup(out, 2, &[("user", "é"), ("options", "")]),
            b"\0\0\0\x1a\0\x03\0\x02user\0\xc3\xa9\0options\0\0\0".to_vec(),
        ),
        (
            "start-up without parameters",
            |out| frontend::startup(out, 0, &[]),
            b"\0\0\0\x09\0\x03\0\0\0".to_vec(),
        ),
        (
            "cancel",
            |out| frontend::cancel_request(out, 7, b"abcd"),
            b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07abcd".to_vec(),
        ),
    ];
    for (name, write, bytes) in cases {
        check(name, write, Ok(&bytes));
    }
}

const DENIED: Report<'_> = Report {
    detail: Some("{}"),
    hint: Some("ask"),
    schema: Some("public"),
    table: Some("t"),
    column: Some("c"),
    ..Report::new(Severity::Error, "42501", "denied")
};

#[test]
fn server_messages_have_the_bytes_of_the_protocol() {
    let cases: [(&str, Write, Vec<u8>); 15] = [
        (
            "SASL",
            |out| backend::authentication_sasl(out, &["A", "B"]),
            message(b'R', b"\0\0\0\x0aA\0B\0\0"),
        ),
        (
            "SASL, next",
            |out| backend::authentication_sasl_continue(out, b"r=x"),
            message(b'R', b"\0\0\0\x0br=x"),
        ),
        (
            "SASL, last",
            |out| backend::authentication_sasl_final(out, b"v=x"),
            message(b'R', b"\0\0\0\x0cv=x"),
        ),
        (
            "setting",
            |out| backend::parameter_status(out, b"TimeZone", b"UTC"),
            message(b'S', b"TimeZone\0UTC\0"),
        ),
        ("key", |out| backend::backend_key_data(out, 7, b"abcd"), message(b'K', b"\0\0\0\x07abcd")),
        (
            "error",
            |out| backend::error_response(out, &DENIED),
            message(b'E', b"SERROR\0VERROR\0C42501\0Mdenied\0D{}\0Hask\0spublic\0tt\0cc\0\0"),
        ),
        (
            "notice",
            |out| {
                backend::notice_response(out, &Report::new(Severity::Warning, "01000", "careful"))
            },
            message(b'N', b"SWARNING\0VWARNING\0C01000\0Mcareful\0\0"),
        ),
        ("done", |out| backend::command_complete(out, "SELECT 1"), message(b'C', b"SELECT 1\0")),
        (
            "version",
            |out| backend::negotiate_protocol_version(out, 3, 2, &["_pq_.x"]),
            message(b'v', b"\0\x03\0\x02\0\0\0\x01_pq_.x\0"),
        ),
        (
            "no column",
            |out| backend::text_row_description(out, &[], Format::Text),
            message(b'T', b"\0\0"),
        ),
        (
            "columns",
            |out| backend::text_row_description(out, &["a"], Format::Text),
            message(b'T', b"\0\x01a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"),
        ),
        (
            "binary columns",
            |out| backend::text_row_description(out, &["a"], Format::Binary),
            message(b'T', b"\0\x01a\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\x01"),
        ),
        (
            "parameters",
            |out| backend::parameter_description(out, &[25, 1043]),
            message(b't', b"\0\x02\0\0\0\x19\0\0\x04\x13"),
        ),
        (
            "row",
            |out| backend::data_row(out, &[Some(b"hi"), None]),
            message(b'D', b"\0\x02\0\0\0\x02hi\xff\xff\xff\xff"),
        ),
        ("no value", |out| backend::data_row(out, &[]), message(b'D', b"\0\0")),
    ];
    for (name, write, bytes) in cases {
        check(name, write, Ok(&bytes));
    }
}

#[test]
fn what_would_mean_something_else_to_the_reader_is_refused() {
    let nul = |field| EncodeError::EmbeddedNul { field };
    let cases: [(Write, EncodeError); 21] = [
        (|out| frontend::query(out, b"SELECT 1\0"), nul("statement text")),
        (|out| frontend::parse(out, b"s\0", b"", []), nul("statement name")),
        (|out| frontend::parse(out, b"s", b"\0", []), nul("statement text")),
        (
            |out| frontend::parse(out, b"", b"", vec![23; 65_536]),
            EncodeError::TooMany { field: "parameter types", count: 65_536 },
        ),
        (|out| frontend::execute(out, b"\0", 0), nul("portal name")),
        (|out| frontend::close(out, Target::Portal, b"a\0b"), nul("name")),
        (|out| frontend::describe(out, Target::Portal, b"\0"), nul("name")),
        (|out| frontend::copy_fail(out, b"\0"), nul("reason")),
        (|out| frontend::password(out, b"a\0b"), nul("password")),
        (|out| frontend::sasl_initial_response(out, "\0", None), nul("mechanism")),
        (|out| frontend::startup(out, 0, &[("user", "a\0database\0x")]), nul("parameter value")),
        (
            |out| frontend::startup(out, 0, &[("", "x")]),
            EncodeError::Empty { field: "parameter name" },
        ),
        (
            |out| frontend::startup(out, 0, &[("options", &"x".repeat(10_000))]),
            EncodeError::TooLong { field: "start-up message", bytes: 10_018 },
        ),
        (
            |out| frontend::cancel_request(out, 7, &[0; 257]),
            EncodeError::TooLong { field: "cancel key", bytes: 257 },
        ),
        (
            |out| backend::backend_key_data(out, 7, &[0; 257]),
            EncodeError::TooLong { field: "cancel key", bytes: 257 },
        ),
        (
            |out| backend::authentication_sasl(out, &["A", ""]),
            EncodeError::Empty { field: "mechanism" },
        ),
        (|out| backend::parameter_status(out, b"a", b"\0"), nul("setting value")),
        (|out| backend::command_complete(out, "SELECT\0"), nul("command tag")),
        (|out| backend::error_response(out, &Report { hint: Some("\0"), ..DENIED }), nul("hint")),
        (
            |out| backend::text_row_description(out, &["x"; 32_768], Format::Text),
            EncodeError::TooMany { field: "columns", count: 32_768 },
        ),
        (
            |out| backend::data_row(out, &[None; 32_768]),
            EncodeError::TooMany { field: "values", count: 32_768 },
        ),
    ];
    for (write, error) in cases {
        check(&error.to_string(), write, Err(error));
    }
}

#[test]
fn an_sqlstate_is_five_digits_or_upper_case_letters() {
    for code in ["42501", "57P01", "XX000"] {
        let report = Report::new(Severity::Fatal, code, "m");
        assert_eq!(backend::error_response(&mut Vec::new(), &report), Ok(()), "{code}");
    }
    for code in ["", "4250", "425011", "57p01", "4250\0", "4250 ", "425é"] {
        let report = Report::new(Severity::Fatal, code, "m");
        let refused = Err(EncodeError::InvalidSqlState);
        assert_eq!(backend::error_response(&mut Vec::new(), &report), refused, "{code}");
    }
}

#[test]
fn the_start_up_message_may_be_as_long_as_servers_take() {
    // Length, version, the name and three NUL bytes take 18 bytes.
    let value = "x".repeat(9_982);
    let mut out = Vec::new();
    assert_eq!(frontend::startup(&mut out, 0, &[("options", &value)]), Ok(()));
    assert_eq!(out.len(), 10_000);
}
