//! Masks for relations that stay in the text.

use jurat_types::{ColumnId, RelationName};

use super::plan::descendants;
use super::{MaskPlan, RewriteError, expression};
use crate::catalog_index::CatalogIndex;
use crate::walk::Stop;

impl MaskPlan {
    /// The columns of a relation that must not be shown as they are, each with the reason why no mask can be
    /// written over it, where there is one.
    ///
    /// # Errors
    /// Where the relation is not known.
    pub(crate) fn in_place(
        &self,
        name: &RelationName,
        catalog: &CatalogIndex,
    ) -> Result<Vec<(String, Option<RewriteError>)>, Stop> {
        let Some(relation) = catalog.relation(name) else {
            return Err(Stop::unresolved("relation", name.to_string()));
        };
        let masks = self.of(relation, catalog);
        let sources = match catalog.view(relation, 0) {
            None => self.check_sources(relation),
            Some(view) => self.check_view(relation, &view, catalog),
        };
        let all = relation.columns.iter().map(|column| column.name.clone());
        match (sources, self.check_children(relation, &masks, catalog)) {
            (Ok(()), Ok(())) => Ok(masks
                .into_keys()
                .filter(|column| !self.passing.contains(&ColumnId::new(name.clone(), column)))
                .map(|column| (column, None))
                .collect()),
            // Which columns show what is behind the relation is not known.
            (Err(Stop::Mask(error)), _) => {
                Ok(all.map(|column| (column, Some(error.clone()))).collect())
            }
            (Ok(()), Err(Stop::Mask(error))) => {
                let protected = |column: &String| {
                    masks.contains_key(column) || self.masks_child(name, column, catalog)
                };
                Ok(all.filter(protected).map(|column| (column, Some(error.clone()))).collect())
            }
            (Err(stop), _) | (_, Err(stop)) => Err(stop),
        }
    }

    /// The mask over a reference to a column.
    ///
    /// # Errors
    /// Where the mask is not well-formed.
    pub(crate) fn expression(
        &self,
        column: &ColumnId,
        reference: &str,
        catalog: &CatalogIndex,
    ) -> Result<String, Stop> {
        let relation = catalog.relation(&column.relation);
        let known = relation.and_then(|relation| {
            let found = relation.columns.iter().find(|known| known.name == column.column)?;
            Some((found, self.of(relation, catalog).remove(&column.column)?))
        });
        let Some((found, mask)) = known else {
            return Err(Stop::unresolved("masked column", column.to_string()));
        };
        expression::of(&mask, found, reference, catalog.engine()).map_err(Stop::Mask)
    }

    /// Whether a part of a relation has a mask on a column of that name.
    fn masks_child(&self, name: &RelationName, column: &str, catalog: &CatalogIndex) -> bool {
        descendants(name, catalog).into_iter().any(|child| {
            self.columns.get(child).is_some_and(|columns| columns.contains_key(column))
        })
    }
}
