//! LIKE and regular expressions as PostgreSQL has them; SQLite's LIKE knows no case.

use regex::RegexBuilder;

use crate::failure::Failure;

/// Whether a text matches a LIKE pattern.
///
/// Runs in the product of both lengths at worst, whatever the pattern is.
pub(crate) fn like(pattern: &str, text: &str, escape: Option<char>) -> bool {
    let pattern = pieces(pattern, escape);
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0_usize, 0_usize);
    // Where the last `%` stands, and the text up to which it was tried.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        let matches = match pattern.get(p) {
            Some(Piece::Any) => {
                retry = Some((p, t));
                p = p.saturating_add(1);
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Letter(letter)) => letter == c,
            None => false,
        };
        if matches {
            p = p.saturating_add(1);
            t = t.saturating_add(1);
        } else if let Some((star, tried)) = retry {
            p = star.saturating_add(1);
            t = tried.saturating_add(1);
            retry = Some((star, t));
        } else {
            return false;
        }
    }
    pattern.iter().skip(p).all(|piece| matches!(piece, Piece::Any))
}

enum Piece {
    Any,
    One,
    Letter(char),
}

fn pieces(pattern: &str, escape: Option<char>) -> Vec<Piece> {
    let mut chars = pattern.chars();
    let mut pieces = Vec::new();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            _ if Some(c) == escape => Piece::Letter(chars.next().unwrap_or(c)),
            '%' => Piece::Any,
            '_' => Piece::One,
            letter => Piece::Letter(letter),
        });
    }
    pieces
}

/// Whether a regular expression matches somewhere in a text.
///
/// # Errors
/// The expression cannot be read, or is too large.
pub(crate) fn regex(pattern: &str, text: &str, any_case: bool) -> Result<bool, Failure> {
    RegexBuilder::new(pattern)
        .case_insensitive(any_case)
        .size_limit(1 << 20)
        .build()
        .map(|regex| regex.is_match(text))
        .map_err(|_error| Failure::new("22P02", "invalid regular expression"))
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn like_is_exact() {
        for (pattern, text, expected) in [
            ("ada.%", "ada.berg", true),
            ("ada.%", "Ada.berg", false),
            ("%@%.example", "x@mail.example", true),
            ("_b%", "abc", true),
            ("_b", "abc", false),
            ("a\\%", "a%", true),
            ("a\\%", "ab", false),
            ("%%%", "", true),
            ("", "a", false),
        ] {
            assert_eq!(like(pattern, text, Some('\\')), expected, "{pattern} {text}");
        }
        assert!(!like(&"%a".repeat(500), &"a".repeat(499), None));
    }
}
