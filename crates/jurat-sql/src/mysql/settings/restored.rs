//! Settings that are put back from variables, as dumps do at their end: `SET SQL_MODE=@OLD_SQL_MODE`.
//!
//! What a variable holds is not known when the text is judged. So the text that is sent has the check in it: the setting gets
//! the value only where it is harmless, and else a text that the server refuses, which changes nothing.

use super::super::form::Word;
use super::{HARMLESS_MODES, UTF8};
use crate::scan::Kind;

/// What the server names in its own error where the value is another one.
const REFUSED: &str = "jurat: the variable holds a value that changes how texts are read";

/// Whether the words are one variable of the user's own.
pub(super) fn is_of_user(words: &[Word<'_>]) -> bool {
    matches!(words, [(Kind::Word, text)] if text.starts_with('@') && !text.starts_with("@@"))
}

/// The value of a setting that texts hang on, checked where it is put to use. Nothing for other settings.
pub(super) fn checked(setting: &str, variable: &str) -> Option<String> {
    match setting {
        // `\A` and `\z` and not `^` and `$`, which default_regex_flags makes match at the ends of lines.
        "sql_mode" => {
            let modes: Vec<&str> =
                HARMLESS_MODES.iter().copied().filter(|mode| !mode.is_empty()).collect();
            let mode = modes.join("|").to_ascii_uppercase();
            let list = format!(r"'\\A(({mode}),?)*\\z'");
            Some(format!("IF({variable} RLIKE {list}, {variable}, '{REFUSED}')"))
        }
        // A name of the text's own whatever the comparison makes of the variable, which may be a number.
        "character_set_client" | "character_set_connection" | "character_set_results" => {
            let names: String =
                UTF8.iter().map(|name| format!(" WHEN '{name}' THEN '{name}'")).collect();
            Some(format!("CASE {variable}{names} ELSE '{REFUSED}' END"))
        }
        // The name of a collation begins with that of its character set.
        "collation_connection" => Some(format!(
            "IF({variable} LIKE 'utf8%', CONCAT('utf8', SUBSTRING({variable}, 5)), '{REFUSED}')"
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{checked, is_of_user};
    use crate::scan::Kind;

    #[test]
    fn only_a_variable_of_the_user_is_one() {
        for (text, is) in
            [("@OLD_SQL_MODE", true), ("@`a b`", true), ("@@sql_mode", false), ("utf8", false)]
        {
            assert_eq!(is_of_user(&[(Kind::Word, text)]), is, "{text}");
        }
        assert!(!is_of_user(&[(Kind::Word, "@a"), (Kind::Operator, "+"), (Kind::Number, "4")]));
    }

    #[test]
    fn no_harmful_mode_is_in_the_list() {
        let text = checked("sql_mode", "@m").unwrap();
        assert!(text.starts_with(r"IF(@m RLIKE '\\A((ALLOW_INVALID_DATES|"), "{text}");
        for harmful in ["ANSI", "PIPES", "BACKSLASH", "SPACE", "(|", "||", "|)"] {
            assert!(!text.contains(harmful), "{harmful}: {text}");
        }
        assert_eq!(checked("foreign_key_checks", "@m"), None);
    }
}
