//! What no mask can be put before: names that would lose their labels, and writes through views.

use jurat_types::{Access, RelationKind, RelationName, RelationUse};

use super::{MaskPlan, RewriteError};
use crate::catalog_index::CatalogIndex;
use crate::walk::Stop;

impl MaskPlan {
    /// Labels are kept under names, so under a new name a masked column would be an unlabelled one. With no
    /// `column` the relation itself gets the new name.
    ///
    /// # Errors
    /// Where a masked column would lose its label.
    pub(crate) fn check_rename(
        &self,
        name: &RelationName,
        column: Option<&str>,
        catalog: &CatalogIndex,
    ) -> Result<(), Stop> {
        let Some(relation) = catalog.relation(name) else { return Ok(()) };
        if column.is_none() && !self.check_unfiltered(name, catalog)? {
            return Err(Stop::Mask(RewriteError::NewRows {
                relation: name.to_string(),
                what: "renaming of",
            }));
        }
        let masks = self.of(relation, catalog);
        let masked = match column {
            Some(column) => masks.get_key_value(column),
            None => masks.first_key_value(),
        };
        match masked {
            Some((column, _)) => {
                Err(Stop::Mask(RewriteError::Renamed { column: format!("{name}.{column}") }))
            }
            None => Ok(()),
        }
    }

    /// A write through a view compares and returns the columns of the table behind it, where no derived table
    /// can stand.
    ///
    /// # Errors
    /// Where the view shows a masked column, and its definition is not understood.
    pub(super) fn check_written(
        &self,
        relations: &[RelationUse],
        catalog: &CatalogIndex,
    ) -> Result<(), RewriteError> {
        for used in relations.iter().filter(|used| used.access == Access::Write) {
            let name = RelationName::new(used.schema.clone(), used.name.clone());
            let Some(relation) = catalog.relation(&name) else { continue };
            // Of a view whose definition is read, it is known which columns to mask.
            if relation.kind == RelationKind::View && catalog.view(relation, 0).is_none() {
                match self.check_sources(relation) {
                    Err(Stop::Mask(error)) => return Err(error),
                    Err(stop) => return Err(RewriteError::Text { reason: stop.to_string() }),
                    Ok(()) => {}
                }
            }
        }
        Ok(())
    }
}
