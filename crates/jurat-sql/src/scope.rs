//! What names mean at one place of a statement.

use std::rc::Rc;

use jurat_types::{ColumnId, RelationName};

use crate::mask::RewriteError;

/// A base column, as an index into the walker's table.
pub(crate) type SourceId = u32;

/// A column of something that stands in FROM, or of a result.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Col {
    /// Its name; `?column?` where it has none.
    pub(crate) name: Rc<str>,
    /// The base columns that its value is made of, sorted.
    pub(crate) sources: Rc<[SourceId]>,
    /// Whether it is one base column, unchanged.
    pub(crate) direct: bool,
    /// Whether its value is a row.
    pub(crate) row: bool,
    /// Whether a function that is not known takes part in it.
    pub(crate) opaque: bool,
    /// Only while rewriting: the column is masked where it is used, because the relation stays in the
    /// text. Nothing that passes the column on may drop this.
    pub(crate) masked: Option<Rc<Masked>>,
}

/// A masked column of a relation that stays in the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Masked {
    /// The column that the mask is for.
    pub(crate) column: ColumnId,
    /// Why it cannot be masked, where it cannot.
    pub(crate) refused: Option<RewriteError>,
}

impl Col {
    /// A column that is made of no base column.
    pub(crate) fn constant(name: impl Into<Rc<str>>) -> Self {
        Self::any(name, &Rc::from([]))
    }

    /// A column that can be made of any of these.
    pub(crate) fn any(name: impl Into<Rc<str>>, sources: &Rc<[SourceId]>) -> Self {
        Self {
            name: name.into(),
            sources: Rc::clone(sources),
            direct: false,
            row: false,
            opaque: false,
            masked: None,
        }
    }
}

/// The columns of a row, shared between the places that see them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// The columns whose names are known, in order.
    pub(crate) cols: Rc<[Col]>,
    /// Where the row can have further columns (functions in FROM), what their values are made of.
    pub(crate) open: Option<Rc<[SourceId]>>,
    /// Whether a function that is not known takes part in those.
    pub(crate) opaque: bool,
}

impl Shape {
    /// A row of exactly these columns.
    pub(crate) fn closed(cols: Vec<Col>) -> Self {
        Self { cols: Rc::from(cols), open: None, opaque: false }
    }

    /// Whether any of its columns is masked where it is used.
    pub(crate) fn has_marks(&self) -> bool {
        self.cols.iter().any(|col| col.masked.is_some())
    }

    /// Everything that the row is made of.
    pub(crate) fn all_sources(&self) -> Vec<SourceId> {
        let mut sources: Vec<SourceId> =
            self.cols.iter().flat_map(|col| col.sources.iter().copied()).collect();
        sources.extend(self.open.iter().flat_map(|open| open.iter().copied()));
        sources.sort_unstable();
        sources.dedup();
        sources
    }

    /// The row with its first columns renamed, as `AS t (a, b)` does.
    ///
    /// Where the row is open, a name can stand for any of its columns.
    pub(crate) fn renamed(&self, names: &[String]) -> Option<Self> {
        if names.is_empty() {
            return Some(self.clone());
        }
        let any: Rc<[SourceId]> = Rc::from(self.all_sources());
        let mut cols: Vec<Col> = self.cols.to_vec();
        for (index, name) in names.iter().enumerate() {
            match (cols.get_mut(index), &self.open) {
                (Some(col), None) => col.name = Rc::from(name.as_str()),
                (Some(col), Some(_)) => {
                    *col = Col {
                        masked: col.masked.clone(),
                        opaque: self.opaque,
                        ..Col::any(name.as_str(), &any)
                    };
                }
                (None, Some(_)) => {
                    cols.push(Col { opaque: self.opaque, ..Col::any(name.as_str(), &any) });
                }
                // More names than columns: the server refuses it.
                (None, None) => return None,
            }
        }
        Some(Self { cols: Rc::from(cols), open: self.open.clone(), opaque: self.opaque })
    }

    /// The union of two rows, position by position.
    pub(crate) fn union(&self, other: &Self) -> Option<Self> {
        let open = self.open.is_some() || other.open.is_some();
        if !open && self.cols.len() != other.cols.len() {
            return None;
        }
        let mut any = self.all_sources();
        any.extend(other.all_sources());
        any.sort_unstable();
        any.dedup();
        let any: Rc<[SourceId]> = Rc::from(any);
        let mut cols = Vec::with_capacity(self.cols.len());
        for (index, col) in self.cols.iter().enumerate() {
            let right = other.cols.get(index);
            let (sources, direct) = match right {
                Some(right) if !open => {
                    (merge(&col.sources, &right.sources), col.direct && right.direct)
                }
                Some(_) | None => (Rc::clone(&any), false),
            };
            // Both sides are results of queries, in which every mark has been replaced by its mask.
            cols.push(Col {
                name: col.name.clone(),
                sources,
                direct,
                row: col.row,
                opaque: col.opaque || right.is_none_or(|right| right.opaque),
                masked: None,
            });
        }
        let opaque = self.opaque || other.opaque;
        Some(Self { cols: Rc::from(cols), open: open.then_some(any), opaque })
    }
}

/// Both lists as one.
pub(crate) fn merge(left: &[SourceId], right: &[SourceId]) -> Rc<[SourceId]> {
    let mut both: Vec<SourceId> = left.iter().chain(right).copied().collect();
    both.sort_unstable();
    both.dedup();
    Rc::from(both)
}

/// One entry of FROM, or a join of several: PostgreSQL's `ParseNamespaceItem`.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The name that qualifies its columns.
    pub(crate) alias: Option<String>,
    /// The relation, where the entry is one.
    pub(crate) relation: Option<RelationName>,
    /// Whether the relation's own name can still be used as a qualifier (`schema.table.column`).
    pub(crate) schema_visible: bool,
    /// Its columns in order.
    pub(crate) shape: Shape,
    /// Whether `alias.column` finds it.
    pub(crate) relation_visible: bool,
    /// Whether a bare column name finds it.
    pub(crate) cols_visible: bool,
    /// Whether the rewrite has put a derived table in its place.
    pub(crate) masked: bool,
}

/// The names that one query level adds.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) items: Vec<Item>,
    /// Entries before this one cannot be seen now: ON sees its own join only.
    pub(crate) visible_from: usize,
    /// Whether the level cannot be seen at all now: a derived table without LATERAL.
    pub(crate) hidden: bool,
    /// Of MySQL and MariaDB, behind the result columns: those columns, whose aliases can be used in conditions.
    pub(crate) outputs: Option<Shape>,
    /// Whether `*` shows the first entry last, as RETURNING of MERGE does.
    pub(crate) target_last: bool,
}

impl Scope {
    /// The entries that `*` stands for, in order.
    pub(crate) fn starred(&self) -> Vec<Item> {
        let mut items: Vec<Item> =
            self.items.iter().filter(|item| item.cols_visible).cloned().collect();
        if self.target_last && !items.is_empty() {
            items.rotate_left(1);
        }
        items
    }

    /// The entries that can be seen now.
    pub(crate) fn visible(&self) -> &[Item] {
        if self.hidden { &[] } else { self.items.get(self.visible_from..).unwrap_or_default() }
    }
}

/// A WITH query.
#[derive(Clone, Debug)]
pub(crate) struct Cte {
    pub(crate) name: String,
    /// `None` while its columns are not known yet.
    pub(crate) shape: Option<Shape>,
}
