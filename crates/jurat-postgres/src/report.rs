//! The database's own errors on their way to the client: what has to be left out of them.

use jurat_wire::postgres::{
    backend::report::ReportFields,
    encode::backend::{self as encode, Report, Severity},
    value::to_str,
};

use crate::respond::write;

/// Why an error may not pass as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Care {
    /// Masked columns were in reach of the statement.
    pub(crate) protects: bool,
    /// The text that ran is not the client's, so positions in it mean nothing to the client.
    pub(crate) rewritten: bool,
}

/// SQLSTATE classes whose messages name objects and never quote a value: the values are in DETAIL
/// (PostgreSQL source, `errmsg` of integrity violations, and so on).
const SAFE_CLASSES: [&str; 12] =
    ["08", "0A", "23", "25", "26", "34", "40", "42", "53", "54", "55", "57"];

/// Writes the error for the client.
///
/// `23502: Failing row contains (1, ana@example.org, …)` shows a row to somebody who may write it and
/// not read it; an error of a cast quotes the value. So where masked columns were in reach, only what
/// cannot hold a value is passed on.
pub(crate) fn forward(out: &mut Vec<u8>, fields: &ReportFields<'_>, whole: &[u8], care: Care) {
    if care.protects {
        withheld(out, fields);
    } else if care.rewritten {
        without_position(out, fields);
    } else {
        out.extend_from_slice(whole);
    }
}

fn withheld(out: &mut Vec<u8>, fields: &ReportFields<'_>) {
    let code = fields.code().unwrap_or("XX000");
    let severity = if fields.is_fatal() { Severity::Fatal } else { Severity::Error };
    let safe = code.get(..2).is_some_and(|class| SAFE_CLASSES.contains(&class));
    let message = fields.message().and_then(|message| to_str(message).ok());
    let message = match message {
        Some(message) if safe => message.to_owned(),
        _ => format!("the database reported an error ({code}); its words may hold masked values"),
    };
    let name = |letter| fields.field(letter).and_then(|name| to_str(name).ok());
    let mut report = Report::new(severity, code, &message);
    report.hint = Some("jurat withheld the details because masked columns are in reach");
    report.schema = name(b's');
    report.table = name(b't');
    report.column = name(b'c');
    write(encode::error_response(out, &report));
}

/// The same error without the fields that point into the text.
fn without_position(out: &mut Vec<u8>, fields: &ReportFields<'_>) {
    let start = out.len();
    out.extend_from_slice(b"E\0\0\0\0");
    for (letter, text) in fields.iter() {
        // `P` position, `p` internal position, `q` internal query.
        if !matches!(letter, b'P' | b'p' | b'q') {
            out.push(letter);
            out.extend_from_slice(text);
            out.push(0);
        }
    }
    out.push(0);
    let length = out.len().saturating_sub(start).saturating_sub(1);
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(field) = out.get_mut(start.saturating_add(1)..start.saturating_add(5)) {
        field.copy_from_slice(&length);
    }
}

#[cfg(test)]
mod tests {
    use jurat_wire::postgres::backend::{Backend, parse_backend};

    use super::{Care, forward};

    fn pass(code: &str, message: &str, care: Care) -> String {
        let fields = [
            ("S", "ERROR"),
            ("V", "ERROR"),
            ("C", code),
            ("M", message),
            ("D", "canary"),
            ("W", "canary"),
            ("P", "7"),
            ("t", "customers"),
        ];
        let body: String =
            fields.iter().map(|(l, t)| format!("{l}{t}\0")).collect::<String>() + "\0";
        let Ok(Backend::ErrorResponse(fields)) = parse_backend(b'E', body.as_bytes()) else {
            panic!("the test's own error is malformed");
        };
        let mut out = Vec::new();
        forward(&mut out, &fields, b"as it came", care);
        let declared = out.get(1..5).map(|length| u32::from_be_bytes(length.try_into().unwrap()));
        if out[0] == b'E' {
            assert_eq!(usize::try_from(declared.unwrap()).unwrap() + 1, out.len());
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn nothing_is_left_out_without_a_reason() {
        let care = Care { protects: false, rewritten: false };
        assert_eq!(pass("22P02", "canary", care), "as it came");
    }

    #[test]
    fn a_rewritten_text_loses_its_position_only() {
        let text = pass("22P02", "wrong", Care { protects: false, rewritten: true });
        assert!(text.contains("Mwrong") && text.contains("Dcanary") && !text.contains("P7"));
    }

    #[test]
    fn no_value_passes_where_masked_columns_are_in_reach() {
        let care = Care { protects: true, rewritten: true };
        let cast = pass("22P02", "invalid input syntax for type integer: \"canary\"", care);
        assert!(!cast.contains("canary") && cast.contains("C22P02"), "{cast}");
        let null = pass("23502", "null value in column \"tier\" violates not-null", care);
        assert!(!null.contains("canary") && null.contains("Mnull value"), "{null}");
        assert!(null.contains("tcustomers"));
    }
}
