//! Identifiers of the tree as names of the catalog, and back.

use jurat_types::{Engine, RelationName, fold_identifier};
use sqlparser::ast::{Ident, ObjectName, ObjectNamePart};

use crate::walk::Stop;
use crate::{keywords, mysql, temporary};

/// The name that an identifier stands for: folded where it is not quoted.
///
/// # Errors
/// Where the parser took something for a name that PostgreSQL does not: `type 'text'` ends up here as
/// an alias in single quotes.
pub(crate) fn label(ident: &Ident) -> Result<String, Stop> {
    match ident.quote_style {
        None => Ok(fold_identifier(&ident.value)),
        // The tree is raw: a quote inside a quoted name is still doubled.
        Some('"') => Ok(ident.value.replace("\"\"", "\"")),
        Some('`') => Ok(ident.value.replace("``", "`")),
        Some(_) => Err(Stop::unsupported("a string literal in the place of a name")),
    }
}

/// The name of a column or relation: as [`label`], and no reserved word without quotes.
///
/// # Errors
/// As [`label`]; also for reserved words, because there the parser and the server disagree
/// (`FROM ONLY users` is not a table `only`).
pub(crate) fn name(ident: &Ident) -> Result<String, Stop> {
    let text = label(ident)?;
    if ident.quote_style.is_none() && keywords::is_reserved_for_relations(&text) {
        return Err(Stop::unsupported(format!("the reserved word `{text}` as a name")));
    }
    Ok(text)
}

/// The parts of a dotted name.
///
/// # Errors
/// As [`name`], for every part.
pub(crate) fn parts(object: &ObjectName) -> Result<Vec<String>, Stop> {
    let last = object.0.len().saturating_sub(1);
    let mut names = Vec::with_capacity(object.0.len());
    for (index, part) in object.0.iter().enumerate() {
        match part {
            // Behind a dot every word is a plain name.
            ObjectNamePart::Identifier(ident) if index > 0 && index == last => {
                names.push(label(ident)?);
            }
            ObjectNamePart::Identifier(ident) => names.push(name(ident)?),
            ObjectNamePart::Function(_) => return Err(Stop::unsupported("a computed name")),
        }
    }
    Ok(names)
}

/// An identifier of the tree that stands for exactly `name`.
pub(crate) fn ident(name: &str) -> Ident {
    if is_plain(name) {
        Ident::new(name)
    } else {
        Ident::with_quote('"', name.replace('"', "\"\""))
    }
}

/// A schema-qualified name of the tree.
pub(crate) fn qualified(name: &RelationName) -> ObjectName {
    ObjectName::from(vec![ident(&name.schema), ident(&name.name)])
}

/// A name as SQL text, quoted where it must be.
pub(crate) fn sql(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Whether a name can be written without quotes.
fn is_plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !keywords::needs_quotes(name)
}

/// The parts of a name in which no part is looked up, such as a collation; every word may stand there.
///
/// # Errors
/// As [`label`].
pub(crate) fn parts_of_label(object: &ObjectName) -> Result<Vec<String>, Stop> {
    idents(object)?.iter().map(label).collect()
}

/// The identifiers of a dotted name.
///
/// # Errors
/// Where a part is not an identifier.
pub(crate) fn idents(object: &ObjectName) -> Result<Vec<Ident>, Stop> {
    object
        .0
        .iter()
        .map(|part| match part {
            ObjectNamePart::Identifier(ident) => Ok(ident.clone()),
            ObjectNamePart::Function(_) => Err(Stop::unsupported("a computed name")),
        })
        .collect()
}

/// As [`qualified`]; a temporary object keeps its bare name, because `pg_temp` may not stand there
/// together with TEMPORARY in older servers.
pub(crate) fn qualified_or_temporary(name: &RelationName) -> ObjectName {
    if name.schema == "pg_temp" {
        ObjectName::from(vec![ident(&name.name)])
    } else {
        qualified(name)
    }
}

/// By which rules names are compared and written: PostgreSQL folds what is not quoted, MySQL and MariaDB keep
/// every name as it is written and compare columns without regard to case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Naming {
    /// Whose names they are.
    pub(crate) engine: Engine,
    /// Whether databases, tables and their aliases are compared without regard to case, too.
    pub(crate) folds_tables: bool,
}

impl Naming {
    /// Whether the names are PostgreSQL's.
    pub(crate) const fn is_postgres(self) -> bool {
        self.engine.is_postgres()
    }

    /// As [`label`].
    pub(crate) fn label(self, ident: &Ident) -> Result<String, Stop> {
        match (self.engine, ident.quote_style) {
            (Engine::Mariadb | Engine::Mysql, None) => Ok(ident.value.clone()),
            (Engine::Mariadb | Engine::Mysql, Some('`')) | (Engine::Postgres, _) => label(ident),
            (Engine::Mariadb | Engine::Mysql, Some(_)) => {
                Err(Stop::unsupported("a string literal in the place of a name"))
            }
        }
    }

    /// As [`name`].
    pub(crate) fn name(self, ident: &Ident) -> Result<String, Stop> {
        match (self.engine, ident.quote_style) {
            (Engine::Postgres, _) => name(ident),
            (Engine::Mariadb | Engine::Mysql, Some(_)) => self.label(ident),
            (Engine::Mariadb | Engine::Mysql, None) => {
                let lower = ident.value.to_ascii_lowercase();
                // Every other name is in backticks (`mysql/tokens.rs`).
                if mysql::is_contextual(&lower) {
                    Ok(ident.value.clone())
                } else {
                    Err(Stop::unsupported(format!("the word `{lower}` in the place of a name")))
                }
            }
        }
    }

    /// The name that AS gives to a result column: every word is one in PostgreSQL, and in MySQL those that are not
    /// reserved.
    pub(crate) fn column_alias(self, ident: &Ident) -> Result<String, Stop> {
        match self.engine {
            Engine::Postgres => label(ident),
            Engine::Mariadb | Engine::Mysql => self.name(ident),
        }
    }

    /// As [`parts`].
    pub(crate) fn parts(self, object: &ObjectName) -> Result<Vec<String>, Stop> {
        match self.engine {
            Engine::Postgres => parts(object),
            Engine::Mariadb | Engine::Mysql => {
                idents(object)?.iter().map(|ident| self.name(ident)).collect()
            }
        }
    }

    /// The parts of the name of a called function; words of the grammar are names of functions, too.
    pub(crate) fn parts_of_call(self, object: &ObjectName) -> Result<Vec<String>, Stop> {
        idents(object)?.iter().map(|ident| self.label(ident)).collect()
    }

    /// The name under which the server's own function is listed; those of MySQL and MariaDB have no case.
    pub(crate) fn folded_call(self, name: &str) -> String {
        if self.is_postgres() { name.to_owned() } else { name.to_ascii_lowercase() }
    }

    /// Whether two names are the same column, or the same alias of a result column.
    pub(crate) fn same_column(self, one: &str, other: &str) -> bool {
        one == other
            || (!self.is_postgres()
                && (one.eq_ignore_ascii_case(other)
                    || (!one.is_ascii() && one.to_lowercase() == other.to_lowercase())))
    }

    /// Whether two names are the same table, alias of a table or database.
    pub(crate) fn same_table(self, one: &str, other: &str) -> bool {
        one == other || (self.folds_tables && one.to_lowercase() == other.to_lowercase())
    }

    /// An identifier of the tree that stands for exactly `name`.
    pub(crate) fn ident(self, name: &str) -> Ident {
        match self.engine {
            Engine::Postgres => ident(name),
            Engine::Mariadb | Engine::Mysql => Ident::with_quote('`', name.replace('`', "``")),
        }
    }

    /// As [`sql`].
    pub(crate) fn sql(self, name: &str) -> String {
        match self.engine {
            Engine::Postgres => sql(name),
            Engine::Mariadb | Engine::Mysql => self.ident(name).to_string(),
        }
    }

    /// As [`qualified`].
    pub(crate) fn qualified(self, name: &RelationName) -> ObjectName {
        ObjectName::from(vec![self.ident(self.database(&name.schema)), self.ident(&name.name)])
    }

    /// What the server calls the database of a relation.
    pub(crate) fn database(self, schema: &str) -> &str {
        if self.is_postgres() { schema } else { temporary::database_of(schema) }
    }

    /// The name that statements of MySQL and MariaDB have for a temporary table.
    pub(crate) fn temporary(self, database: &str, name: &str) -> RelationName {
        if self.folds_tables {
            temporary::named(&database.to_lowercase(), &name.to_lowercase())
        } else {
            temporary::named(database, name)
        }
    }
}
