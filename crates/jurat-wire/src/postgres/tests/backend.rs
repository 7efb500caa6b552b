//! Server messages: what a relay reads, and what a hostile server might send.

use super::{body, check_exact, text};
use crate::postgres::backend::authentication::Authentication;
use crate::postgres::backend::command::CommandComplete;
use crate::postgres::backend::{
    Backend, BackendTag, CopyResponse, TransactionStatus, parse_backend,
};
use crate::postgres::error::ParseError;
use crate::postgres::value::Format;

/// One line that says what a message means.
fn show(message: &Backend<'_>) -> String {
    match message {
        Backend::Authentication(request) => show_authentication(request),
        Backend::BackendKeyData { process_id, secret } => {
            format!("BackendKeyData {process_id} {}", text(secret.expose()))
        }
        Backend::BindComplete => "BindComplete".into(),
        Backend::CloseComplete => "CloseComplete".into(),
        Backend::CommandComplete(command) => format!("CommandComplete {}", text(command.tag)),
        Backend::CopyBothResponse(copy) => format!("CopyBothResponse {}", show_copy(copy)),
        Backend::CopyData(data) => format!("CopyData {}", text(data)),
        Backend::CopyDone => "CopyDone".into(),
        Backend::CopyInResponse(copy) => format!("CopyInResponse {}", show_copy(copy)),
        Backend::CopyOutResponse(copy) => format!("CopyOutResponse {}", show_copy(copy)),
        Backend::DataRow(values) => {
            let shown: Vec<_> =
                values.iter().map(|value| value.map_or("NULL".into(), text)).collect();
            format!("DataRow {}", shown.join(","))
        }
        Backend::EmptyQueryResponse => "EmptyQueryResponse".into(),
        Backend::ErrorResponse(fields) | Backend::NoticeResponse(fields) => {
            let shown: Vec<_> = fields
                .iter()
                .map(|(letter, field)| format!("{}={}", letter.escape_ascii(), text(field)))
                .collect();
            let kind =
                if matches!(message, Backend::ErrorResponse(_)) { "Error" } else { "Notice" };
            format!("{kind} {}", shown.join(" "))
        }
        Backend::FunctionCallResponse(result) => {
            format!("FunctionCallResponse {}", result.value.map_or("NULL".into(), text))
        }
        Backend::NegotiateProtocolVersion(answer) => {
            let names: Vec<_> = answer.unrecognized().map(text).collect();
            let count = answer.unrecognized_len();
            format!("Negotiate {:#x} {count} {}", answer.newest, names.join(","))
        }
        Backend::NoData => "NoData".into(),
        Backend::NotificationResponse { process_id, channel, payload } => {
            format!("Notification {process_id} {} {}", text(channel), text(payload))
        }
        Backend::ParameterDescription(types) => {
            format!("ParameterDescription {:?}", types.iter().collect::<Vec<_>>())
        }
        Backend::ParameterStatus { name, value } => {
            format!("ParameterStatus {}={}", text(name), text(value))
        }
        Backend::ParseComplete => "ParseComplete".into(),
        Backend::PortalSuspended => "PortalSuspended".into(),
        Backend::ReadyForQuery(status) => format!("ReadyForQuery {status:?}"),
        Backend::RowDescription(row) => {
            let fields: Vec<_> = row
                .fields()
                .map(|field| {
                    format!(
                        "{}:{}.{}:{}/{}/{}:{:?}",
                        text(field.name),
                        field.table_oid,
                        field.attnum,
                        field.type_oid,
                        field.typlen,
                        field.typmod,
                        field.format
                    )
                })
                .collect();
            format!("RowDescription {}", fields.join(" "))
        }
    }
}

fn show_authentication(request: &Authentication<'_>) -> String {
    match request {
        Authentication::Cleartext => "Cleartext".into(),
        Authentication::Md5 { salt } => format!("Md5 {}", text(salt)),
        Authentication::Ok => "AuthenticationOk".into(),
        Authentication::Sasl(mechanisms) => {
            format!("Sasl {}", mechanisms.iter().collect::<Vec<_>>().join(","))
        }
        Authentication::SaslContinue(data) => format!("SaslContinue {}", text(data.expose())),
        Authentication::SaslFinal(data) => format!("SaslFinal {}", text(data.expose())),
        Authentication::Unsupported { code } => format!("Unsupported {code}"),
    }
}

fn show_copy(copy: &CopyResponse<'_>) -> String {
    format!("{:?} {:?}", copy.format, copy.columns.iter().collect::<Vec<_>>())
}

/// The type byte, the body, and what it means: messages with a fixed end.
const VALID: [(u8, &[u8], &str); 36] = [
    (b'1', b"", "ParseComplete"),
    (b'2', b"", "BindComplete"),
    (b'3', b"", "CloseComplete"),
    (b'A', b"\0\0\0\x09chan\0payload\0", "Notification 9 chan payload"),
    (b'C', b"SELECT 5\0", "CommandComplete SELECT 5"),
    (b'C', b"\0", "CommandComplete "),
    (b'D', b"\0\0", "DataRow "),
    (b'D', b"\0\x03\0\0\0\x02hi\xff\xff\xff\xff\0\0\0\0", "DataRow hi,NULL,"),
    (b'E', b"\0", "Error "),
    (
        b'E',
        b"SFEHLER\0VERROR\0C42501\0Mno\0Dwhy\0Hhow\0\0",
        "Error S=FEHLER V=ERROR C=42501 M=no D=why H=how",
    ),
    (b'G', b"\0\0\x02\0\0\0\0", "CopyInResponse Text [Text, Text]"),
    (b'H', b"\x01\0\x01\0\x01", "CopyOutResponse Binary [Binary]"),
    (b'I', b"", "EmptyQueryResponse"),
    (b'N', b"SWARNING\0C01000\0Mcareful\0\0", "Notice S=WARNING C=01000 M=careful"),
    (b'R', b"\0\0\0\0", "AuthenticationOk"),
    (b'R', b"\0\0\0\x03", "Cleartext"),
    (b'R', b"\0\0\0\x05salt", "Md5 salt"),
    (b'R', b"\0\0\0\x0aSCRAM-SHA-256\0OAUTHBEARER\0\0", "Sasl SCRAM-SHA-256,OAUTHBEARER"),
    (b'R', b"\0\0\0\x0a\0", "Sasl "),
    (b'S', b"TimeZone\0UTC\0", "ParameterStatus TimeZone=UTC"),
    (b'S', b"x\0\xe9\0", "ParameterStatus x=\\xe9"),
    (b'T', b"\0\0", "RowDescription "),
    (
        b'T',
        b"\0\x02id\0\0\0\x40\0\0\x01\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x01\
          ?column?\0\0\0\0\0\0\0\0\0\x04\x13\xff\xff\0\0\0\x18\0\0",
        "RowDescription id:16384.1:23/4/-1:Binary ?column?:0.0:1043/-1/24:Text",
    ),
    (
        b'T',
        b"\0\x01ctid\0\0\0\x40\0\xff\xff\0\0\0\x1b\0\x06\xff\xff\xff\xff\0\0",
        "RowDescription ctid:16384.-1:27/6/-1:Text",
    ),
    (b'V', b"\0\0\0\x02ok", "FunctionCallResponse ok"),
    (b'V', b"\xff\xff\xff\xff", "FunctionCallResponse NULL"),
    (b'W', b"\0\0\0", "CopyBothResponse Text []"),
    (b'Z', b"I", "ReadyForQuery Idle"),
    (b'Z', b"T", "ReadyForQuery InTransaction"),
    (b'Z', b"E", "ReadyForQuery Failed"),
    (b'c', b"", "CopyDone"),
    (b'n', b"", "NoData"),
    (b's', b"", "PortalSuspended"),
    (b't', b"\0\x02\0\0\0\x17\0\0\0\x19", "ParameterDescription [23, 25]"),
    (b'v', b"\0\x03\0\x02\0\0\0\x02_pq_.a\0_pq_.b\0", "Negotiate 0x30002 2 _pq_.a,_pq_.b"),
    (b'v', b"\0\x03\0\0\0\0\0\0", "Negotiate 0x30000 0 "),
];

/// Messages that end where their frame ends.
const OPEN: [(u8, &[u8], &str); 7] = [
    (b'K', b"\0\0\0\x07abcd", "BackendKeyData 7 abcd"),
    (b'K', b"\0\0\0\x07abcdefgh", "BackendKeyData 7 abcdefgh"),
    (b'R', b"\0\0\0\x0br=abc,i=4096", "SaslContinue r=abc,i=4096"),
    (b'R', b"\0\0\0\x0cv=abc", "SaslFinal v=abc"),
    (b'R', b"\0\0\0\x07", "Unsupported 7"),
    (b'R', b"\0\0\0\x08ticket", "Unsupported 8"),
    (b'd', b"row\n", "CopyData row\\n"),
];

#[test]
fn valid_messages_mean_what_they_say() {
    for (tag, body, meaning) in VALID.into_iter().chain(OPEN) {
        let message = parse_backend(tag, body).unwrap_or_else(|error| panic!("{meaning}: {error}"));
        assert_eq!(show(&message), meaning);
    }
}

#[test]
fn a_message_is_read_to_its_last_byte_and_no_further() {
    for (tag, body, meaning) in VALID {
        check_exact(meaning, body, |body| parse_backend(tag, body).map(|_| ()));
    }
}

#[test]
fn malformed_messages_are_refused_for_the_right_reason() {
    let truncated = |field| ParseError::Truncated { field };
    let length = |field, length| ParseError::InvalidLength { field, length };
    let selector = |field, value| ParseError::InvalidSelector { field, value };
    let cases: [(&str, u8, &[u8], ParseError); 18] = [
        ("column of -2", b'D', b"\0\x01\xff\xff\xff\xfe", length("column", -2)),
        ("column of 0x80000000", b'D', b"\0\x01\x80\0\0\0", length("column", i32::MIN)),
        ("column of 0x7fffffff", b'D', b"\0\x01\x7f\xff\xff\xffab", truncated("column")),
        ("65535 columns, one sent", b'D', b"\xff\xff\0\0\0\x01a", truncated("column")),
        (
            "one column, two sent",
            b'D',
            b"\0\x01\xff\xff\xff\xff\xff\xff\xff\xff",
            ParseError::TrailingBytes(4),
        ),
        (
            "65535 columns",
            b'T',
            b"\xff\xff",
            ParseError::MissingTerminator { field: "column name" },
        ),
        (
            "column format 2",
            b'T',
            b"\0\x01a\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x02",
            ParseError::InvalidFormat(2),
        ),
        ("status X", b'Z', b"X", selector("transaction status", b'X')),
        ("no status", b'Z', b"", truncated("transaction status")),
        ("key of 3 bytes", b'K', b"\0\0\0\x07abc", length("cancel key", 3)),
        ("salt of 3 bytes", b'R', b"\0\0\0\x05abc", truncated("salt")),
        ("success and more", b'R', b"\0\0\0\0x", ParseError::TrailingBytes(1)),
        (
            "list without end",
            b'R',
            b"\0\0\0\x0aSCRAM-SHA-256\0",
            ParseError::MissingTerminator { field: "mechanism" },
        ),
        ("mechanism not UTF-8", b'R', b"\0\0\0\x0a\xff\0\0", ParseError::InvalidUtf8),
        (
            "2 billion options",
            b'v',
            b"\0\x03\0\0\x7f\xff\xff\xff",
            ParseError::MissingTerminator { field: "option name" },
        ),
        ("-1 options", b'v', b"\0\x03\0\0\xff\xff\xff\xff", length("option count", -1)),
        ("copy format 2", b'G', b"\x02\0\0", ParseError::InvalidFormat(2)),
        (
            "field letter without text",
            b'E',
            b"SERROR\0M",
            ParseError::MissingTerminator { field: "field" },
        ),
    ];
    for (name, tag, body, error) in cases {
        assert_eq!(parse_backend(tag, body).map(|_| ()), Err(error), "{name}");
    }
    let long_key = body(&[&[0; 4], &[7; 257]]);
    let error = length("cancel key", 257);
    assert_eq!(parse_backend(b'K', &long_key).map(|_| ()), Err(error));
}

#[test]
fn only_the_types_of_servers_are_known() {
    let unknown = |byte| matches!(BackendTag::from_byte(byte), BackendTag::Unknown(_));
    let known: Vec<u8> = (0..=u8::MAX).filter(|byte| !unknown(*byte)).collect();
    assert_eq!(text(&known), "123ACDEGHIKNRSTVWZcdnstv");
    for tag in (0..=u8::MAX).filter(|byte| unknown(*byte)) {
        assert_eq!(BackendTag::from_byte(tag), BackendTag::Unknown(tag));
        assert_eq!(parse_backend(tag, b"").map(|_| ()), Err(ParseError::UnknownTag(tag)));
    }
    let asynchronous: Vec<u8> =
        known.into_iter().filter(|byte| BackendTag::from_byte(*byte).is_asynchronous()).collect();
    assert_eq!(text(&asynchronous), "ANS");
}

#[test]
fn command_tags_give_the_command_and_for_some_the_rows() {
    let cases: [(&str, &str, Option<u64>); 21] = [
        ("SELECT 5", "SELECT", Some(5)),
        ("INSERT 0 3", "INSERT", Some(3)),
        ("UPDATE 0", "UPDATE", Some(0)),
        ("DELETE 18446744073709551615", "DELETE", Some(u64::MAX)),
        ("DELETE 18446744073709551616", "DELETE", None),
        ("MERGE 7", "MERGE", Some(7)),
        ("MOVE 1", "MOVE", Some(1)),
        ("FETCH 2", "FETCH", Some(2)),
        ("COPY 500000", "COPY", Some(500_000)),
        ("COPY", "COPY", None),
        ("SELECT", "SELECT", None),
        ("SELECT -5", "SELECT -", None),
        ("SELECT +5", "SELECT +", None),
        ("SELECT x", "SELECT x", None),
        ("CREATE TABLE", "CREATE TABLE", None),
        ("CREATE TABLE 5", "CREATE TABLE", None),
        ("REFRESH MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW", None),
        ("BEGIN", "BEGIN", None),
        ("ROLLBACK", "ROLLBACK", None),
        ("DISCARD ALL", "DISCARD ALL", None),
        ("", "", None),
    ];
    for (tag, command, rows) in cases {
        let complete = CommandComplete { tag: tag.as_bytes() };
        assert_eq!((complete.command(), complete.rows()), (command, rows), "{tag}");
    }
    let complete = CommandComplete { tag: b"INSERT 0 3" };
    assert_eq!(complete.words().collect::<Vec<_>>(), ["INSERT", "0", "3"]);
    let foreign = CommandComplete { tag: b"SELECT\xff 5" };
    assert_eq!((foreign.command(), foreign.rows()), ("", None));
}

#[test]
fn reports_are_read_by_field_and_never_trusted_to_have_one() {
    let read = |body: &'static [u8]| match parse_backend(b'E', body) {
        Ok(Backend::ErrorResponse(fields)) => fields,
        other => panic!("{other:?}"),
    };
    let full = read(b"SFATAL\0VFATAL\0C57P01\0Mgoing down\0Dd\0Hh\0\0");
    assert_eq!(full.code(), Some("57P01"));
    assert_eq!(full.message(), Some(&b"going down"[..]));
    assert_eq!((full.detail(), full.hint()), (Some(&b"d"[..]), Some(&b"h"[..])));
    assert!(full.is_fatal());
    // A translated severity is not what decides.
    assert!(read(b"SSCHWERWIEGEND\0VPANIC\0\0").is_fatal());
    assert!(!read(b"SFATAL\0VERROR\0\0").is_fatal());
    assert!(read(b"SFATAL\0\0").is_fatal());
    // Codes that are missing or not codes.
    let no_codes: [&[u8]; 5] = [b"\0", b"C\0\0", b"C4250\0\0", b"C425011\0\0", b"C4250'\0\0"];
    for body in no_codes {
        assert_eq!(read(body).code(), None);
    }
    assert_eq!(read(b"\0").message(), None);
    assert!(!format!("{full:?}").contains("going"), "the debug form shows no text");
}

#[test]
fn copy_formats_and_transaction_states_have_the_bytes_of_the_protocol() {
    let Ok(Backend::CopyInResponse(copy)) = parse_backend(b'G', b"\x01\0\0") else {
        panic!("a CopyInResponse")
    };
    assert_eq!(copy.format, Format::Binary);
    for byte in *b"ITE" {
        let Ok(Backend::ReadyForQuery(status)) = parse_backend(b'Z', &[byte]) else {
            panic!("a ReadyForQuery")
        };
        assert_eq!(status.as_byte(), byte);
    }
    assert_eq!(TransactionStatus::Idle.as_byte(), b'I');
}
