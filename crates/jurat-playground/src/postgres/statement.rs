//! What a statement is and how it runs: PostgreSQL's text, read once.

use super::{
    parameters, questions,
    translate::{name_results, translate},
};
use crate::{
    engine::{Column, Engine, Query},
    failure::Failure,
    kind::Kind,
    tokens::{Dialect, Token, render, tokenize},
};

/// A statement that was read.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) action: Action,
    /// The columns of its answer; empty where it has none.
    pub(super) columns: Vec<Column>,
    pub(super) parameters: Vec<Kind>,
}

/// What it does.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// SQLite runs it; the tag is that of its answer.
    Run(Query, Tag),
    Begin,
    Commit,
    Rollback,
    /// SAVEPOINT, RELEASE, ROLLBACK TO, as SQLite has them too.
    Savepoint(String, &'static str),
    /// A setting that is taken note of and changes nothing.
    Accept(&'static str),
    Show(String),
    /// One of Jurat's questions for its catalog.
    Catalog(usize),
}

/// How the answer of a statement that ran is called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Tag {
    /// With the number of rows behind it.
    Counted(&'static str),
    Plain(String),
}

/// A column of an answer that does not come from SQLite.
pub(super) fn column(name: &str) -> Column {
    Column { name: name.to_owned(), kind: Some(Kind::Text), origin: None, origin_names: None }
}

/// The statements of a text, each as its tokens; what begins with Jurat's mark is one of its questions.
///
/// # Errors
/// The text cannot be cut into tokens.
pub(super) fn statements(text: &str) -> Result<Vec<Vec<Token>>, Failure> {
    let tokens = tokenize(text, Dialect::Postgres)?;
    let parts = tokens.split(|token| token.is_sign(";"));
    Ok(parts.filter(|part| !part.is_empty()).map(<[Token]>::to_vec).collect())
}

/// Reads a text with one statement; `None` for the empty one.
///
/// # Errors
/// What is wrong with it, or what the playground does not know.
pub(super) fn read(text: &str, engine: &mut Engine) -> Result<Option<Statement>, Failure> {
    if let Some(question) = questions::number(text) {
        let columns = vec![column("?column?"); questions::width(question)];
        let action = Action::Catalog(question);
        return Ok(Some(Statement { action, columns, parameters: Vec::new() }));
    }
    let mut statements = statements(text)?;
    let Some(first) = statements.pop() else { return Ok(None) };
    if !statements.is_empty() {
        let said = "cannot insert multiple commands into a prepared statement";
        return Err(Failure::new("42601", said));
    }
    read_tokens(&first, engine).map(Some)
}

/// Reads one statement.
///
/// # Errors
/// As [`read`].
pub(super) fn read_tokens(tokens: &[Token], engine: &mut Engine) -> Result<Statement, Failure> {
    let word = |at: usize| {
        tokens.get(at).filter(|token| token.is_name()).map(|t| t.text.to_ascii_uppercase())
    };
    let first = word(0).unwrap_or_else(|| {
        if starts_bracket(tokens) { "SELECT".to_owned() } else { String::new() }
    });
    let plain = |action| Ok(Statement { action, columns: Vec::new(), parameters: Vec::new() });
    match first.as_str() {
        "SELECT" | "WITH" | "VALUES" => run(tokens, engine, with_tag(tokens)),
        "TABLE" => {
            let mut whole = vec![Token::word("SELECT"), Token::sign("*"), Token::word("FROM")];
            whole.extend(tokens.iter().skip(1).cloned());
            run(&whole, engine, Tag::Counted("SELECT"))
        }
        "INSERT" => run(tokens, engine, Tag::Counted("INSERT 0")),
        "UPDATE" => run(tokens, engine, Tag::Counted("UPDATE")),
        "DELETE" => run(tokens, engine, Tag::Counted("DELETE")),
        "TRUNCATE" => {
            let skipped = if word(1).as_deref() == Some("TABLE") { 2 } else { 1 };
            let mut whole = vec![Token::word("DELETE"), Token::word("FROM")];
            whole.extend(tokens.iter().skip(skipped).cloned());
            run(&whole, engine, Tag::Plain("TRUNCATE TABLE".to_owned()))
        }
        "CREATE" | "DROP" | "ALTER" => define(tokens, engine, &first, word(1)),
        "EXPLAIN" => explain(tokens, engine),
        "BEGIN" | "START" => plain(Action::Begin),
        "COMMIT" | "END" => plain(Action::Commit),
        "ROLLBACK" | "ABORT" if tokens.iter().any(|token| token.is("TO")) => {
            plain(Action::Savepoint(format!("ROLLBACK TO {}", savepoint(tokens)?), "ROLLBACK"))
        }
        "ROLLBACK" | "ABORT" => plain(Action::Rollback),
        "SAVEPOINT" => {
            plain(Action::Savepoint(format!("SAVEPOINT {}", savepoint(tokens)?), "SAVEPOINT"))
        }
        "RELEASE" => plain(Action::Savepoint(format!("RELEASE {}", savepoint(tokens)?), "RELEASE")),
        "SET" => set(tokens).and_then(|()| plain(Action::Accept("SET"))),
        "RESET" => plain(Action::Accept("RESET")),
        "DISCARD" => plain(Action::Accept("DISCARD ALL")),
        "ANALYZE" => plain(Action::Accept("ANALYZE")),
        "VACUUM" => plain(Action::Accept("VACUUM")),
        "SHOW" => {
            let name = tokens.iter().skip(1).map(|token| token.text.as_str()).collect::<Vec<_>>();
            let name = name.join(" ").to_ascii_lowercase();
            let columns = vec![column(&name)];
            Ok(Statement { action: Action::Show(name), columns, parameters: Vec::new() })
        }
        "" => Err(Failure::new("42601", "syntax error at the beginning of the statement")),
        other => Err(Failure::unsupported(format_args!("the statement {other}"))),
    }
}

fn starts_bracket(tokens: &[Token]) -> bool {
    tokens.first().is_some_and(|token| token.is_sign("("))
}

/// WITH may lead to a write.
fn with_tag(tokens: &[Token]) -> Tag {
    let mut depth = 0_i64;
    for token in tokens {
        if token.is_sign("(") {
            depth = depth.saturating_add(1);
        } else if token.is_sign(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 {
            for (word, tag) in [("INSERT", "INSERT 0"), ("UPDATE", "UPDATE"), ("DELETE", "DELETE")]
            {
                if token.is(word) {
                    return Tag::Counted(tag);
                }
            }
        }
    }
    Tag::Counted("SELECT")
}

fn run(tokens: &[Token], engine: &mut Engine, tag: Tag) -> Result<Statement, Failure> {
    let translated = name_results(translate(tokens)?);
    let query = query(&translated, tag == Tag::Counted("SELECT"));
    let columns = engine.describe(&query)?;
    let schema = engine.schema()?;
    let parameters = parameters::kinds(&translated, &schema);
    Ok(Statement { action: Action::Run(query, tag), columns, parameters })
}

fn query(translated: &[Token], reads: bool) -> Query {
    let catalog = |token: &Token| {
        token.is_name() && {
            let name = token.name();
            name.starts_with("pg_") || name == "information_schema"
        }
    };
    Query {
        sql: render(translated, true),
        as_view: reads.then(|| render(translated, false)),
        reads_catalog: translated.iter().any(catalog),
    }
}

/// Definitions: of the kinds that SQLite has.
fn define(
    tokens: &[Token],
    engine: &mut Engine,
    verb: &str,
    second: Option<String>,
) -> Result<Statement, Failure> {
    const KINDS: &[&str] = &["TABLE", "VIEW", "INDEX", "UNIQUE", "TEMP", "TEMPORARY"];
    let kind = second.unwrap_or_default();
    if !KINDS.contains(&kind.as_str()) {
        return Err(Failure::unsupported(format_args!("{verb} {kind}")));
    }
    let named = match kind.as_str() {
        "UNIQUE" => "INDEX",
        "TEMP" | "TEMPORARY" if tokens.get(2).is_some_and(|token| token.is("VIEW")) => "VIEW",
        "TEMP" | "TEMPORARY" => "TABLE",
        other => other,
    };
    run(tokens, engine, Tag::Plain(format!("{verb} {named}")))
}

/// SQLite's plan, in the one column that PostgreSQL's has.
fn explain(tokens: &[Token], engine: &mut Engine) -> Result<Statement, Failure> {
    let mut inner: &[Token] = tokens.get(1..).unwrap_or_default();
    if starts_bracket(inner) {
        let end = crate::tokens::closing(inner, 0).map_or(inner.len(), |end| end.saturating_add(1));
        inner = inner.get(end..).unwrap_or_default();
    }
    while let Some((first, rest)) = inner.split_first()
        && (first.is("ANALYZE") || first.is("VERBOSE"))
    {
        inner = rest;
    }
    let mut statement = read_tokens(inner, engine)?;
    let Action::Run(query, _) = &mut statement.action else {
        return Err(Failure::unsupported("an EXPLAIN of this statement"));
    };
    let text = &query.sql;
    let plan = format!("EXPLAIN QUERY PLAN {text}");
    // What EXPLAIN gives has four columns, so it is told as one in the session.
    *query = Query { sql: plan, as_view: None, reads_catalog: query.reads_catalog };
    statement.columns = vec![column("QUERY PLAN")];
    statement.action = Action::Run(query.clone(), Tag::Plain("EXPLAIN".to_owned()));
    Ok(statement)
}

/// The name behind SAVEPOINT, RELEASE or ROLLBACK TO, quoted.
fn savepoint(tokens: &[Token]) -> Result<String, Failure> {
    let name = tokens.last().filter(|token| token.is_name() && tokens.len() > 1);
    let name = name.ok_or_else(|| Failure::new("42601", "a savepoint has a name"))?;
    Ok(format!("\"{}\"", name.name().replace('"', "\"\"")))
}

/// Settings are accepted, but for a path that names other schemas: there are none.
fn set(tokens: &[Token]) -> Result<(), Failure> {
    let path = tokens.iter().position(|token| token.is("search_path"));
    let Some(path) = path else { return Ok(()) };
    let values = tokens.get(path.saturating_add(2)..).unwrap_or_default();
    let known = |token: &Token| {
        token.is_sign(",")
            || ["public", "pg_catalog", "default", "$user"].contains(&token.name().as_str())
    };
    if values.iter().all(known) {
        return Ok(());
    }
    Err(Failure::unsupported("schemas beside public"))
}
