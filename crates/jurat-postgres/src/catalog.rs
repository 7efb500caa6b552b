//! What exists in a database, read from the server's own catalog: the queries, and how their rows
//! become a [`Catalog`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jurat_types::{
    Catalog, Column, ForeignKey, Function, Relation, RelationKind, RelationName, Trigger,
    ViewSource,
};

/// The queries that fill a [`CatalogReader`]: one text for the simple query protocol.
///
/// They need no privilege, read no user's table, change nothing in the session, and mean the same
/// under any `search_path`. Several statements in one text share one transaction but not one
/// snapshot, so a concurrent DDL statement can show in a later answer and not in an earlier one;
/// the reader drops what refers to a relation that it has not seen, and that relation stays unknown.
pub(crate) const CATALOG_QUERIES: &str = include_str!("catalog/snapshot.sql");

/// How many answers [`CATALOG_QUERIES`] has. Fewer means that the snapshot is not whole.
pub(crate) const CATALOG_QUERY_COUNT: usize = COLUMN_COUNTS.len();

/// Asks for the schemas of the effective search path in look-up order, with those that are searched
/// implicitly; [`parse_search_path`] reads its one value.
pub(crate) const SEARCH_PATH_QUERY: &str =
    "SELECT pg_catalog.array_to_json(pg_catalog.current_schemas(true))::pg_catalog.text";

/// How many columns each answer has, by query index.
const COLUMN_COUNTS: [usize; 13] = [1, 1, 4, 8, 3, 4, 5, 6, 5, 2, 1, 2, 4];

/// The rows of one snapshot may hold this many bytes (256 MiB); a server with 100,000 tables of 20
/// columns sends about half of that.
const SNAPSHOT_BYTES_MAX: usize = 256 << 20;

/// Views may have this many sources in total once they are opened up through each other.
const VIEW_SOURCES_MAX: usize = 1_000_000;

/// Why a snapshot cannot be used.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum CatalogError {
    /// There is no such query.
    #[error("the catalog has no query {query}")]
    UnknownQuery {
        /// Its index.
        query: usize,
    },
    /// A row has a width that its query does not produce.
    #[error("catalog query {query} answered with {columns} columns")]
    RowWidth {
        /// The query's index.
        query: usize,
        /// The row's width.
        columns: usize,
    },
    /// A value is NULL, is not UTF-8, or cannot be read as what it should be.
    #[error("catalog query {query} answered with an unreadable value in column {column}")]
    Value {
        /// The query's index.
        query: usize,
        /// The column, from 0.
        column: usize,
    },
    /// The search path's one value cannot be read.
    #[error("the search path cannot be read")]
    SearchPath,
    /// The rows are more than a snapshot may hold.
    #[error("the catalog is larger than {SNAPSHOT_BYTES_MAX} bytes")]
    TooLarge,
    /// The views read each other so often that opening them up takes too much memory.
    #[error("the views of the catalog have more than {VIEW_SOURCES_MAX} sources")]
    TooManyViewSources,
    /// The rows do not contain the server's version, which every snapshot has.
    #[error("the catalog is incomplete")]
    Incomplete,
}

/// Relations that are read, each with its columns; `None` where the whole relation is read.
type Sources = BTreeMap<RelationName, Option<BTreeSet<String>>>;

/// Takes the rows of [`CATALOG_QUERIES`] in the order in which they come, and makes a [`Catalog`].
#[derive(Debug, Default)]
pub(crate) struct CatalogReader {
    catalog: Catalog,
    /// Where the relation with an object id stands in `catalog.relations`.
    places: HashMap<u32, usize>,
    /// What each view reads, one level deep.
    view_sources: HashMap<RelationName, Sources>,
    /// The direct parents of each child.
    parents: HashMap<RelationName, Vec<RelationName>>,
    bytes: usize,
}

impl CatalogReader {
    /// Makes a reader without rows.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes one row: the values in text format of the query with that index, from 0.
    ///
    /// # Errors
    /// Any error means that the answer is not the one that the query gives, or is too large. The
    /// snapshot is then of no use.
    pub(crate) fn row(
        &mut self,
        query_index: usize,
        columns: &[Option<&[u8]>],
    ) -> Result<(), CatalogError> {
        let expected = COLUMN_COUNTS.get(query_index);
        let expected = *expected.ok_or(CatalogError::UnknownQuery { query: query_index })?;
        if columns.len() != expected {
            return Err(CatalogError::RowWidth { query: query_index, columns: columns.len() });
        }
        let row_bytes: usize = columns.iter().flatten().map(|value| value.len()).sum();
        self.bytes = self.bytes.saturating_add(row_bytes);
        if self.bytes > SNAPSHOT_BYTES_MAX {
            return Err(CatalogError::TooLarge);
        }
        let row = Row { query: query_index, columns };
        match query_index {
            0 => self.catalog.server_version = row.text(0)?.to_owned(),
            1 => self.catalog.schemas.push(row.text(0)?.to_owned()),
            2 => self.relation(&row)?,
            3 => self.column(&row)?,
            4 => self.parent(&row)?,
            5 => self.view_source(&row)?,
            6 => self.catalog.functions.push(Function {
                name: row.name(0)?,
                security_definer: row.boolean(2)?,
                added: row.boolean(3)?,
                extension: row.optional_text(4)?.map(str::to_owned),
            }),
            7 => self.catalog.foreign_keys.push(ForeignKey {
                referencing: row.name(0)?,
                referenced: row.name(2)?,
                on_delete_writes: row.boolean(4)?,
                on_update_writes: row.boolean(5)?,
            }),
            8 => self.catalog.triggers.push(Trigger {
                relation: row.name(0)?,
                name: row.text(2)?.to_owned(),
                function: row.name(3)?,
            }),
            9 => self.catalog.types.push(row.name(0)?),
            10 => {
                self.catalog.definition_path = parse_search_path(Some(row.text(0)?.as_bytes()))?;
            }
            11 => self.definition(&row)?,
            12 => self.base_type(&row)?,
            _ => return Err(CatalogError::UnknownQuery { query: query_index }),
        }
        Ok(())
    }

    /// Ends the snapshot: opens views up through other views, and children's parents through theirs.
    ///
    /// The caller must have seen [`CATALOG_QUERY_COUNT`] answers end, because most of them may have
    /// no rows.
    ///
    /// # Errors
    /// [`CatalogError::Incomplete`] and [`CatalogError::TooManyViewSources`].
    pub(crate) fn finish(mut self) -> Result<Catalog, CatalogError> {
        if self.catalog.server_version.is_empty() {
            return Err(CatalogError::Incomplete);
        }
        let mut source_count = 0_usize;
        for relation in &mut self.catalog.relations {
            relation.reads = opened_sources(&relation.name, &self.view_sources);
            relation.parents = ancestors(&relation.name, &self.parents);
            source_count = source_count.saturating_add(relation.reads.len());
            if source_count > VIEW_SOURCES_MAX {
                return Err(CatalogError::TooManyViewSources);
            }
        }
        self.catalog.has_system = true;
        Ok(self.catalog)
    }

    fn relation(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        let oid = row.number(0)?;
        let kind = match row.text(3)? {
            "r" => RelationKind::Table,
            "p" => RelationKind::PartitionedTable,
            "v" => RelationKind::View,
            "m" => RelationKind::MaterializedView,
            "f" => RelationKind::ForeignTable,
            "S" => RelationKind::Sequence,
            "c" => RelationKind::Composite,
            _ => return Err(row.error(3)),
        };
        self.places.insert(oid, self.catalog.relations.len());
        self.catalog.relations.push(Relation {
            name: row.name(1)?,
            kind,
            columns: Vec::new(),
            oid,
            reads: Vec::new(),
            definition: None,
            parents: Vec::new(),
        });
        Ok(())
    }

    fn column(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        let oid = row.number(0)?;
        // The type is spliced into casts of sessions with other search paths, so a type outside
        // pg_catalog always carries its schema.
        let formatted = row.text(3)?;
        let data_type = if row.boolean(5)? {
            format!("{}.{formatted}", row.text(4)?)
        } else {
            formatted.to_owned()
        };
        let column = Column {
            name: row.text(2)?.to_owned(),
            data_type,
            attnum: row.number(1)?,
            generated: row.boolean(6)?,
            key: row.boolean(7)?,
            base_type: None,
        };
        let place = self.places.get(&oid).copied();
        if let Some(relation) = place.and_then(|place| self.catalog.relations.get_mut(place)) {
            relation.columns.push(column);
        }
        Ok(())
    }

    fn base_type(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        let (oid, attnum): (u32, i16) = (row.number(0)?, row.number(1)?);
        let base_type = format!("{}{}", row.text(2)?, row.text(3)?);
        let place = self.places.get(&oid).copied();
        let relation = place.and_then(|place| self.catalog.relations.get_mut(place));
        let columns = relation.map(|relation| &mut relation.columns);
        if let Some(column) =
            columns.and_then(|columns| columns.iter_mut().find(|column| column.attnum == attnum))
        {
            column.base_type = Some(base_type);
        }
        Ok(())
    }

    fn parent(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        let (child, parent) = (row.number(0)?, row.name(1)?);
        if let Some(child) = self.name_of(child) {
            self.parents.entry(child).or_default().push(parent);
        }
        Ok(())
    }

    fn view_source(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        let (view, relation) = (row.number(0)?, row.name(1)?);
        let column = row.optional_text(3)?.map(str::to_owned);
        if let Some(view) = self.name_of(view) {
            let columns = column.map(|column| BTreeSet::from([column]));
            add_source(self.view_sources.entry(view).or_default(), &relation, columns.as_ref());
        }
        Ok(())
    }

    fn definition(&mut self, row: &Row<'_>) -> Result<(), CatalogError> {
        // A view that another session has dropped meanwhile has none.
        let (view, definition) = (row.number::<u32>(0)?, row.optional_text(1)?);
        let place = self.places.get(&view).copied();
        if let Some(view) = place.and_then(|place| self.catalog.relations.get_mut(place)) {
            view.definition = definition.map(str::to_owned);
        }
        Ok(())
    }

    /// The name of a relation that an earlier answer listed.
    fn name_of(&self, oid: u32) -> Option<RelationName> {
        let place = *self.places.get(&oid)?;
        Some(self.catalog.relations.get(place)?.name.clone())
    }
}

/// Reads the value of [`SEARCH_PATH_QUERY`]: schemas in look-up order.
///
/// # Errors
/// [`CatalogError::SearchPath`] where it is not a JSON array of strings.
pub(crate) fn parse_search_path(value: Option<&[u8]>) -> Result<Vec<String>, CatalogError> {
    let schemas = value.and_then(|json| serde_json::from_slice(json).ok());
    schemas.ok_or(CatalogError::SearchPath)
}

/// Every source of a view through the views among them, those views included. A view that reads
/// itself through others ends like any other, since each is opened once.
fn opened_sources(view: &RelationName, direct: &HashMap<RelationName, Sources>) -> Vec<ViewSource> {
    let mut reads = Sources::new();
    let mut seen = BTreeSet::from([view]);
    let mut open = vec![view];
    while let Some(next) = open.pop() {
        for (relation, columns) in direct.get(next).into_iter().flatten() {
            add_source(&mut reads, relation, columns.as_ref());
            if seen.insert(relation) {
                open.push(relation);
            }
        }
    }
    reads.remove(view);
    let mut sources = Vec::new();
    for (relation, columns) in reads {
        match columns {
            None => sources.push(ViewSource { relation, column: None }),
            Some(columns) => sources.extend(
                columns
                    .into_iter()
                    .map(|column| ViewSource { relation: relation.clone(), column: Some(column) }),
            ),
        }
    }
    sources
}

/// Adds columns of a relation, or with `None` all of it, which takes the place of single columns.
fn add_source(sources: &mut Sources, relation: &RelationName, columns: Option<&BTreeSet<String>>) {
    let Some(columns) = columns else {
        sources.insert(relation.clone(), None);
        return;
    };
    let held = sources.entry(relation.clone()).or_insert_with(|| Some(BTreeSet::new()));
    if let Some(held) = held {
        held.extend(columns.iter().cloned());
    }
}

/// The parents of a relation and their parents, nearest first, each once.
fn ancestors(
    child: &RelationName,
    parents: &HashMap<RelationName, Vec<RelationName>>,
) -> Vec<RelationName> {
    let mut found: Vec<RelationName> = Vec::new();
    let mut seen = BTreeSet::from([child]);
    let mut level = vec![child];
    while !level.is_empty() {
        let next: Vec<_> = level.iter().filter_map(|name| parents.get(*name)).flatten().collect();
        level = next.into_iter().filter(|name| seen.insert(name)).collect();
        found.extend(level.iter().map(|name| (*name).clone()));
    }
    found
}

/// One row of a known width.
#[derive(Clone, Copy)]
struct Row<'a> {
    query: usize,
    columns: &'a [Option<&'a [u8]>],
}

impl<'a> Row<'a> {
    fn error(&self, column: usize) -> CatalogError {
        CatalogError::Value { query: self.query, column }
    }

    fn optional_text(&self, column: usize) -> Result<Option<&'a str>, CatalogError> {
        let value = self.columns.get(column).ok_or_else(|| self.error(column))?;
        match value.map(std::str::from_utf8) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(self.error(column)),
        }
    }

    fn text(&self, column: usize) -> Result<&'a str, CatalogError> {
        self.optional_text(column)?.ok_or_else(|| self.error(column))
    }

    /// A schema and, in the next column, a name in it.
    fn name(&self, column: usize) -> Result<RelationName, CatalogError> {
        Ok(RelationName::new(self.text(column)?, self.text(column.saturating_add(1))?))
    }

    fn number<T: std::str::FromStr>(&self, column: usize) -> Result<T, CatalogError> {
        self.text(column)?.parse().ok().ok_or_else(|| self.error(column))
    }

    fn boolean(&self, column: usize) -> Result<bool, CatalogError> {
        match self.text(column)? {
            "t" => Ok(true),
            "f" => Ok(false),
            _ => Err(self.error(column)),
        }
    }
}

#[cfg(test)]
mod tests;
