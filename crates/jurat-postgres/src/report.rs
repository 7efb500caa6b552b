//! The database's own errors on their way to the client: what has to be left out of them.

use std::{borrow::Cow, sync::Arc};

use jurat_core::client_position;
use jurat_wire::postgres::backend::report::ReportFields;

/// Why an error may not pass as it came.
#[derive(Clone, Debug)]
pub(crate) struct Care {
    /// Masked columns were in reach of the statement.
    pub(crate) protects: bool,
    /// What a position in the error points into.
    pub(crate) text: Text,
}

/// The text that a position in an error points into.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    /// The client's own.
    Own,
    /// Another than the client's: the two are compared to find the place.
    Printed(Arc<Printed>),
    /// Another than the client's, which is not kept: rather no position than a wrong one.
    NotKept,
}

/// What a client wrote, and what was sent for it.
#[derive(Debug)]
pub(crate) struct Printed {
    client: Box<str>,
    sent: Arc<str>,
}

/// Longer texts are not kept until they are answered, bytes.
const KEPT_BYTES_MAX: usize = 16 << 10;

impl Text {
    /// What is to be remembered of a text while it is not answered.
    pub(crate) fn new(client: &[u8], sent: Arc<str>) -> Self {
        if sent.as_bytes() == client {
            return Self::Own;
        }
        match std::str::from_utf8(client) {
            Ok(client) if client.len().max(sent.len()) <= KEPT_BYTES_MAX => {
                let client = Box::from(client);
                Self::Printed(Arc::new(Printed { client, sent }))
            }
            _ => Self::NotKept,
        }
    }

    /// The field `P` for the client.
    fn position<'a>(&self, sent: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match self {
            Self::Own => Some(Cow::Borrowed(sent)),
            Self::NotKept => None,
            Self::Printed(printed) => {
                let position = std::str::from_utf8(sent).ok()?.parse().ok()?;
                let position = client_position(&printed.client, &printed.sent, position)?;
                Some(Cow::Owned(position.to_string().into_bytes()))
            }
        }
    }
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
pub(crate) fn forward(out: &mut Vec<u8>, fields: &ReportFields<'_>, whole: &[u8], care: &Care) {
    let start = out.len();
    if care.protects {
        withheld(out, fields, &care.text);
    } else if matches!(care.text, Text::Own) {
        out.extend_from_slice(whole);
        return;
    } else {
        with_position(out, fields, &care.text);
    }
    close_message(out, start);
}

fn withheld(out: &mut Vec<u8>, fields: &ReportFields<'_>, text: &Text) {
    let code = fields.code().unwrap_or("XX000");
    let safe = code.get(..2).is_some_and(|class| SAFE_CLASSES.contains(&class));
    // RAISE takes any SQLSTATE and any words.
    let raised = fields.field(b'R').is_some_and(|routine| routine == RAISE);
    let instead =
        format!("the database reported an error ({code}); its words may hold masked values");
    write_error(out, fields, |letter, value| match letter {
        b'P' => text.position(value),
        b'M' if raised || !safe => Some(Cow::Owned(instead.clone().into_bytes())),
        // Severity, SQLSTATE, message, the place in the server's source, and names of objects.
        b'S' | b'V' | b'C' | b'M' | b'F' | b'L' | b'R' | b's' | b't' | b'c' | b'd' | b'n' => {
            Some(Cow::Borrowed(value))
        }
        // Detail, hint, context, inner query and its position, and what may be added one day.
        _ => None,
    });
    let hint = "jurat withheld the details because masked columns are in reach";
    // In front of the zero byte that ends the fields.
    out.pop();
    out.push(b'H');
    out.extend_from_slice(hint.as_bytes());
    out.extend_from_slice(&[0, 0]);
}

/// The function of PL/pgSQL behind RAISE.
const RAISE: &[u8] = b"exec_stmt_raise";

/// The same error with the position in the client's own text, where it has one. The internal position
/// and query (`p`, `q`) are those of a function's body, which is sent as it is.
fn with_position(out: &mut Vec<u8>, fields: &ReportFields<'_>, text: &Text) {
    write_error(out, fields, |letter, value| match letter {
        b'P' => text.position(value),
        _ => Some(Cow::Borrowed(value)),
    });
}

/// Writes the fields that are left of an error, without the length of the message.
fn write_error<'a>(
    out: &mut Vec<u8>,
    fields: &ReportFields<'a>,
    left: impl Fn(u8, &'a [u8]) -> Option<Cow<'a, [u8]>>,
) {
    out.extend_from_slice(b"E\0\0\0\0");
    for (letter, value) in fields.iter() {
        if let Some(value) = left(letter, value) {
            out.push(letter);
            out.extend_from_slice(&value);
            out.push(0);
        }
    }
    out.push(0);
}

/// Puts the length of the message that begins at `start` into its header.
fn close_message(out: &mut [u8], start: usize) {
    let length = out.len().saturating_sub(start).saturating_sub(1);
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(field) = out.get_mut(start.saturating_add(1)..start.saturating_add(5)) {
        field.copy_from_slice(&length);
    }
}

#[cfg(test)]
mod tests {
    use jurat_wire::postgres::backend::{Backend, parse_backend};

    use super::{Care, Text, forward};

    fn pass(code: &str, message: &str, care: Care) -> String {
        raised_by("errfinish", code, message, care)
    }

    fn raised_by(routine: &str, code: &str, message: &str, care: Care) -> String {
        let fields = [
            ("S", "ERROR"),
            ("V", "ERROR"),
            ("C", code),
            ("M", message),
            ("D", "canary"),
            ("W", "canary"),
            ("P", "8"),
            ("p", "9"),
            ("q", "canary"),
            ("t", "customers"),
            ("n", "customers_email_key"),
            ("R", routine),
        ];
        let body: String =
            fields.iter().map(|(l, t)| format!("{l}{t}\0")).collect::<String>() + "\0";
        let Ok(Backend::ErrorResponse(fields)) = parse_backend(b'E', body.as_bytes()) else {
            panic!("the test's own error is malformed");
        };
        let mut out = Vec::new();
        forward(&mut out, &fields, b"as it came", &care);
        let declared = out.get(1..5).map(|length| u32::from_be_bytes(length.try_into().unwrap()));
        if out[0] == b'E' {
            assert_eq!(usize::try_from(declared.unwrap()).unwrap() + 1, out.len());
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn nothing_is_left_out_without_a_reason() {
        let care = Care { protects: false, text: Text::Own };
        assert_eq!(pass("22P02", "canary", care), "as it came");
    }

    #[test]
    fn a_printed_text_has_the_position_in_the_clients_own() {
        let text = Text::new(b"select\n\n  lower(7)", "SELECT pg_catalog.lower(7)".into());
        let text = pass("42883", "wrong", Care { protects: false, text });
        assert!(text.contains("Mwrong") && text.contains("Dcanary") && text.contains("p9"));
        assert!(text.contains("\0P11\0"), "{text}");
    }

    #[test]
    fn a_text_that_is_not_kept_has_no_position() {
        let long = "x".repeat(super::KEPT_BYTES_MAX + 1);
        for text in
            [Text::new(long.as_bytes(), "x".into()), Text::new(b"\xff", "x".into()), Text::NotKept]
        {
            let text = pass("42883", "wrong", Care { protects: false, text });
            assert!(
                text.contains("Mwrong") && text.contains("p9") && !text.contains("\0P"),
                "{text}"
            );
        }
    }

    #[test]
    fn no_value_passes_where_masked_columns_are_in_reach() {
        let care = Care { protects: true, text: Text::NotKept };
        let cast = pass("22P02", "invalid input syntax for type integer: \"canary\"", care.clone());
        assert!(!cast.contains("canary") && cast.contains("C22P02"), "{cast}");
        let null = pass("23502", "null value in column \"tier\" violates not-null", care);
        assert!(!null.contains("canary") && null.contains("Mnull value"), "{null}");
        for kept in ["tcustomers", "ncustomers_email_key", "Rerrfinish", "Hjurat withheld"] {
            assert!(null.contains(kept), "{kept} in {null}");
        }
        for left_out in ["\0D", "\0W", "\0P", "\0p", "\0q"] {
            assert!(!null.contains(left_out), "{left_out:?} in {null}");
        }
    }

    #[test]
    fn what_a_function_raises_may_hold_anything() {
        let care = Care { protects: true, text: Text::Own };
        let raised = raised_by("exec_stmt_raise", "23505", "canary", care.clone());
        assert!(!raised.contains("canary\0") && raised.contains("C23505"), "{raised}");
        // The position in a text that the client wrote itself tells nothing.
        assert!(raised.contains("\0P8\0"), "{raised}");
    }
}
