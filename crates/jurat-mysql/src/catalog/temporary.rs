//! What `SHOW CREATE TABLE` says of a table that may be a temporary one of the session.
//!
//! No list of the servers has these tables in all versions, so each is asked for by its name. What the answer says
//! is written by the server, but names in it are a client's: they are in backticks, and nothing inside of quotes is
//! read. Source: `show_create_table` in `sql/sql_show.cc` of both servers.

use jurat_types::Column;

/// Engines whose tables hold rows of their own and nothing else's.
const PLAIN_ENGINES: [&str; 4] = ["aria", "innodb", "memory", "myisam"];

/// How elements of a definition begin that are no columns.
const NO_COLUMN: [&str; 9] = [
    "PRIMARY ",
    "UNIQUE ",
    "KEY ",
    "FULLTEXT ",
    "SPATIAL ",
    "VECTOR ",
    "CONSTRAINT ",
    "CHECK ",
    "INDEX ",
];

/// What a name stands for in the session.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Told {
    /// No temporary table.
    Lasting,
    /// One with these columns.
    Temporary(Vec<Column>),
    /// One of which nothing is known that could be relied on.
    Unknown,
}

/// Reads the definition of a table.
pub(crate) fn told(definition: &str) -> Told {
    let Some(rest) = definition.strip_prefix("CREATE TEMPORARY ") else { return Told::Lasting };
    table(rest).map_or(Told::Unknown, Told::Temporary)
}

/// The columns of ``TABLE `t` (…) ENGINE=…``.
fn table(rest: &str) -> Option<Vec<Column>> {
    let rest = quoted(rest.strip_prefix("TABLE ")?)?.1.strip_prefix(" (")?;
    let mut columns = Vec::new();
    let mut key = Vec::new();
    let mut rest = rest;
    loop {
        let (element, end) = element(rest)?;
        let element = element.trim();
        if let Some((name, definition)) = quoted(element) {
            if let Some(column) = column(name, definition.trim_start(), columns.len()) {
                columns.push(column);
            }
        } else if let Some(names) = element.strip_prefix("PRIMARY KEY (") {
            key = primary(names);
        } else if !NO_COLUMN.iter().any(|start| element.starts_with(start)) {
            return None;
        }
        rest = end.get(1..)?;
        if end.starts_with(')') {
            break;
        }
    }
    let engine = rest.trim_start().strip_prefix("ENGINE=")?;
    let engine = engine.split([' ', '\n']).next()?.to_ascii_lowercase();
    for column in &mut columns {
        column.key = key.iter().any(|name| name.eq_ignore_ascii_case(&column.name));
    }
    let plain = PLAIN_ENGINES.contains(&engine.as_str()) && !columns.is_empty();
    plain.then_some(columns)
}

/// A name in backticks, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text.strip_prefix('`')?;
    loop {
        let (part, behind) = rest.split_once('`')?;
        name.push_str(part);
        match behind.strip_prefix('`') {
            Some(more) => {
                name.push('`');
                rest = more;
            }
            None => return Some((name, behind)),
        }
    }
}

/// One element of the list, and the rest from the comma or bracket on that ends it.
fn element(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (place, char) in text.char_indices() {
        match (quote, char) {
            _ if escaped => escaped = false,
            (Some('\''), '\\') => escaped = true,
            // A doubled quote closes and opens.
            (Some(open), _) if open == char => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '`') => quote = Some(char),
            (None, '(') => depth = depth.saturating_add(1),
            (None, ',' | ')') if depth == 0 => {
                return Some((text.get(..place)?, text.get(place..)?));
            }
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
    }
    None
}

/// A column; nothing for an invisible one, which is no part of `*`.
fn column(name: String, definition: &str, before: usize) -> Option<Column> {
    let words = unquoted(definition);
    if words.contains(" INVISIBLE") {
        return None;
    }
    let mut data_type = first_word(definition).to_owned();
    for sign in [" unsigned", " zerofill"] {
        if definition.get(data_type.len()..).is_some_and(|rest| rest.starts_with(sign)) {
            data_type.push_str(sign);
        }
    }
    Some(Column {
        attnum: i16::try_from(before.saturating_add(1)).ok()?,
        name,
        data_type,
        generated: words.contains(" GENERATED ALWAYS AS"),
        key: false,
        base_type: None,
    })
}

/// The type: up to the first space outside of brackets.
fn first_word(definition: &str) -> &str {
    let mut depth = 0_usize;
    let mut in_string = false;
    for (place, char) in definition.char_indices() {
        match char {
            '\'' => in_string = !in_string,
            _ if in_string => {}
            '(' => depth = depth.saturating_add(1),
            ')' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 => return definition.get(..place).unwrap_or(definition),
            _ => {}
        }
    }
    definition
}

/// A definition without its strings and names.
fn unquoted(definition: &str) -> String {
    let mut out = String::new();
    let mut quote = None;
    let mut escaped = false;
    for char in definition.chars() {
        match (quote, char) {
            _ if escaped => escaped = false,
            (Some('\''), '\\') => escaped = true,
            (Some(open), _) if open == char => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '`') => quote = Some(char),
            (None, _) => out.push(char),
        }
    }
    out
}

/// The names of a primary key.
fn primary(names: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = names;
    while let Some((name, behind)) = rest.find('`').and_then(|at| quoted(rest.get(at..)?)) {
        found.push(name);
        rest = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Told, told};

    fn columns(definition: &str) -> Option<Vec<String>> {
        match told(definition) {
            Told::Temporary(columns) => Some(
                columns
                    .iter()
                    .map(|column| {
                        let mut line = format!("{} {}", column.name, column.data_type);
                        for (flag, name) in [(column.key, " key"), (column.generated, " generated")]
                        {
                            if flag {
                                line.push_str(name);
                            }
                        }
                        line
                    })
                    .collect(),
            ),
            Told::Lasting | Told::Unknown => None,
        }
    }

    #[test]
    fn a_table_of_mariadb_has_its_columns() {
        let definition = "CREATE TEMPORARY TABLE `t` (\n  `id` int(10) unsigned NOT NULL AUTO_INCREMENT COMMENT 'a, b) (',\n  \
            `a``b` enum('x y','it''s') DEFAULT NULL,\n  `hidden` int(11) INVISIBLE DEFAULT NULL,\n  \
            `c` varchar(10) GENERATED ALWAYS AS (concat(`a``b`,'),')) VIRTUAL,\n  PRIMARY KEY (`id`),\n  \
            KEY `k` (`c`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci";
        assert_eq!(
            columns(definition).unwrap(),
            ["id int(10) unsigned key", "a`b enum('x y','it''s')", "c varchar(10) generated"]
        );
    }

    #[test]
    fn what_is_no_temporary_table_is_none() {
        for definition in [
            "CREATE TABLE `t` (\n  `id` int\n) ENGINE=InnoDB",
            "CREATE ALGORITHM=MERGE VIEW `t`",
            "",
        ] {
            assert_eq!(told(definition), Told::Lasting, "{definition}");
        }
    }

    #[test]
    fn what_could_hold_rows_of_another_table_is_not_used() {
        for definition in [
            "CREATE TEMPORARY TABLE `t` (\n  `id` int\n) ENGINE=MRG_MyISAM UNION=(`customers`)",
            "CREATE TEMPORARY TABLE `t` (\n  `id` int\n) ENGINE=FEDERATED CONNECTION='x'",
            // The name of a column says what is behind the list in other definitions.
            "CREATE TEMPORARY TABLE `t` (\n  `x\n) ENGINE=InnoDB ` int\n) ENGINE=MRG_MyISAM",
            // Without quotes, as a setting of the session wants them.
            "CREATE TEMPORARY TABLE t (\n  id int\n) ENGINE=InnoDB",
            "CREATE TEMPORARY TABLE `t` (\n  id int\n) ENGINE=InnoDB",
            "CREATE TEMPORARY SEQUENCE `t` start with 1",
            "CREATE TEMPORARY TABLE `t` (\n  `id` int",
        ] {
            assert_eq!(told(definition), Told::Unknown, "{definition}");
        }
    }
}
