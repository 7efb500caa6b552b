//! Jurat's own questions to the database over a session's connection: its catalog and search path.
//!
//! They are asked over the session's own connection because only that one sees what its open
//! transaction has made. They are constants, read system catalogs only, and are asked while nothing
//! else is under way.

use std::sync::Arc;

use jurat_core::{CatalogIndex, Question, SearchPath};
use jurat_types::Catalog;
use jurat_wire::postgres::{
    backend::{Backend, BackendTag, parse_backend},
    frame::{FRAME_HEADER, scan},
};

use crate::{
    catalog::{self, CATALOG_QUERIES, CATALOG_QUERY_COUNT, CatalogReader, SEARCH_PATH_QUERY},
    upstream::{Upstream, UpstreamError},
};

/// One message of the catalog may be long where a database has many objects, bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// Notices, notifications and settings that may come during one question, bytes.
const ASIDES_BYTES_MAX: usize = 4 << 20;

/// Rows of the answer to one question about a statement.
const ROWS_MAX: usize = 100;

/// What may arrive besides the answer and is the client's.
pub(crate) type Asides = Vec<u8>;

/// Reads the whole catalog.
///
/// # Errors
/// [`UpstreamError`] when the server does not answer as it should.
pub(crate) async fn read_catalog(
    upstream: &mut Upstream,
    asides: &mut Asides,
) -> Result<Catalog, UpstreamError> {
    let mut reader = CatalogReader::new();
    let answers = ask(upstream, CATALOG_QUERIES, asides, |index, columns| {
        reader.row(index, columns).map_err(|error| UpstreamError::Catalog(error.to_string()))
    })
    .await?;
    if answers != CATALOG_QUERY_COUNT {
        return Err(UpstreamError::Catalog(format!("{answers} answers came")));
    }
    reader.finish().map_err(|error| UpstreamError::Catalog(error.to_string()))
}

/// Reads the schemas in which unqualified names are looked up, in order.
///
/// # Errors
/// [`UpstreamError`] when the server does not answer as it should.
pub(crate) async fn read_search_path(
    upstream: &mut Upstream,
    asides: &mut Asides,
) -> Result<SearchPath, UpstreamError> {
    let mut schemas = None;
    ask(upstream, SEARCH_PATH_QUERY, asides, |_index, columns| {
        let parsed = catalog::parse_search_path(columns.first().copied().flatten())
            .map_err(|error| UpstreamError::Catalog(error.to_string()))?;
        schemas = Some(parsed);
        Ok(())
    })
    .await?;
    Ok(schemas.map_or(SearchPath::Unknown, SearchPath::Known))
}

/// As [`read_search_path`], for a session that begins. In the same breath the server is asked to look every second
/// whether Jurat is still there while a statement runs: otherwise a statement goes on when Jurat has been killed, and
/// nobody is left to cancel it. A server before PostgreSQL 14 has no such setting, and one that was given
/// another interval keeps it.
///
/// # Errors
/// [`UpstreamError`] when the server does not answer as it should.
pub(crate) async fn begin_session(
    upstream: &mut Upstream,
    asides: &mut Asides,
) -> Result<SearchPath, UpstreamError> {
    let mut schemas = None;
    let asked = ask(upstream, BEGIN_QUERIES, asides, |index, columns| {
        if index == 1 {
            let parsed = catalog::parse_search_path(columns.first().copied().flatten())
                .map_err(|error| UpstreamError::Catalog(error.to_string()))?;
            schemas = Some(parsed);
        }
        Ok(())
    })
    .await;
    match asked {
        Ok(_answers) => Ok(schemas.map_or(SearchPath::Unknown, SearchPath::Known)),
        // On some platforms the server cannot look, and refuses to try.
        Err(UpstreamError::Refused { .. }) => read_search_path(upstream, asides).await,
        Err(error) => Err(error),
    }
}

/// [`SEARCH_PATH_QUERY`] behind the setting.
const BEGIN_QUERIES: &str = "\
SELECT pg_catalog.set_config('client_connection_check_interval', '1s', false)
  WHERE pg_catalog.current_setting('client_connection_check_interval', true) OPERATOR(pg_catalog.=) '0';
SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text";

/// An index over a fresh catalog.
pub(crate) async fn read_index(
    upstream: &mut Upstream,
    asides: &mut Asides,
) -> Result<Arc<CatalogIndex>, UpstreamError> {
    Ok(Arc::new(CatalogIndex::new(read_catalog(upstream, asides).await?)))
}

/// Asks and returns how many statements were answered.
async fn ask(
    upstream: &mut Upstream,
    text: &'static str,
    asides: &mut Asides,
    row: impl FnMut(usize, &[Option<&[u8]>]) -> Result<(), UpstreamError>,
) -> Result<usize, UpstreamError> {
    upstream.ask(text);
    answers(upstream, asides, row).await
}

/// Asks for an estimate; gives back the rows.
///
/// # Errors
/// [`UpstreamError`] when the server does not answer as it should.
pub(crate) async fn foresee(
    upstream: &mut Upstream,
    question: &Question,
) -> Result<Vec<Vec<Option<Vec<u8>>>>, UpstreamError> {
    upstream.foresee(question)?;
    let mut answer: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
    answers(upstream, &mut Vec::new(), |_index, columns| {
        if answer.len() >= ROWS_MAX {
            return Err(UpstreamError::Protocol("it has more rows than were asked for".to_owned()));
        }
        answer.push(columns.iter().map(|column| column.map(<[u8]>::to_vec)).collect());
        Ok(())
    })
    .await?;
    Ok(answer)
}

/// What the server answers up to the end of a cycle.
async fn answers(
    upstream: &mut Upstream,
    asides: &mut Asides,
    mut row: impl FnMut(usize, &[Option<&[u8]>]) -> Result<(), UpstreamError>,
) -> Result<usize, UpstreamError> {
    let io = |source| UpstreamError::Io { doing: "asking the database", source };
    upstream.drain().await.map_err(io)?;
    let mut index = 0;
    let mut failed = None;
    loop {
        let header = scan(upstream.inbox(), MESSAGE_BYTES_MAX)
            .map_err(|error| UpstreamError::Protocol(error.to_string()))?;
        let whole = header.and_then(|header| {
            Some((header.tag, upstream.inbox().get(..header.whole_len())?.to_vec()))
        });
        let Some((tag, whole)) = whole else {
            upstream.fill().await.map_err(io)?;
            continue;
        };
        upstream.consume(whole.len());
        if BackendTag::from_byte(tag).is_asynchronous() {
            if asides.len() > ASIDES_BYTES_MAX {
                let what = "more came beside an answer than can be kept".to_owned();
                return Err(UpstreamError::Protocol(what));
            }
            asides.extend_from_slice(&whole);
            continue;
        }
        let body = whole.get(FRAME_HEADER..).unwrap_or_default();
        let message =
            parse_backend(tag, body).map_err(|error| UpstreamError::Protocol(error.to_string()))?;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the arm is the refusal: a message that is not named here is out of turn"
        )]
        match message {
            Backend::ParseComplete | Backend::BindComplete | Backend::CloseComplete => {}
            Backend::DataRow(values) => {
                let columns: Vec<Option<&[u8]>> = values.iter().collect();
                if failed.is_none() {
                    failed = row(index, &columns).err();
                }
            }
            Backend::CommandComplete(_) => index += 1,
            Backend::ErrorResponse(fields) => {
                failed = Some(UpstreamError::Refused {
                    code: fields.code().unwrap_or("?????").to_owned(),
                    message: String::from_utf8_lossy(fields.message().unwrap_or_default())
                        .into_owned(),
                });
            }
            Backend::ReadyForQuery(_) => return failed.map_or(Ok(index), Err),
            _ => {
                let what = format!("message `{}` came out of turn", tag.escape_ascii());
                return Err(UpstreamError::Protocol(what));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_begins_with_the_question_for_its_search_path() {
        let (_, last) = super::BEGIN_QUERIES.rsplit_once(";\n").unwrap();
        assert_eq!(last, super::SEARCH_PATH_QUERY);
    }
}
