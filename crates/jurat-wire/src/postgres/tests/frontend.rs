//! Client messages: valid bytes, every truncation, left-over bytes, and lying lengths and counts.

use super::{body, check_exact, text};
use crate::postgres::error::ParseError;
use crate::postgres::frontend::{
    Frontend, FrontendTag, SaslInitial, parse_frontend, parse_password,
};
use crate::postgres::value::{Format, Formats, Secret, Target, Values, to_str};

/// One line that says what a message means.
fn show(message: &Frontend<'_>) -> String {
    match message {
        Frontend::Bind(bind) => format!(
            "Bind portal={} statement={} values={} formats={} results={}",
            text(bind.portal),
            text(bind.statement),
            show_values(&bind.parameters),
            show_formats(&bind.parameter_formats),
            show_formats(&bind.result_formats),
        ),
        Frontend::Close { target, name } => format!("Close {target:?} {}", text(name)),
        Frontend::CopyData(data) => format!("CopyData {}", text(data)),
        Frontend::CopyDone => "CopyDone".into(),
        Frontend::CopyFail { message } => format!("CopyFail {}", text(message)),
        Frontend::Describe { target, name } => format!("Describe {target:?} {}", text(name)),
        Frontend::Execute { portal, max_rows } => format!("Execute {} {max_rows}", text(portal)),
        Frontend::Flush => "Flush".into(),
        Frontend::FunctionCall(call) => format!(
            "FunctionCall {} values={} formats={} result={:?}",
            call.oid,
            show_values(&call.arguments),
            show_formats(&call.argument_formats),
            call.result_format,
        ),
        Frontend::Parse { name, text: statement, parameter_types } => format!(
            "Parse {} {} types={:?}",
            text(name),
            text(statement),
            parameter_types.iter().collect::<Vec<_>>()
        ),
        Frontend::Password(body) => format!("Password {}", text(body.expose())),
        Frontend::Query { text: statement } => format!("Query {}", text(statement)),
        Frontend::Sync => "Sync".into(),
        Frontend::Terminate => "Terminate".into(),
    }
}

fn show_formats(formats: &Formats<'_>) -> String {
    format!("{:?}", formats.iter().collect::<Vec<_>>())
}

fn show_values(values: &Values<'_>) -> String {
    let shown: Vec<_> = values.iter().map(|value| value.map_or("NULL".into(), text)).collect();
    shown.join(",")
}

/// The type byte, the body, and what it means.
const VALID: [(u8, &[u8], &str); 24] = [
    (b'B', b"\0\0\0\0\0\0\0\0", "Bind portal= statement= values= formats=[] results=[]"),
    (
        b'B',
        b"p\0s\0\0\x01\0\x01\0\x03\0\0\0\x02hi\xff\xff\xff\xff\0\0\0\0\0\x01\0\0",
        "Bind portal=p statement=s values=hi,NULL, formats=[Binary] results=[Text]",
    ),
    (
        b'B',
        b"\0s\0\0\x02\0\0\0\x01\0\x02\0\0\0\x01a\0\0\0\x01b\0\x03\0\0\0\x01\0\0",
        "Bind portal= statement=s values=a,b formats=[Text, Binary] results=[Text, Binary, Text]",
    ),
    (b'C', b"Ss1\0", "Close Statement s1"),
    (b'C', b"P\0", "Close Portal "),
    (b'D', b"S\0", "Describe Statement "),
    (b'D', b"Pp1\0", "Describe Portal p1"),
    (b'E', b"\0\0\0\0\0", "Execute  0"),
    (b'E', b"p1\0\0\0\0\x64", "Execute p1 100"),
    (b'E', b"p1\0\xff\xff\xff\xff", "Execute p1 -1"),
    (b'F', b"\0\0\x03\xb8\0\0\0\0\0\0", "FunctionCall 952 values= formats=[] result=Text"),
    (
        b'F',
        b"\0\0\x03\xb8\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\x01",
        "FunctionCall 952 values=x,NULL formats=[Binary] result=Binary",
    ),
    (b'H', b"", "Flush"),
    (b'P', b"\0\0\0\0", "Parse   types=[]"),
    (b'P', b"s1\0SELECT $1\0\0\x02\0\0\0\x17\0\0\0\0", "Parse s1 SELECT $1 types=[23, 0]"),
    (b'Q', b"\0", "Query "),
    (b'Q', b"SELECT '\xe9'\0", "Query SELECT \\'\\xe9\\'"),
    (b'S', b"", "Sync"),
    (b'X', b"", "Terminate"),
    (b'c', b"", "CopyDone"),
    (b'f', b"no\0", "CopyFail no"),
    (b'd', b"", "CopyData "),
    (b'd', b"1\tone\n\0", "CopyData 1\\tone\\n\\x00"),
    (b'p', b"secret\0", "Password secret\\x00"),
];

#[test]
fn valid_messages_mean_what_they_say() {
    for (tag, body, meaning) in VALID {
        let message =
            parse_frontend(tag, body).unwrap_or_else(|error| panic!("{meaning}: {error}"));
        assert_eq!(show(&message), meaning);
    }
}

#[test]
fn a_message_is_read_to_its_last_byte_and_no_further() {
    // Any bytes at all are the data of these two.
    let free = [b'd', b'p'];
    for (tag, body, meaning) in VALID.into_iter().filter(|(tag, ..)| !free.contains(tag)) {
        check_exact(meaning, body, |body| parse_frontend(tag, body).map(|_| ()));
    }
}

#[test]
fn malformed_messages_are_refused_for_the_right_reason() {
    let truncated = |field| ParseError::Truncated { field };
    let format_count = |formats, values| ParseError::FormatCount { formats, values };
    let length = |field, length| ParseError::InvalidLength { field, length };
    let cases: [(&str, u8, &[u8], ParseError); 20] = [
        // A frame that hides behind the NUL byte of a query stays part of the query's frame.
        (
            "smuggled frame",
            b'Q',
            b"SELECT 1\0Q\0\0\0\x12DROP TABLE x;\0",
            ParseError::TrailingBytes(19),
        ),
        (
            "query without NUL",
            b'Q',
            b"SELECT 1",
            ParseError::MissingTerminator { field: "statement text" },
        ),
        ("parameter of -2", b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe\0\0", length("parameter", -2)),
        (
            "parameter of 0x80000000",
            b'B',
            b"\0\0\0\0\0\x01\x80\0\0\0\0\0",
            length("parameter", i32::MIN),
        ),
        (
            "parameter of 0x7fffffff",
            b'B',
            b"\0\0\0\0\0\x01\x7f\xff\xff\xff\0\0",
            truncated("parameter"),
        ),
        (
            "65535 parameters, three sent",
            b'B',
            b"\0\0\0\0\xff\xff\0\0\0\x01a\0\0\0\x01b\0\0\0\x01c",
            truncated("parameter"),
        ),
        ("65535 formats, none sent", b'B', b"\0\0\xff\xff", truncated("parameter formats")),
        (
            "two formats for three parameters",
            b'B',
            b"\0\0\0\x02\0\0\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            format_count(2, 3),
        ),
        ("two formats for no parameter", b'B', b"\0\0\0\x02\0\0\0\0\0\0\0\0", format_count(2, 0)),
        ("format 2", b'B', b"\0\0\0\x01\0\x02\0\0\0\0", ParseError::InvalidFormat(2)),
        ("result format -1", b'B', b"\0\0\0\0\0\0\0\x01\xff\xff", ParseError::InvalidFormat(-1)),
        ("65535 result formats", b'B', b"\0\0\0\0\0\0\xff\xff\0\0", truncated("result formats")),
        ("65535 types", b'P', b"\0\0\xff\xff\0\0\0\x17", truncated("parameter types")),
        (
            "text without NUL",
            b'P',
            b"s\0SELECT",
            ParseError::MissingTerminator { field: "statement text" },
        ),
        (
            "describe neither",
            b'D',
            b"X\0",
            ParseError::InvalidSelector { field: "target", value: b'X' },
        ),
        (
            "close neither",
            b'C',
            b"s\0",
            ParseError::InvalidSelector { field: "target", value: b's' },
        ),
        (
            "argument of -2",
            b'F',
            b"\0\0\0\x01\0\0\0\x01\xff\xff\xff\xfe\0\0",
            length("argument", -2),
        ),
        (
            "two formats for one argument",
            b'F',
            b"\0\0\0\x01\0\x02\0\0\0\0\0\x01\xff\xff\xff\xff\0\0",
            format_count(2, 1),
        ),
        ("result format 7", b'F', b"\0\0\0\x01\0\0\0\0\0\x07", ParseError::InvalidFormat(7)),
        ("sync with a body", b'S', b"\0", ParseError::TrailingBytes(1)),
    ];
    for (name, tag, body, error) in cases {
        assert_eq!(parse_frontend(tag, body).map(|_| ()), Err(error), "{name}");
    }
}

#[test]
fn only_the_types_of_clients_are_known() {
    let known: Vec<u8> =
        (0..=u8::MAX).filter(|byte| FrontendTag::from_byte(*byte).is_some()).collect();
    assert_eq!(text(&known), "BCDEFHPQSXcdfp");
    for tag in (0..=u8::MAX).filter(|tag| !known.contains(tag)) {
        assert_eq!(parse_frontend(tag, b"").map(|_| ()), Err(ParseError::UnknownTag(tag)));
    }
}

#[test]
fn one_format_stands_for_all_values_and_none_for_text() {
    let cases: [(&[u8], [Option<Format>; 3]); 3] = [
        (b"\0\0", [Some(Format::Text); 3]),
        (b"\0\x01\0\x01", [Some(Format::Binary); 3]),
        (b"\0\x02\0\0\0\x01", [Some(Format::Text), Some(Format::Binary), None]),
    ];
    for (results, formats) in cases {
        let body = body(&[b"\0\0\0\0\0\0", results]);
        let Ok(Frontend::Bind(bind)) = parse_frontend(b'B', &body) else { panic!("a Bind") };
        assert_eq!([0, 1, 2].map(|position| bind.result_formats.of(position)), formats);
    }
}

#[test]
fn sasl_initial_response_tells_no_data_from_empty_data() {
    type Initial<'a> = (&'a str, Option<&'a [u8]>);
    let cases: [(&[u8], Result<Initial<'_>, ParseError>); 8] = [
        (b"SCRAM-SHA-256\0\0\0\0\x03n,,", Ok(("SCRAM-SHA-256", Some(b"n,,")))),
        (b"OAUTHBEARER\0\0\0\0\0", Ok(("OAUTHBEARER", Some(b"")))),
        (b"OAUTHBEARER\0\xff\xff\xff\xff", Ok(("OAUTHBEARER", None))),
        (
            b"X\0\xff\xff\xff\xfe",
            Err(ParseError::InvalidLength { field: "mechanism data", length: -2 }),
        ),
        (b"X\0\x7f\xff\xff\xffab", Err(ParseError::Truncated { field: "mechanism data" })),
        (b"X\0\0\0\0\x01ab", Err(ParseError::TrailingBytes(1))),
        (b"\xff\0\0\0\0\0", Err(ParseError::InvalidUtf8)),
        (b"SCRAM", Err(ParseError::MissingTerminator { field: "mechanism" })),
    ];
    for (body, meaning) in cases {
        let Ok(Frontend::Password(secret)) = parse_frontend(b'p', body) else {
            panic!("a password message")
        };
        let parsed = SaslInitial::parse(&secret)
            .map(|initial| (initial.mechanism, initial.data.map(|data| data.expose())));
        assert_eq!(parsed, meaning, "{}", text(body));
    }
}

#[test]
fn a_password_ends_at_its_only_nul_byte() {
    let read = |body| parse_password(&Secret::new(body)).map(|password| password.expose().to_vec());
    assert_eq!(read(b"hunter2\0"), Ok(b"hunter2".to_vec()));
    assert_eq!(read(b"\0"), Ok(Vec::new()));
    assert_eq!(read(b"hunter2"), Err(ParseError::MissingTerminator { field: "password" }));
    assert_eq!(read(b"hun\0ter2\0"), Err(ParseError::TrailingBytes(5)));
}

#[test]
fn the_debug_form_of_a_message_hides_passwords_and_values() {
    let bodies: [(u8, &[u8]); 2] =
        [(b'p', b"hunter2\0"), (b'B', b"\0\0\0\0\0\x01\0\0\0\x07hunter2\0\0")];
    for (tag, body) in bodies {
        let shown = format!("{:?}", parse_frontend(tag, body).unwrap());
        assert!(!shown.contains("hunter2") && !shown.contains("104, 117"), "{shown}");
    }
}

#[test]
fn text_is_utf8_or_an_error() {
    assert_eq!(to_str("é".as_bytes()), Ok("é"));
    assert_eq!(to_str(b"\xe9"), Err(ParseError::InvalidUtf8));
    // The long form of `/`, which a lenient reader takes for the short one.
    assert_eq!(to_str(b"\xc0\xaf"), Err(ParseError::InvalidUtf8));
}

#[test]
fn targets_have_the_bytes_of_the_protocol() {
    assert_eq!([Target::Statement, Target::Portal].map(Target::as_byte), *b"SP");
}
