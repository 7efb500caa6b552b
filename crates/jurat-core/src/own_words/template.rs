//! The texts of statements about Jurat, with parameters in the place of their values where a driver binds them.

use super::OwnWords;

/// Longer texts, and longer values, are something else, bytes.
const TEXT_BYTES_MAX: usize = 2 << 10;
/// No statement has more arguments.
const ARGUMENTS_MAX: u16 = 2;

/// A statement about Jurat as it was prepared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnTemplate {
    verb: Verb,
    arguments: Vec<Argument>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Verb {
    LastDecision,
    WhoAmI,
    Approvals,
    Show,
    Request,
    Answer { yes: bool },
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Argument {
    Text(String),
    /// `$1` is the first.
    Parameter(u16),
}

/// Whether a text begins with SHOW or CALL and a name of Jurat's. Nearly none does, and nothing is read for it.
pub fn begins(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let Some((verb, rest)) = text.split_first_chunk::<4>() else { return false };
    let verb = verb.eq_ignore_ascii_case(b"show") || verb.eq_ignore_ascii_case(b"call");
    verb && rest
        .trim_ascii_start()
        .first_chunk::<6>()
        .is_some_and(|name| name.eq_ignore_ascii_case(b"jurat."))
}

/// Reads a text that is one of these statements and nothing else, with its values in it.
pub fn read(text: &[u8]) -> Option<OwnWords> {
    OwnTemplate::read(text)?.bind(&[])
}

impl OwnTemplate {
    /// Reads a text that is one of these statements and nothing else.
    pub fn read(text: &[u8]) -> Option<Self> {
        // Nearly every text ends here.
        if text.len() > TEXT_BYTES_MAX || !begins(text) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?.trim().trim_end_matches(';').trim_end();
        let (verb, rest) = text.split_once(|c: char| c.is_ascii_whitespace())?;
        let rest = rest.trim_start();
        let name_end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_')));
        let (name, tail) = rest.split_at(name_end.unwrap_or(rest.len()));
        let name = name.to_ascii_lowercase();
        let name = name.strip_prefix("jurat.")?;
        if verb.eq_ignore_ascii_case("show") {
            let verb = match name {
                "last_decision" => Verb::LastDecision,
                "whoami" => Verb::WhoAmI,
                "approvals" => Verb::Approvals,
                _ => return None,
            };
            return tail.trim().is_empty().then(|| Self { verb, arguments: Vec::new() });
        }
        let arguments = arguments(tail)?;
        let verb = match (name, arguments.len()) {
            ("show_approval", 1) => Verb::Show,
            ("request_approval", 2) => Verb::Request,
            ("approve" | "deny", 1 | 2) => Verb::Answer { yes: name == "approve" },
            _ => return None,
        };
        Some(Self { verb, arguments })
    }

    /// How many parameters it has.
    pub fn parameters(&self) -> u16 {
        let number = |argument: &Argument| match argument {
            Argument::Text(_) => 0,
            Argument::Parameter(number) => *number,
        };
        self.arguments.iter().map(number).max().unwrap_or_default()
    }

    /// The name of the column that the answer has; `None` where it has no rows.
    pub const fn column(&self) -> Option<&'static str> {
        match self.verb {
            Verb::LastDecision => Some("last_decision"),
            Verb::WhoAmI => Some("whoami"),
            Verb::Approvals => Some("approvals"),
            Verb::Show => Some("approval"),
            Verb::Request | Verb::Answer { .. } => None,
        }
    }

    /// The statement with the values of its parameters. `None` where one is missing or too long.
    pub fn bind(&self, values: &[String]) -> Option<OwnWords> {
        let mut arguments = self.arguments.iter().map(|argument| match argument {
            Argument::Text(text) => Some(text.clone()),
            Argument::Parameter(number) => {
                let value = values.get(usize::from(number.checked_sub(1)?))?;
                (value.len() <= TEXT_BYTES_MAX).then(|| value.clone())
            }
        });
        Some(match self.verb {
            Verb::LastDecision => OwnWords::LastDecision,
            Verb::WhoAmI => OwnWords::WhoAmI,
            Verb::Approvals => OwnWords::Approvals,
            Verb::Show => OwnWords::Show { id: arguments.next()?? },
            Verb::Request => OwnWords::Request { id: arguments.next()??, why: arguments.next()?? },
            Verb::Answer { yes } => {
                let id = arguments.next()??;
                let why = match arguments.next() {
                    None => None,
                    Some(why) => Some(why?),
                };
                OwnWords::Answer { id, yes, why }
            }
        })
    }
}

/// `('one', $1)`: plain string literals, parameters, and nothing else.
fn arguments(text: &str) -> Option<Vec<Argument>> {
    let inside = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let mut found = Vec::new();
    let mut rest = inside.trim();
    loop {
        let (argument, behind) = match rest.strip_prefix('$') {
            Some(behind) => parameter(behind)?,
            None => {
                let (value, behind) = literal(rest)?;
                (Argument::Text(value), behind)
            }
        };
        found.push(argument);
        rest = behind.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => return Some(found),
            None => return None,
        }
    }
}

/// The value of the string literal that a text begins with, and what stands behind it. Nothing where it is not closed,
/// or has a backslash: what one means depends on a setting of whoever reads it.
pub fn literal(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('\'')?.chars();
    let mut value = String::new();
    loop {
        match chars.next()? {
            '\'' if chars.as_str().starts_with('\'') => {
                chars.next();
                value.push('\'');
            }
            '\'' => break,
            '\\' => return None,
            other => value.push(other),
        }
    }
    Some((value, chars.as_str()))
}

/// The number behind `$`, with a cast to a text as some drivers write it.
fn parameter(text: &str) -> Option<(Argument, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, mut rest) = text.split_at(end);
    let number = number.parse().ok().filter(|n| (1..=ARGUMENTS_MAX).contains(n))?;
    if let Some(cast) = rest.strip_prefix("::") {
        let end = cast.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(cast.len());
        let (name, behind) = cast.split_at(end);
        let is_text = ["text", "varchar"].iter().any(|text| name.eq_ignore_ascii_case(text));
        rest = is_text.then_some(behind)?;
    }
    Some((Argument::Parameter(number), rest))
}

#[cfg(test)]
mod tests {
    use super::{OwnTemplate, OwnWords, read};

    #[test]
    fn a_text_is_one_of_these_statements_and_nothing_else() {
        let answer = |id: &str, yes, why: Option<&str>| {
            Some(OwnWords::Answer { id: id.to_owned(), yes, why: why.map(str::to_owned) })
        };
        for (text, words) in [
            ("SHOW jurat.last_decision", Some(OwnWords::LastDecision)),
            (" show  JURAT.WhoAmI ; ", Some(OwnWords::WhoAmI)),
            ("CALL jurat.approve('AP-1')", answer("AP-1", true, None)),
            (
                "call jurat.deny ( 'AP-1' , 'it''s late' );",
                answer("AP-1", false, Some("it's late")),
            ),
            ("SHOW jurat.last_decision; DROP TABLE t", None),
            ("CALL jurat.approve('AP-1'); SELECT 1", None),
            ("CALL jurat.approve('AP-1', 'a', 'b')", None),
            ("CALL jurat.approve(E'AP-1')", None),
            (r"CALL jurat.approve('AP-1\')", None),
            ("CALL jurat.approve($1)", None),
            ("CALL jurat.approve", None),
            ("CALL jurat.approve()", None),
            ("CALL other.approve('AP-1')", None),
            ("SHOW jurat.other", None),
            ("/* x */ SHOW jurat.whoami", None),
            ("SHOW", None),
            ("", None),
        ] {
            assert_eq!(read(text.as_bytes()), words, "{text}");
        }
    }

    #[test]
    fn parameters_stand_for_texts() {
        let words = |text: &str, values: &[&str]| {
            let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
            let template = OwnTemplate::read(text.as_bytes())?;
            Some((template.parameters(), template.bind(&values)))
        };
        let request = |id: &str, why: &str| {
            Some(OwnWords::Request { id: id.to_owned(), why: why.to_owned() })
        };
        for (text, values, read) in [
            ("CALL jurat.request_approval($1, $2)", &["a", "b"][..], Some((2, request("a", "b")))),
            ("CALL jurat.request_approval($2,$1);", &["b", "a"], Some((2, request("a", "b")))),
            ("CALL jurat.request_approval('a', $1::VARCHAR)", &["b"], Some((1, request("a", "b")))),
            ("CALL jurat.request_approval('a', $1)", &[], Some((1, None))),
            ("CALL jurat.request_approval('a', $1::int)", &["b"], None),
            ("CALL jurat.request_approval('a', $3)", &["b", "c", "d"], None),
            ("CALL jurat.request_approval('a', $0)", &["b"], None),
            ("CALL jurat.request_approval('a', $)", &["b"], None),
            ("CALL jurat.request_approval('a', $1 || $2)", &["b", "c"], None),
            ("SHOW jurat.whoami", &[], Some((0, Some(OwnWords::WhoAmI)))),
            ("SHOW jurat.whoami($1)", &["a"], None),
        ] {
            assert_eq!(words(text, values), read, "{text}");
        }
        let long = "x".repeat(3000);
        let template = OwnTemplate::read(b"CALL jurat.show_approval($1)").unwrap();
        assert_eq!(template.bind(&[long]), None);
    }
}
