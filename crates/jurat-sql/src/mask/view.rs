//! Masks of views: what a view shows of a masked column is masked behind the view.
//!
//! The view itself runs as its owner wrote it, over the stored values. A column that shows a masked column as
//! it is has that column's mask; one that is computed from masked columns is taken out as a whole, because
//! what the computation leaves of them is not known.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jurat_types::{
    ColumnId, ColumnMask, ColumnMode, MaskMethod, Relation, RelationName, RelationUse,
};

use super::plan::Masks;
use super::{MaskPlan, RewriteError, place};
use crate::catalog_index::CatalogIndex;
use crate::view::View;
use crate::walk::{Ingredient, Stop};

impl MaskPlan {
    /// Adds the masks that a view's columns have because of what they are made of.
    pub(super) fn inherit(
        &self,
        relation: &Relation,
        catalog: &CatalogIndex,
        masks: &mut Masks<'_>,
    ) {
        let Some(view) = catalog.view(relation, 0) else { return };
        for (column, made_of) in relation.columns.iter().zip(&view.columns) {
            let id = ColumnId::new(relation.name.clone(), column.name.clone());
            for inherited in made_of.iter().filter_map(|part| self.inherited(part, &id, catalog)) {
                let stricter = match masks.get(&column.name) {
                    Some(own) => stricter(own, inherited),
                    None => inherited,
                };
                masks.insert(column.name.clone(), Cow::Owned(stricter));
            }
        }
    }

    /// The mask that a column has because of one that it is made of.
    fn inherited(
        &self,
        part: &Ingredient,
        of: &ColumnId,
        catalog: &CatalogIndex,
    ) -> Option<ColumnMask> {
        let base = catalog.relation(&part.column.relation)?;
        let masks = self.own(base, catalog);
        let mask = masks.get(&part.column.column)?;
        Some(match part.mode {
            ColumnMode::Direct => ColumnMask { column: of.clone(), ..ColumnMask::clone(mask) },
            ColumnMode::Derived | ColumnMode::WholeRow => nothing(of, mask),
        })
    }

    /// Whether the definition of a view shows masked columns and does nothing else with them.
    pub(super) fn check_view(
        &self,
        relation: &Relation,
        view: &View,
        catalog: &CatalogIndex,
    ) -> Result<(), Stop> {
        for used in view.decides.iter().filter(|used| self.mode(used, catalog).is_some()) {
            if let Some(place) = place(used.role) {
                return Err(Stop::Mask(RewriteError::View {
                    column: used.id.clone(),
                    relation: relation.name.to_string(),
                    place,
                }));
            }
        }
        for used in &view.relations {
            let name = RelationName::new(used.schema.clone(), used.name.clone());
            let Some(base) = catalog.relation(&name) else {
                return Err(Stop::unresolved("relation", name.to_string()));
            };
            // Of a view inside this one, only what it reads is known.
            if catalog.view(base, 0).is_none() {
                self.check_sources(base)?;
            }
            self.check_children(base, &self.own(base, catalog), catalog)?;
        }
        Ok(())
    }

    /// Checks every view that a statement names, so that the reason names the view.
    pub(super) fn check_views(
        &self,
        relations: &[RelationUse],
        catalog: &CatalogIndex,
    ) -> Result<(), RewriteError> {
        for used in relations {
            let name = RelationName::new(used.schema.clone(), used.name.clone());
            let Some(relation) = catalog.relation(&name) else { continue };
            let Some(view) = catalog.view(relation, 0) else { continue };
            match self.check_view(relation, &view, catalog) {
                Ok(()) => {}
                Err(Stop::Mask(error)) => return Err(error),
                Err(stop @ (Stop::Unsupported(_) | Stop::Reason(_) | Stop::Unresolved { .. })) => {
                    return Err(RewriteError::Text { reason: stop.to_string() });
                }
            }
        }
        Ok(())
    }
}

/// The mask that leaves nothing of a value, and is no weaker than another.
fn nothing(column: &ColumnId, than: &ColumnMask) -> ColumnMask {
    ColumnMask {
        column: column.clone(),
        method: than.method.max(MaskMethod::Redact),
        params: BTreeMap::new(),
        predicates: than.predicates,
        ids: than.ids.clone(),
    }
}

/// The stricter of two masks of one column.
fn stricter(a: &ColumnMask, b: ColumnMask) -> ColumnMask {
    let predicates = a.predicates.max(b.predicates);
    if a.method == b.method && a.params == b.params {
        return ColumnMask { predicates, ..b };
    }
    let mut ids = a.ids.clone();
    ids.extend(b.ids.iter().filter(|id| !a.ids.contains(id)).cloned());
    let stricter = match a.method.cmp(&b.method) {
        std::cmp::Ordering::Greater => a.clone(),
        std::cmp::Ordering::Less => b,
        // Neither is known to keep less than the other, so nothing is kept.
        std::cmp::Ordering::Equal => nothing(&a.column, a),
    };
    ColumnMask { ids, predicates, ..stricter }
}
