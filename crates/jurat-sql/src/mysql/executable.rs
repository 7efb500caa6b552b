//! Comments that the servers execute (`/*!40101 SET … */`), written out as the SQL that they are.
//!
//! Dumps are full of them. What is judged and sent is the text without such comments, so a mistake here could change
//! what a client meant and never what is judged. A comment that this server may leave alone stays refused, because
//! then nobody knows what its author wanted of this server.

use jurat_types::Engine;

use super::scan::{Scanner, scan_into};
use crate::scan::{Kind, ScanError};

/// Every server that Jurat knows executes comments up to this number. MariaDB leaves some above it alone, which are
/// meant for newer servers of MySQL.
const EVERYWHERE: u32 = 50_699;

/// Such a comment holds one clause or statement.
const TOKENS_MAX: usize = 1000;

/// The text with such comments written out. Nothing where one of them cannot be.
pub(crate) fn written_out(text: &str, engine: Engine, server: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = next(rest)? {
        let (before, comment) = rest.split_at_checked(at)?;
        let (body, behind) = body(comment, engine, server)?;
        // The servers end a token where a comment begins, and where it ends.
        for part in [before, " ", body, " "] {
            out.push_str(part);
        }
        rest = behind;
    }
    out.push_str(rest);
    Some(out)
}

/// The place of the first such comment, if there is one. Nothing where the text cannot be cut up to there.
fn next(text: &str) -> Option<Option<usize>> {
    let mut scanner = Scanner::new(text);
    loop {
        match scanner.step() {
            None => return Some(None),
            Some(Ok(_)) => {}
            Some(Err(ScanError::ExecutableComment)) => return Some(Some(scanner.place())),
            Some(Err(_)) => return None,
        }
    }
}

/// What is in a comment that this server executes, and what comes behind it.
fn body<'a>(comment: &'a str, engine: Engine, server: &str) -> Option<(&'a str, &'a str)> {
    let inside = comment.strip_prefix("/*")?;
    let of_mariadb = inside.starts_with(['M', 'm']);
    let inside = inside.strip_prefix(['M', 'm']).unwrap_or(inside).strip_prefix('!')?;
    let digits = inside.bytes().take_while(u8::is_ascii_digit).count();
    let (number, inside) = inside.split_at_checked(digits)?;
    if !is_executed(number, of_mariadb, engine, server) {
        return None;
    }
    let (body, behind) = inside.split_once("*/")?;
    let mut pieces = Vec::new();
    scan_into(&mut pieces, body, TOKENS_MAX).ok()?;
    // What the scanner closes inside of the body, the servers close there, too.
    let plain = pieces.iter().all(|piece| piece.kind != Kind::Comment && piece.of(body) != ";");
    (plain && body.starts_with(char::is_whitespace)).then_some((body, behind))
}

/// Whether it is certain that this server executes a comment of this number.
fn is_executed(number: &str, of_mariadb: bool, engine: Engine, server: &str) -> bool {
    // MySQL takes `/*M!` for a comment like any other.
    if of_mariadb && engine != Engine::Mariadb {
        return false;
    }
    let known = match (number.len(), engine) {
        (0, _) => return true,
        (5, _) | (6, Engine::Mariadb) => !number.starts_with('0'),
        _ => false,
    };
    let (Some(number), true) = (number.parse::<u32>().ok(), known) else { return false };
    let to_compare = number >= 100_000 || of_mariadb || engine == Engine::Mysql;
    number <= EVERYWHERE || (to_compare && own_number(server).is_some_and(|own| number <= own))
}

/// `10.11.6-MariaDB` as 101106.
fn own_number(server: &str) -> Option<u32> {
    let version = server.strip_prefix("5.5.5-").unwrap_or(server);
    let mut parts = version.split(|char: char| !char.is_ascii_digit());
    let mut part = || parts.next()?.parse::<u32>().ok().filter(|part| *part < 100);
    let (major, minor, patch) = (part()?, part()?, part()?);
    Some(major.checked_mul(10_000)?.checked_add(minor.checked_mul(100)?)?.saturating_add(patch))
}

#[cfg(test)]
mod tests {
    use jurat_types::Engine::{Mariadb, Mysql};

    use super::written_out;

    #[test]
    fn what_the_server_executes_is_written_out() {
        for (text, out) in [
            ("/*!40101 SET NAMES utf8mb4 */", "  SET NAMES utf8mb4  "),
            ("SELECT /*!40001 SQL_NO_CACHE */ * FROM `t`", "SELECT   SQL_NO_CACHE   * FROM `t`"),
            ("SELECT 1 /*! , 2 */ /* , 3 */", "SELECT 1   , 2   /* , 3 */"),
            (
                "/*!40000 ALTER TABLE `a``/*` DISABLE KEYS */",
                "  ALTER TABLE `a``/*` DISABLE KEYS  ",
            ),
            ("SELECT '/*!40101 a */'/*!40101 , 'b' */", "SELECT '/*!40101 a */'  , 'b'  "),
            ("sel/*!40101 ect */ 1", "sel  ect   1"),
        ] {
            for (engine, server) in [(Mariadb, "10.11.6-MariaDB"), (Mysql, "8.4.0"), (Mysql, "")] {
                assert_eq!(written_out(text, engine, server).as_deref(), Some(out), "{text}");
            }
        }
    }

    #[test]
    fn numbers_are_compared_as_each_server_does() {
        for (number, mariadb, mysql) in [
            ("!50699", true, true),
            ("!50700", false, true),
            ("!80000", false, true),
            ("!80400", false, true),
            ("!80401", false, false),
            ("!99999", false, false),
            ("!100100", true, false),
            ("!101106", true, false),
            ("!101107", false, false),
            ("!999999", false, false),
            ("M!", true, false),
            ("M!100100", true, false),
            ("m!80000", true, false),
            ("!4010", false, false),
            ("!04010", false, false),
            ("!4010100", false, false),
        ] {
            let text = format!("SELECT 1 /*{number} , 2 */");
            for server in ["10.11.6-MariaDB-log", "5.5.5-10.11.6-MariaDB"] {
                assert_eq!(written_out(&text, Mariadb, server).is_some(), mariadb, "{text}");
            }
            assert_eq!(written_out(&text, Mysql, "8.4.0-log").is_some(), mysql, "{text}");
        }
    }

    /// Where the servers and the scanner could end a comment at different places, it stays refused.
    #[test]
    fn a_comment_that_is_more_than_one_piece_of_sql_is_refused() {
        for text in [
            "/*!40101 SELECT '*/'",
            "/*!40101 SELECT '*/' */",
            "/*!40101 SELECT 1 /* a */ */",
            "/*!40101 SELECT 1 -- */\n",
            "/*!40101 SELECT 1 # */\n*/",
            "/*!40101 SELECT 1; DROP TABLE t */",
            "/*!40101SELECT 1 */",
            "/*!40101 SELECT 1",
            "/*!40101 SELECT /*!40101 1 */ */",
            "/*!40101 SELECT 1 */ '",
        ] {
            assert_eq!(written_out(text, Mariadb, "10.11.6-MariaDB"), None, "{text}");
        }
    }
}
