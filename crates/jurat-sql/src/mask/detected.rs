//! Columns with detectors: which come out as they are, to be looked through on their way to the client.
//!
//! That is so where each use of the column in a plain SELECT is the result column itself. Everywhere else
//! the column is redacted as a whole, because what is left of it could not be recognized.

use jurat_types::{
    ColumnId, ColumnMode, ColumnRole, DETECTORS, Engine, MaskMethod, OutputMode, RelationKind,
    RelationName, StatementFacts,
};
use serde_json::Value;

use super::family::{Family, Type};
use super::{Detected, MaskPlan, mysql};
use crate::catalog_index::CatalogIndex;

/// A column with detectors.
struct Marked {
    id: ColumnId,
    kinds: Vec<String>,
    json: bool,
}

impl MaskPlan {
    /// Lets columns pass where the result can be looked through, and says where that is.
    pub(super) fn let_pass(
        &mut self,
        facts: &StatementFacts,
        catalog: &CatalogIndex,
    ) -> Vec<Detected> {
        // Of the rows of a function it is not known how many columns they have.
        let placed = facts.outputs.iter().all(|output| output.name != "*");
        if facts.kind != "select" || !placed {
            return Vec::new();
        }
        let marked: Vec<Marked> = self.marked(facts, catalog);
        let mut detected = Vec::new();
        for column in &marked {
            let id = column.id.to_string();
            let plain = facts
                .columns
                .iter()
                .filter(|used| used.id == id)
                .all(|used| used.role == ColumnRole::Output && used.mode == ColumnMode::Direct);
            let shown = facts.outputs.iter().filter(|output| output.columns.contains(&id));
            // Beside another column in one place (UNION), only one of the two would be recognized.
            let plain = plain
                && shown
                    .clone()
                    .all(|output| output.mode == OutputMode::Direct && output.columns.len() == 1);
            if !plain {
                continue;
            }
            self.passing.insert(column.id.clone());
            for (position, output) in facts.outputs.iter().enumerate() {
                if output.columns.contains(&id) {
                    detected.push(Detected {
                        position,
                        columns: facts.outputs.len(),
                        kinds: column.kinds.clone(),
                        json: column.json,
                    });
                }
            }
        }
        detected
    }

    /// The columns of the statement's relations that detectors are for and can read.
    fn marked(&self, facts: &StatementFacts, catalog: &CatalogIndex) -> Vec<Marked> {
        let mut found: Vec<Marked> = Vec::new();
        for used in facts.relations.iter() {
            let name = RelationName::new(used.schema.clone(), used.name.clone());
            let Some(relation) = catalog.relation(&name) else { continue };
            // Behind a view the column has another place.
            let behind_view = relation.kind == RelationKind::View || !relation.reads.is_empty();
            if behind_view || found.iter().any(|known| known.id.relation == name) {
                continue;
            }
            for (column, mask) in self.own(relation, catalog) {
                let known = relation.columns.iter().find(|known| known.name == column);
                let Some(known) = known.filter(|_| mask.method == MaskMethod::Detect) else {
                    continue;
                };
                let data_type = known.base_type.as_ref().unwrap_or(&known.data_type);
                let family = match catalog.engine() {
                    Engine::Postgres => {
                        let kind = Type::of(data_type);
                        if kind.array { Family::Other } else { kind.family }
                    }
                    engine @ (Engine::Mariadb | Engine::Mysql) => {
                        mysql::Type::of(data_type, engine).family
                    }
                };
                let json = family == Family::Json;
                if !json && family != Family::Text {
                    continue;
                }
                let kinds = match mask.params.get("kinds").and_then(Value::as_array) {
                    Some(kinds) => {
                        kinds.iter().filter_map(|kind| kind.as_str().map(str::to_owned)).collect()
                    }
                    None => DETECTORS.map(str::to_owned).to_vec(),
                };
                found.push(Marked { id: ColumnId::new(name.clone(), column), kinds, json });
            }
        }
        found
    }
}
