//! What a column name stands for: PostgreSQL's `transformColumnRef`.

use jurat_types::{ColumnId, ColumnMode, ColumnRole};
use sqlparser::ast::{Expr, Ident};

use super::{Stop, Value, Walker};
use crate::mask::RewriteError;
use crate::names::Naming;
use crate::scope::{Col, Item, Scope, Shape, merge};

/// Columns that every table has.
const SYSTEM_COLUMNS: &[&str] = &["cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"];

/// What a reference stands for.
enum Reference {
    Column(Col),
    Row(Shape),
    /// `t.f` where `t` has no column `f`: the function `f` called with the whole row.
    RowFunction(Shape, String),
}

/// A hit in one scope.
enum Hit {
    Column(Col),
    System(ColumnId, bool),
}

impl Walker<'_> {
    /// A reference in an expression. `top` says whether the reference is the whole expression. The second
    /// value is what has to stand in its place, where a mask is written in place.
    pub(super) fn column_ref(
        &mut self,
        parts: &mut Vec<Ident>,
        role: ColumnRole,
        top: bool,
    ) -> Result<(Value, Option<Expr>), Stop> {
        match self.resolve(parts)? {
            Reference::Column(col) => {
                let mask = match &col.masked {
                    None => None,
                    Some(masked) => {
                        let own = Expr::CompoundIdentifier(parts.clone()).to_string();
                        Some(self.masked_reference(masked, &own)?)
                    }
                };
                Ok((self.use_col(&col, role, top), mask))
            }
            Reference::Row(shape) => {
                let mask =
                    if shape.has_marks() { Some(self.masked_row(&shape, parts)?) } else { None };
                if shape.opaque || shape.cols.iter().any(|col| col.opaque) {
                    self.opaque = self.opaque.saturating_add(1);
                }
                let sources = shape.all_sources();
                self.record(&sources, role, ColumnMode::WholeRow);
                Ok((Value { sources, direct: false, row: Some(shape) }, mask))
            }
            Reference::RowFunction(shape, function) => {
                Self::unmarked(&shape, "a function in the place of a column")?;
                self.unqualified_function(&function)?;
                let sources = shape.all_sources();
                self.record(&sources, role, ColumnMode::WholeRow);
                Ok((Value { sources, direct: false, row: None }, None))
            }
        }
    }

    /// The row that a reference stands for, without writing down a use; `None` where it is no row.
    pub(super) fn row_of(&mut self, parts: &mut Vec<Ident>) -> Result<Option<Shape>, Stop> {
        match self.resolve(parts)? {
            Reference::Row(shape) => Ok(Some(shape)),
            Reference::Column(_) | Reference::RowFunction(..) => Ok(None),
        }
    }

    /// Writes down that a column is used.
    pub(super) fn use_col(&mut self, col: &Col, role: ColumnRole, top: bool) -> Value {
        if col.opaque {
            self.opaque = self.opaque.saturating_add(1);
        }
        let mode = if col.direct && top { ColumnMode::Direct } else { ColumnMode::Derived };
        if !col.direct && super::failure::decides(role) {
            // What it was computed with may be moved to where it is asked for.
            self.facts.can_fail = true;
        }
        self.record(&col.sources, role, mode);
        Value { sources: col.sources.to_vec(), direct: col.direct, row: None }
    }

    /// The columns of the entry that a qualifier stands for: `t.*` and `schema.t.*`.
    pub(super) fn qualified_shape(&mut self, parts: &mut Vec<Ident>) -> Result<Shape, Stop> {
        Ok(self.qualified_item(parts)?.shape)
    }

    /// The entry that a qualifier stands for.
    pub(super) fn qualified_item(&mut self, parts: &mut Vec<Ident>) -> Result<Item, Stop> {
        let qualifier = labels(parts, self.naming)?;
        let Some(item) = self.find_item(&qualifier)? else {
            return Err(Stop::unresolved("relation", qualifier.join(".")));
        };
        let item = item.clone();
        if item.masked {
            shorten(parts, 1);
        }
        Ok(item)
    }

    fn resolve(&mut self, parts: &mut Vec<Ident>) -> Result<Reference, Stop> {
        let mut names = labels(parts, self.naming)?;
        let Some(column) = names.pop() else {
            return Err(Stop::unsupported("an empty name"));
        };
        if names.is_empty() {
            return self.resolve_bare(&column);
        }
        let Some(item) = self.find_item(&names)? else {
            return Err(Stop::unresolved("relation", names.join(".")));
        };
        let (shape, masked) = (item.shape.clone(), item.masked);
        let hit = in_item(item, &column, self.naming)?;
        if masked {
            shorten(parts, 2);
        }
        match hit {
            Some(hit) => self.reference(hit),
            None if self.naming.is_postgres() && self.is_function(&column)? => {
                Ok(Reference::RowFunction(shape, column))
            }
            None => match &shape.open {
                Some(open) => {
                    let col = Col { opaque: shape.opaque, ..Col::any(column, open) };
                    Ok(Reference::Column(col))
                }
                None => Err(Stop::unresolved("column", format!("{}.{column}", names.join(".")))),
            },
        }
    }

    /// A name without a qualifier: a column of the innermost level that has one, else a whole row.
    fn resolve_bare(&mut self, name: &str) -> Result<Reference, Stop> {
        let mut open: Option<Value> = None;
        let mut opaque = false;
        let mut found = None;
        for scope in self.scopes.iter().rev() {
            found = in_scope(scope, name, self.naming)?;
            if let Some(outputs) = &scope.outputs {
                found = or_alias(found, outputs, name, self.naming)?;
            }
            if found.is_some() {
                break;
            }
            for item in scope.visible().iter().filter(|item| item.cols_visible) {
                if let Some(sources) = &item.shape.open {
                    opaque |= item.shape.opaque;
                    let value = Value { sources: sources.to_vec(), direct: false, row: None };
                    open.get_or_insert_default().absorb(&value);
                }
            }
        }
        let found = match found {
            Some(hit) => Some(self.reference(hit)?),
            None if self.naming.is_postgres() => {
                self.row_item(name)?.map(|item| Reference::Row(item.shape.clone()))
            }
            None => None,
        };
        match (found, open) {
            (Some(found), None) => Ok(found),
            // A function in FROM may have the column, or may not: then it is the outer one.
            (Some(Reference::Column(col)), Some(mut value)) => {
                if col.masked.is_some() {
                    let shape = Shape::closed(vec![col]);
                    return Err(super::in_place::in_place(
                        &shape,
                        "a name that may be a function's",
                    ));
                }
                value.absorb(&Value { sources: col.sources.to_vec(), direct: false, row: None });
                let opaque = opaque || col.opaque;
                Ok(Reference::Column(Col { opaque, ..Self::col(name, &value) }))
            }
            (Some(Reference::Row(shape) | Reference::RowFunction(shape, _)), Some(_)) => {
                Ok(Reference::Row(shape))
            }
            (None, Some(value)) => Ok(Reference::Column(Col { opaque, ..Self::col(name, &value) })),
            (None, None) => Err(Stop::unresolved("column", name)),
        }
    }

    /// The table of the innermost level that an expression is a column of, which column, and whether it is part
    /// of that table's primary key. Nothing where it is anything but `t.c`, or where two names could mean one column.
    pub(super) fn column_of_table(&self, expr: &Expr) -> Option<(usize, usize, bool)> {
        let Expr::CompoundIdentifier(parts) = super::expr::inner(expr) else { return None };
        let [table, column] = parts.as_slice() else { return None };
        let (table, column) = (self.naming.name(table).ok()?, self.naming.label(column).ok()?);
        let items = &self.scopes.last()?.items;
        let same = |alias: &String| self.naming.same_table(alias, &table);
        let named = |item: &Item| item.relation_visible && item.alias.as_ref().is_some_and(same);
        let place = items.iter().position(named)?;
        let item = items.get(place)?;
        let at =
            item.shape.cols.iter().position(|col| self.naming.same_column(&col.name, &column))?;
        let relation = self.catalog.relation(item.relation.as_ref()?)?;
        Some((place, at, relation.columns.get(at)?.key))
    }

    /// How many columns the primary key of an entry of the innermost level has.
    pub(super) fn n_keys(&self, place: usize) -> usize {
        let item = self.scopes.last().and_then(|scope| scope.items.get(place));
        let relation = item.and_then(|item| self.catalog.relation(item.relation.as_ref()?));
        relation.map_or(0, |known| known.columns.iter().filter(|column| column.key).count())
    }

    /// Whether the innermost level itself has a column of that name.
    pub(super) fn is_local_column(&self, name: &str) -> Result<bool, Stop> {
        match self.scopes.last() {
            Some(scope) => Ok(in_scope(scope, name, self.naming)?.is_some()),
            None => Ok(false),
        }
    }

    fn reference(&mut self, hit: Hit) -> Result<Reference, Stop> {
        match hit {
            Hit::Column(col) => Ok(Reference::Column(col)),
            Hit::System(column, true) => Err(Stop::Mask(RewriteError::SystemColumn {
                relation: column.relation.to_string(),
            })),
            Hit::System(column, false) => {
                let name = column.column.clone();
                let id = self.intern(column);
                let sources = std::rc::Rc::from([id].as_slice());
                Ok(Reference::Column(Col { direct: true, ..Col::any(name, &sources) }))
            }
        }
    }

    /// The innermost entry that a qualifier of one or two parts stands for.
    fn find_item(&self, qualifier: &[String]) -> Result<Option<&Item>, Stop> {
        for scope in self.scopes.iter().rev() {
            let mut hits = scope.visible().iter().filter(|item| {
                item.relation_visible
                    && match qualifier {
                        [alias] => {
                            let own = item.alias.as_deref();
                            own.is_some_and(|own| self.naming.same_table(own, alias))
                        }
                        [schema, table] => {
                            item.schema_visible
                                && item.relation.as_ref().is_some_and(|relation| {
                                    self.naming
                                        .same_table(self.naming.database(&relation.schema), schema)
                                        && self.naming.same_table(&relation.name, table)
                                })
                        }
                        _ => false,
                    }
            });
            match (hits.next(), hits.next()) {
                (Some(item), None) => return Ok(Some(item)),
                (Some(_), Some(_)) => {
                    return Err(Stop::unsupported(format!(
                        "the ambiguous name `{}`",
                        qualifier.join(".")
                    )));
                }
                (None, _) => {}
            }
        }
        Ok(None)
    }

    fn row_item(&self, name: &str) -> Result<Option<&Item>, Stop> {
        self.find_item(std::slice::from_ref(&name.to_owned()))
    }
}

/// The names of a dotted reference.
fn labels(parts: &[Ident], naming: Naming) -> Result<Vec<String>, Stop> {
    let mut labels = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        labels.push(if index == 0 { naming.name(part)? } else { naming.label(part)? });
    }
    if labels.len() > 3 {
        return Err(Stop::unsupported("a name of more than three parts"));
    }
    Ok(labels)
}

/// Drops a schema that a derived table does not have.
fn shorten(parts: &mut Vec<Ident>, keep: usize) {
    let surplus = parts.len().saturating_sub(keep);
    parts.drain(..surplus);
}

/// The one column of that name in one level.
fn in_scope(scope: &Scope, name: &str, naming: Naming) -> Result<Option<Hit>, Stop> {
    let mut found = None;
    for item in scope.visible().iter().filter(|item| item.cols_visible) {
        if let Some(hit) = in_item(item, name, naming)? {
            if found.is_some() {
                return Err(Stop::unsupported(format!("the ambiguous column `{name}`")));
            }
            found = Some(hit);
        }
    }
    Ok(found)
}

/// A column, or the result columns of that name, or both: which of them goes first depends on the clause.
fn or_alias(
    found: Option<Hit>,
    outputs: &Shape,
    name: &str,
    naming: Naming,
) -> Result<Option<Hit>, Stop> {
    let mut all: Option<Col> = match found {
        None => None,
        Some(Hit::Column(col)) => Some(col),
        Some(Hit::System(..)) => return Ok(found),
    };
    for col in outputs.cols.iter().filter(|col| naming.same_column(&col.name, name)) {
        all = Some(match all {
            None => col.clone(),
            // In the text, a mask would stand over one of the two only.
            Some(Col { masked: Some(masked), .. }) => {
                let column = masked.column.to_string();
                let place = "the place of an alias of that name";
                return Err(Stop::Mask(crate::mask::RewriteError::InPlace { column, place }));
            }
            Some(known) => Col {
                direct: known.direct && col.direct && known.sources == col.sources,
                opaque: known.opaque || col.opaque,
                ..Col::any(name, &merge(&known.sources, &col.sources))
            },
        });
    }
    Ok(all.map(Hit::Column))
}

/// The one column of that name in one entry.
fn in_item(item: &Item, name: &str, naming: Naming) -> Result<Option<Hit>, Stop> {
    let mut hits = item.shape.cols.iter().filter(|col| naming.same_column(&col.name, name));
    match (hits.next(), hits.next()) {
        (Some(col), None) => Ok(Some(Hit::Column(col.clone()))),
        (Some(_), Some(_)) => Err(Stop::unsupported(format!("the ambiguous column `{name}`"))),
        (None, _) => Ok(match &item.relation {
            Some(relation) if naming.is_postgres() && SYSTEM_COLUMNS.contains(&name) => {
                Some(Hit::System(ColumnId::new(relation.clone(), name), item.masked))
            }
            Some(_) | None => None,
        }),
    }
}
