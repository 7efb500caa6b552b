//! Jurat's own questions to the database over a session's connection: its catalog and its default database.
//!
//! They are asked over the session's own connection because only that one sees what its open transaction has
//! made. They are constants, read system tables only, and are asked while nothing else is under way.

use std::sync::Arc;

use jurat_core::{CatalogIndex, Question, SearchPath};
use jurat_types::Catalog;
use jurat_wire::mysql::{
    frame::{Limits, Scanner},
    result::{Event, Reply, ReplyKind},
    row::text_values,
};

use crate::{
    catalog::{
        CATALOG_QUERIES, CatalogReader, DATABASE_QUERY, parse_database,
        temporary::{self, Told},
    },
    upstream::{Upstream, UpstreamError, refused},
};

/// One row of the catalog may be long where a view is, bytes.
const ROW_BYTES_MAX: usize = 1 << 20;

/// Rows of the answer to one question about a statement.
const ROWS_MAX: usize = 100;

/// `ER_BAD_DB_ERROR`: there is no such database.
const NO_SUCH_DATABASE: u16 = 1049;

/// `ER_NO_SUCH_TABLE`: there is no such table.
const NO_SUCH_TABLE: u16 = 1146;

/// Reads the whole catalog.
///
/// # Errors
/// [`UpstreamError`] when the server does not answer as it should.
pub(crate) async fn read_catalog(upstream: &mut Upstream) -> Result<Catalog, UpstreamError> {
    let mut reader = CatalogReader::new();
    for (index, query) in CATALOG_QUERIES.into_iter().enumerate() {
        ask(upstream, query, |columns| {
            reader.row(index, columns).map_err(|error| UpstreamError::Catalog(error.to_string()))
        })
        .await?;
    }
    reader.finish().map_err(|error| UpstreamError::Catalog(error.to_string()))
}

/// An index over a fresh catalog.
///
/// # Errors
/// As [`read_catalog`].
pub(crate) async fn read_index(
    upstream: &mut Upstream,
) -> Result<Arc<CatalogIndex>, UpstreamError> {
    Ok(Arc::new(CatalogIndex::new(read_catalog(upstream).await?)))
}

/// Reads in which database unqualified names are looked up. None of them means anything where there is none.
///
/// # Errors
/// As [`read_catalog`].
pub(crate) async fn read_search_path(upstream: &mut Upstream) -> Result<SearchPath, UpstreamError> {
    let mut database = None;
    ask(upstream, DATABASE_QUERY, |columns| {
        database = parse_database(columns.first().copied().flatten())
            .map_err(|error| UpstreamError::Catalog(error.to_string()))?;
        Ok(())
    })
    .await?;
    Ok(SearchPath::Known(database.into_iter().collect()))
}

/// Reads whether a name stands for a temporary table of the session, and for which.
///
/// # Errors
/// As [`read_catalog`].
pub(crate) async fn read_temporary(
    upstream: &mut Upstream,
    database: &str,
    table: &str,
) -> Result<Told, UpstreamError> {
    let mut told = Told::Unknown;
    upstream.ask_definition(database, table);
    let answered = answer(upstream, |columns| {
        let definition = columns.get(1).copied().flatten().map(std::str::from_utf8);
        if let Some(Ok(definition)) = definition {
            told = temporary::told(definition);
        }
        Ok(())
    });
    match answered.await {
        Ok(()) => Ok(told),
        Err(UpstreamError::Refused { code: NO_SUCH_TABLE | NO_SUCH_DATABASE, .. }) => {
            Ok(Told::Lasting)
        }
        Err(UpstreamError::Refused { .. }) => Ok(Told::Unknown),
        Err(error) => Err(error),
    }
}

/// Asks, and hands over the rows of the answer.
async fn ask(
    upstream: &mut Upstream,
    text: &'static str,
    row: impl FnMut(&[Option<&[u8]>]) -> Result<(), UpstreamError>,
) -> Result<(), UpstreamError> {
    upstream.ask(text);
    answer(upstream, row).await
}

/// Asks for an estimate, in a transaction that is never committed; gives back the rows.
///
/// # Errors
/// As [`read_catalog`].
pub(crate) async fn foresee(
    upstream: &mut Upstream,
    question: &Question,
) -> Result<Vec<Vec<Option<Vec<u8>>>>, UpstreamError> {
    // MariaDB refuses to plan a write where only reading is allowed. What is planned does not run, and the end of the
    // connection would undo it.
    let begin = if question.plans() { "START TRANSACTION" } else { "START TRANSACTION READ ONLY" };
    ask(upstream, begin, |_columns| Ok(())).await?;
    upstream.foresee(question);
    let mut found: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
    answer(upstream, |columns| {
        if found.len() >= ROWS_MAX {
            return Err(UpstreamError::Protocol("it has more rows than were asked for".to_owned()));
        }
        found.push(columns.iter().map(|column| column.map(<[u8]>::to_vec)).collect());
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Hands over the rows of the answer to what was asked.
async fn answer(
    upstream: &mut Upstream,
    mut row: impl FnMut(&[Option<&[u8]>]) -> Result<(), UpstreamError>,
) -> Result<(), UpstreamError> {
    let io = |source| UpstreamError::Io { doing: "asking the database", source };
    upstream.drain().await.map_err(io)?;
    let limits = Limits { payload_max: ROW_BYTES_MAX, stream_above: None };
    let mut scanner = Scanner::new(1, limits);
    let mut reply = Reply::new(ReplyKind::Statement { cursor: false }, upstream.capabilities());
    let mut failed = None;
    while !reply.is_done() {
        let Some(piece) = scanner.next(upstream.inbox())? else {
            upstream.fill().await.map_err(io)?;
            continue;
        };
        let consumed = piece.bytes().len();
        match reply.next(&piece)? {
            Some(Event::Err(error)) => failed = Some(refused(&error)),
            Some(Event::Row { payload, .. }) => {
                let columns: Vec<Option<&[u8]>> = text_values(payload).collect();
                if failed.is_none() {
                    failed = row(&columns).err();
                }
            }
            Some(
                Event::Column(_)
                | Event::ColumnCount(_)
                | Event::DefinitionsEnd(_)
                | Event::LocalInfile { .. }
                | Event::Ok(_)
                | Event::Parameter(_)
                | Event::Prepared(_)
                | Event::RowsEnd(_)
                | Event::Text(_),
            )
            | None => {}
        }
        upstream.consume(consumed);
    }
    failed.map_or(Ok(()), Err)
}
