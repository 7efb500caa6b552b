//! Many statements at once: a file of JSON lines in, an explanation a line out.
//!
//! An application's own statements, taken from a server's log, can so be tried against a policy before
//! anybody is put behind it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write as _},
    path::Path,
    sync::Arc,
};

use jurat_core::{CatalogIndex, SearchPath, Session};
use jurat_types::Catalog;
use serde::Deserialize;
use serde_json::json;

use super::to_json;
use crate::exit::Failure;

/// One line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The text of one message.
    sql: String,
    /// What exists, from this line on.
    catalog: Option<Catalog>,
    /// Where unqualified names are looked up, from this line on.
    search_path: Option<Vec<String>>,
}

/// Explains each line of a file; tells whether any statement would be refused.
pub(super) fn run(
    session: &mut Session,
    file: &Path,
    first: Catalog,
    search_path: &[String],
) -> Result<bool, Failure> {
    let source = File::open(file).map_err(|error| unreadable(file, &error))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut catalog = Arc::new(CatalogIndex::new(first));
    let mut search_path = search_path.to_vec();
    let mut denied = false;
    for (index, line) in BufReader::new(source).lines().enumerate() {
        let line = line.map_err(|error| unreadable(file, &error))?;
        let line: Line = serde_json::from_str(&line).map_err(|error| {
            let number = index.saturating_add(1);
            Failure::usage(format!("{}:{number}: {error}", file.display()))
        })?;
        let changed = line.catalog.is_some() || line.search_path.is_some() || index == 0;
        if let Some(new) = line.catalog {
            catalog = Arc::new(CatalogIndex::new(new));
        }
        if let Some(new) = line.search_path {
            search_path = new;
        }
        if changed {
            session.set_names(Arc::clone(&catalog), SearchPath::Known(search_path.clone()));
        }
        let mut all = Vec::new();
        for judged in session.read(line.sql.as_bytes()).iter() {
            let explanation = session.explain(judged);
            denied |= explanation.outcome.is_err();
            all.push(to_json(&explanation));
        }
        let text = json!({ "statements": all });
        writeln!(out, "{text}")?;
    }
    out.flush()?;
    Ok(denied)
}

fn unreadable(file: &Path, error: &io::Error) -> Failure {
    Failure::usage(format!("{} cannot be read: {error}", file.display()))
}
