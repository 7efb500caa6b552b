//! What can be said on the console, read from a text: words and plain string literals, one statement a message.

use jurat_core::literal;

/// One thing to do or to see.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Words {
    Nothing,
    Help,
    Sessions,
    Approvals,
    Approval { id: String },
    Policies,
    Stats,
    Freezes,
    Answer { id: String, yes: bool, reason: Option<String> },
    Reload,
    Kill { id: String, reason: Option<String> },
    Freeze { database: String, seconds: i64, reason: String },
    Unfreeze { database: String },
}

/// A piece of a text.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    /// A bare word, in lower case; a name keeps its own letters beside it.
    Word(String, String),
    Text(String),
}

/// Reads a text; `None` where it is nothing that can be said here.
pub(super) fn read(text: &str) -> Option<Words> {
    use Piece::{Text, Word};
    let pieces = pieces(text)?;
    let verbs: Vec<&str> = pieces
        .iter()
        .map(|piece| match piece {
            Word(word, _) => word.as_str(),
            Text(_) => "'",
        })
        .collect();
    let name = |at: usize| match pieces.get(at) {
        Some(Word(_, name) | Text(name)) => Some(name.clone()),
        None => None,
    };
    Some(match verbs.as_slice() {
        [] => Words::Nothing,
        ["help"] => Words::Help,
        ["show", "sessions"] => Words::Sessions,
        ["show", "approvals"] => Words::Approvals,
        ["show", "approval", "'"] => Words::Approval { id: name(2)? },
        ["show", "policies"] => Words::Policies,
        ["show", "stats"] => Words::Stats,
        ["show", "freezes"] => Words::Freezes,
        ["approve", "'"] => Words::Answer { id: name(1)?, yes: true, reason: None },
        ["approve", "'", "'"] => Words::Answer { id: name(1)?, yes: true, reason: name(2) },
        // A no without a reason helps nobody.
        ["deny", "'", "'"] => Words::Answer { id: name(1)?, yes: false, reason: name(2) },
        ["reload"] => Words::Reload,
        ["kill", "'"] => Words::Kill { id: name(1)?, reason: None },
        ["kill", "'", "'"] => Words::Kill { id: name(1)?, reason: name(2) },
        ["freeze", _, "until", "'", "reason", "'"] => {
            Words::Freeze { database: name(1)?, seconds: seconds(&name(3)?)?, reason: name(5)? }
        }
        ["unfreeze", _] => Words::Unfreeze { database: name(1)? },
        _ => return None,
    })
}

/// The words and literals of one statement.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    rest = rest.strip_suffix(';').unwrap_or(rest).trim_end();
    while !rest.is_empty() {
        if rest.starts_with('\'') {
            let (value, behind) = literal(rest)?;
            found.push(Piece::Text(value));
            rest = behind;
            if rest.chars().next().is_some_and(|next| !next.is_ascii_whitespace()) {
                return None;
            }
        } else {
            let (word, behind) =
                rest.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((rest, ""));
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            if !word.chars().all(plain) {
                return None;
            }
            found.push(Piece::Word(word.to_ascii_lowercase(), word.to_owned()));
            rest = behind;
        }
        rest = rest.trim_start();
    }
    Some(found)
}

/// A span of time: a whole number and `s`, `m`, `h` or `d`.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits)? {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<i64>().ok().filter(|count| *count > 0)?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::{Words, read};

    #[test]
    fn a_text_is_one_of_these_and_nothing_else() {
        let answer = |yes, reason: Option<&str>| {
            let (id, reason) = ("AP-1".to_owned(), reason.map(str::to_owned));
            Some(Words::Answer { id, yes, reason })
        };
        let freeze = |seconds| {
            let (database, reason) = ("Shop-1".to_owned(), "it's late".to_owned());
            Some(Words::Freeze { database, seconds, reason })
        };
        for (text, words) in [
            ("", Some(Words::Nothing)),
            (" ; ", Some(Words::Nothing)),
            ("help", Some(Words::Help)),
            ("SHOW  sessions ;", Some(Words::Sessions)),
            ("APPROVE 'AP-1'", answer(true, None)),
            ("approve 'AP-1' 'fine';", answer(true, Some("fine"))),
            ("DENY 'AP-1' 'no'", answer(false, Some("no"))),
            ("DENY 'AP-1'", None),
            ("APPROVE AP-1", None),
            ("APPROVE 'AP-1'; APPROVE 'AP-2'", None),
            ("APPROVE 'AP-1' -- fine", None),
            (r"APPROVE 'AP-1\'", None),
            ("APPROVE 'AP-1", None),
            ("FREEZE Shop-1 UNTIL '2h' REASON 'it''s late'", freeze(7_200)),
            ("FREEZE 'Shop-1' UNTIL '30m' REASON 'it''s late'", freeze(1_800)),
            ("FREEZE shop UNTIL 'tomorrow' REASON 'x'", None),
            ("FREEZE shop UNTIL '0s' REASON 'x'", None),
            ("FREEZE shop UNTIL '99999999999999999d' REASON 'x'", None),
            ("SELECT 1", None),
            ("\\d", None),
        ] {
            assert_eq!(read(text), words, "{text}");
        }
    }
}
