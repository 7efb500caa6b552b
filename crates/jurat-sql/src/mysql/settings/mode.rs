//! What frameworks write to add a mode to `sql_mode` or to take one away: `CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')`.
//!
//! The modes that a session has are harmless, so they stay so where only harmless ones are added and whole ones are taken
//! away. The front-end hears of the new value as well, and ends a session whose texts would be read otherwise.

use super::super::form::Word;
use super::{are_harmless, value};
use crate::scan::Kind;

/// Whether the words are such an expression.
pub(super) fn is_kept(words: &[Word<'_>]) -> bool {
    let mut words = Words(words);
    words.modes(0) && words.0.is_empty()
}

/// How deep calls may stand in each other: Rails takes three modes away and adds one.
const DEPTH_MAX: usize = 8;

/// What is left to be read.
struct Words<'w, 't>(&'w [Word<'t>]);

impl Words<'_, '_> {
    /// `@@sql_mode`, a list of modes, CONCAT or REPLACE of these, also in brackets and behind SELECT.
    fn modes(&mut self, depth: usize) -> bool {
        if depth > DEPTH_MAX {
            return false;
        }
        let inner = depth.saturating_add(1);
        if self.takes("(") {
            self.takes("select");
            return self.modes(inner) && self.takes(")");
        }
        if self.takes("concat") {
            let mut fits = self.takes("(") && self.modes(inner);
            while fits && self.takes(",") {
                fits = self.modes(inner);
            }
            return fits && self.takes(")");
        }
        if self.takes("replace") {
            // Only a whole mode of the list of harmless ones goes.
            return self.takes("(")
                && self.modes(inner)
                && self.takes(",")
                && self.harmless()
                && self.takes(",")
                && self.text().as_deref() == Some("")
                && self.takes(")");
        }
        self.takes("@@sql_mode") || self.takes("@@session.sql_mode") || self.harmless()
    }

    fn harmless(&mut self) -> bool {
        self.text().is_some_and(|modes| are_harmless(&modes))
    }

    /// The value of a string in lower case.
    fn text(&mut self) -> Option<String> {
        let (word @ (Kind::Text, _), rest) = self.0.split_first()? else { return None };
        self.0 = rest;
        value(word)
    }

    fn takes(&mut self, expected: &str) -> bool {
        match self.0.split_first() {
            Some(((Kind::Word | Kind::Symbol, text), rest))
                if text.eq_ignore_ascii_case(expected) =>
            {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use jurat_types::Engine;

    use super::is_kept;
    use crate::gate::split;
    use crate::limits::ReadLimits;

    fn kept(text: &str) -> bool {
        let sources = split(text, Engine::Mariadb, &ReadLimits::default()).unwrap();
        is_kept(&sources[0].words())
    }

    #[test]
    fn harmless_modes_are_added_and_taken_away() {
        for text in [
            "@@sql_mode",
            "CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')",
            "(SELECT CONCAT(@@sql_mode, ',NO_ENGINE_SUBSTITUTION'))",
            "CONCAT(@@SESSION.sql_mode, ',STRICT_ALL_TABLES', ',NO_AUTO_VALUE_ON_ZERO')",
            "REPLACE(REPLACE(REPLACE(@@sql_mode, 'STRICT_TRANS_TABLES', ''), 'STRICT_ALL_TABLES', ''), 'TRADITIONAL', '')",
            "CONCAT(REPLACE(@@sql_mode, 'ONLY_FULL_GROUP_BY', ''), ',TRADITIONAL')",
        ] {
            assert!(kept(text), "{text}");
        }
    }

    #[test]
    fn everything_else_changes_it() {
        for text in [
            "CONCAT(@@sql_mode, ',ANSI_QUOTES')",
            "CONCAT(@@sql_mode, ',PIPES_AS_CONCAT,NO_ENGINE_SUBSTITUTION')",
            "CONCAT(@@sql_mode, ',AN', 'SI')",
            "REPLACE(@@sql_mode, 'STRICT_TRANS_TABLES', 'ANSI')",
            "REPLACE(@@sql_mode, 'NO_', '')",
            "CONCAT(@@sql_mode, @more)",
            "CONCAT(@@global.sql_mode, '')",
            "(SELECT modes FROM t)",
            "CONCAT(@@sql_mode, ',STRICT_ALL_TABLES') || 'x'",
            "UPPER(@@sql_mode)",
            "CONCAT(@@sql_mode, '\\x41NSI')",
        ] {
            assert!(!kept(text), "{text}");
        }
        let deep = format!("{}@@sql_mode{}", "(".repeat(50), ")".repeat(50));
        assert!(!kept(&deep));
    }
}
