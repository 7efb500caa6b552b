//! Named parameters of row filters: found in the text, and turned into literals of the tree.
//!
//! A value never becomes part of a text that is then parsed.

use std::collections::BTreeMap;

use jurat_types::Engine;
use serde_json::Value;
use sqlparser::ast::Value as Literal;

/// Elements of a list that a parameter may have.
const ELEMENTS_MAX: usize = 10_000;

/// A predicate with `$1`, `$2`, … in the place of its named parameters, and their names in that order.
///
/// # Errors
/// Where quotes or dollars stand in it in a way that a predicate has no need for.
pub(super) fn numbered(predicate: &str, engine: Engine) -> Result<(String, Vec<String>), String> {
    if !engine.is_postgres() {
        return placed(predicate);
    }
    let mut text = String::with_capacity(predicate.len());
    let mut names: Vec<String> = Vec::new();
    let mut quote: Option<char> = None;
    let mut before = ' ';
    let mut rest = predicate.chars().peekable();
    while let Some(next) = rest.next() {
        match (quote, next) {
            (Some(open), _) => {
                if next == open {
                    quote = None;
                }
                text.push(next);
            }
            (None, '\'') if continues_name(before) => {
                return Err("it has a string with a prefix".to_owned());
            }
            (None, '\'' | '"') => {
                quote = Some(next);
                text.push(next);
            }
            (None, '-' | '/')
                if rest.peek().is_some_and(|c| matches!((next, c), ('-', '-') | ('/', '*'))) =>
            {
                return Err("it has a comment".to_owned());
            }
            (None, '$') => {
                let mut name = String::new();
                while let Some(part) = rest.next_if(|c| continues_name(*c)) {
                    name.push(part);
                }
                let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                if !begins || continues_name(before) || rest.peek() == Some(&'$') {
                    return Err("it has a `$` that begins no parameter's name".to_owned());
                }
                let index = names.iter().position(|known| *known == name).unwrap_or_else(|| {
                    names.push(name);
                    names.len().saturating_sub(1)
                });
                text.push_str(&format!("${}", index.saturating_add(1)));
            }
            (None, ';') => return Err("it has a `;`".to_owned()),
            (None, _) => text.push(next),
        }
        before = next;
    }
    if quote.is_some() {
        Err("it has a quote that is not closed".to_owned())
    } else {
        Ok((text, names))
    }
}

/// As [`numbered`], for MySQL and MariaDB: with a `?` for each place of a parameter, and the names in the order
/// of the places. Backslashes are refused, so that a quote ends where it seems to.
fn placed(predicate: &str) -> Result<(String, Vec<String>), String> {
    let mut text = String::with_capacity(predicate.len());
    let mut names: Vec<String> = Vec::new();
    let mut quote: Option<char> = None;
    let mut rest = predicate.chars().peekable();
    let mut before = ' ';
    while let Some(next) = rest.next() {
        match (quote, next) {
            (_, '\\') => return Err("it has a backslash".to_owned()),
            (Some(open), _) => {
                if next == open {
                    quote = None;
                }
                text.push(next);
            }
            (None, '\'' | '"') if continues_name(before) => {
                return Err("it has a string with a prefix".to_owned());
            }
            (None, '\'' | '"' | '`') => {
                quote = Some(next);
                text.push(next);
            }
            (None, '#' | '?' | '@' | ';') => return Err(format!("it has a `{next}`")),
            (None, '-' | '/')
                if rest.peek().is_some_and(|c| matches!((next, c), ('-', '-') | ('/', '*'))) =>
            {
                return Err("it has a comment".to_owned());
            }
            (None, '$') => {
                let mut name = String::new();
                while let Some(part) = rest.next_if(|c| continues_name(*c)) {
                    name.push(part);
                }
                let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
                if !begins || continues_name(before) || rest.peek() == Some(&'$') {
                    return Err("it has a `$` that begins no parameter's name".to_owned());
                }
                names.push(name);
                text.push('?');
            }
            (None, _) => text.push(next),
        }
        before = next;
    }
    if quote.is_some() {
        Err("it has a quote that is not closed".to_owned())
    } else {
        Ok((text, names))
    }
}

fn continues_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

/// The literals of the parameters, in the order of `names`: one each, and for a list in MySQL and MariaDB, which
/// have no arrays, one for each of its elements.
///
/// # Errors
/// Where one has no value, or a value that has no literal, or a value is given for none.
pub(super) fn literals(
    names: &[String],
    values: &BTreeMap<String, Value>,
    engine: Engine,
) -> Result<Vec<Vec<Literal>>, String> {
    if let Some(surplus) = values.keys().find(|name| !names.contains(name)) {
        return Err(format!("it has no parameter `${surplus}`"));
    }
    names
        .iter()
        .map(|name| match values.get(name) {
            None => Err(format!("its parameter `${name}` has no value")),
            Some(value) => {
                let literals = match (engine, value) {
                    (Engine::Postgres, value) => literal(value).map(|literal| vec![literal]),
                    (Engine::Mariadb | Engine::Mysql, Value::Array(elements)) => {
                        let all = elements.iter().take(ELEMENTS_MAX.saturating_add(1));
                        let all: Option<Vec<Literal>> = all.map(plain).collect();
                        all.filter(|all| all.len() <= ELEMENTS_MAX)
                    }
                    (Engine::Mariadb | Engine::Mysql, value) => plain(value).map(|one| vec![one]),
                };
                literals.ok_or_else(|| format!("its parameter `${name}` is no simple value"))
            }
        })
        .collect()
}

/// Strings and lists are left without a type, so that they take that of what they are compared with.
fn literal(value: &Value) -> Option<Literal> {
    match value {
        Value::Null => Some(Literal::Null),
        Value::Bool(truth) => Some(Literal::Boolean(*truth)),
        Value::Number(_) => quoted(&number(value)?),
        Value::String(text) => quoted(text),
        Value::Array(elements) if elements.len() <= ELEMENTS_MAX => {
            let parts: Option<Vec<String>> = elements.iter().map(element).collect();
            quoted(&format!("{{{}}}", parts?.join(",")))
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A literal of MySQL and MariaDB. In the raw tree, quotes and backslashes have a backslash before them.
fn plain(value: &Value) -> Option<Literal> {
    match value {
        Value::Null => Some(Literal::Null),
        Value::Bool(truth) => Some(Literal::Boolean(*truth)),
        // As a text it is compared with texts as a text, and with numbers as a number. A number would make a number
        // of every text that it is compared with, and 0 of most.
        Value::Number(_) => number(value).map(Literal::SingleQuotedString),
        Value::String(text) if !text.contains('\0') => {
            Some(Literal::SingleQuotedString(text.replace('\\', "\\\\").replace('\'', "\\'")))
        }
        Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An element of an array literal (PostgreSQL documentation, "Array Input and Output Syntax").
fn element(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("NULL".to_owned()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(_) => number(value),
        Value::String(text) => {
            Some(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Digits, as JSON writes them.
fn number(value: &Value) -> Option<String> {
    let text = value.to_string();
    text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)).then_some(text)
}

/// A string of the raw tree: a quote inside it is doubled. `standard_conforming_strings` is pinned, so
/// nothing else is special.
fn quoted(text: &str) -> Option<Literal> {
    (!text.contains('\0')).then(|| Literal::SingleQuotedString(text.replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use jurat_types::Engine;
    use serde_json::json;

    use super::{literals, numbered};

    #[test]
    fn names_become_numbers_outside_of_quotes_only() {
        for (predicate, text, names) in [
            ("a = $t AND b = $u OR c = $t", "a = $1 AND b = $2 OR c = $1", vec!["t", "u"]),
            ("a = '$t' AND \"$u\" = $v", "a = '$t' AND \"$u\" = $1", vec!["v"]),
            ("a = 'it''s $t'", "a = 'it''s $t'", vec![]),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(
                numbered(predicate, Engine::Postgres),
                Ok((text.to_owned(), names)),
                "{predicate}"
            );
        }
        for predicate in [
            "a = $1",
            "a = $$x$$",
            "a = $t$x$t$",
            "a = E'\\''",
            "a -- b",
            "a /* b",
            "a = 'x",
            "a; b",
            "a$b = 1",
        ] {
            assert!(numbered(predicate, Engine::Postgres).is_err(), "{predicate}");
        }
    }

    #[test]
    fn on_mysql_every_place_of_a_parameter_has_its_mark() {
        for (predicate, text, names) in [
            ("a = $t AND b = $u OR c = $t", "a = ? AND b = ? OR c = ?", vec!["t", "u", "t"]),
            ("a = '$t' AND `$u` = $v", "a = '$t' AND `$u` = ?", vec!["v"]),
            ("a = \"it's $t\"", "a = \"it's $t\"", vec![]),
        ] {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            let numbered = numbered(predicate, Engine::Mariadb);
            assert_eq!(numbered, Ok((text.to_owned(), names)), "{predicate}");
        }
        for predicate in [
            "a = ?",
            "a = 'x\\'' OR $t",
            "a = `x\\`",
            "a # b",
            "a -- b",
            "a /* b",
            "a = @x",
            "a = 'x",
            "a; b",
            "a$b = 1",
            "a = x'41'",
        ] {
            assert!(numbered(predicate, Engine::Mysql).is_err(), "{predicate}");
        }
    }

    #[test]
    fn values_become_literals_that_hold_nothing_but_the_value() {
        let names = vec!["t".to_owned()];
        let show = |value: serde_json::Value| {
            let values = [("t".to_owned(), value)].into();
            literals(&names, &values, Engine::Postgres).map(|all| all[0][0].to_string())
        };
        for (value, literal) in [
            (json!("a"), "'a'"),
            (json!("it's"), "'it''s'"),
            (json!("' OR 1=1 --"), "''' OR 1=1 --'"),
            (json!("\\"), "'\\'"),
            (json!(-5), "'-5'"),
            (json!(1.5), "'1.5'"),
            (json!(true), "true"),
            (json!(null), "NULL"),
            (
                json!(["a", "b\"c", "d\\e", "it's", null]),
                "'{\"a\",\"b\\\"c\",\"d\\\\e\",\"it''s\",NULL}'",
            ),
            (json!([]), "'{}'"),
            (json!([1, 2]), "'{1,2}'"),
        ] {
            assert_eq!(show(value.clone()).as_deref(), Ok(literal), "{value}");
        }
        let all = |value: serde_json::Value| {
            let values = [("t".to_owned(), value)].into();
            literals(&names, &values, Engine::Mysql).map(|all| {
                let texts: Vec<String> = all[0].iter().map(ToString::to_string).collect();
                texts.join(", ")
            })
        };
        for (value, literal) in [
            (json!("it's"), r"'it\'s'"),
            (json!(r"\' OR 1=1 #"), r"'\\\' OR 1=1 #'"),
            (json!(-5), "'-5'"),
            (json!(0), "'0'"),
            (json!(true), "true"),
            (json!(null), "NULL"),
            (json!(["a", 2, null]), "'a', '2', NULL"),
            (json!([]), ""),
        ] {
            assert_eq!(all(value.clone()).as_deref(), Ok(literal), "{value}");
        }
        for value in [json!({}), json!([[1]]), json!([{}]), json!("\0")] {
            assert!(show(value.clone()).is_err() && all(value.clone()).is_err(), "{value}");
        }
        assert!(literals(&names, &[].into(), Engine::Postgres).is_err(), "a missing value");
        let surplus = [("t".to_owned(), json!(1))].into();
        assert!(literals(&[], &surplus, Engine::Postgres).is_err(), "a surplus value");
    }
}
