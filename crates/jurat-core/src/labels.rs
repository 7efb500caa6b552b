//! Joins the catalog labels (`data.jurat.catalog`) into what a statement touches.

use jurat_policy::{Labels, Surface, SurfaceColumn};
use jurat_sql::CatalogIndex;
use jurat_types::{ColumnId, Relation, RelationName, StatementFacts};

/// How far up a chain of partitions or inherited tables labels are looked for.
const ANCESTORS_MAX: usize = 64;

/// Fills in the `labels` of relations, columns and functions.
pub(crate) fn join(facts: &mut StatementFacts, labels: &Labels, catalog: &CatalogIndex) {
    for relation in &mut facts.relations {
        let name = RelationName::new(relation.schema.clone(), relation.name.clone());
        relation.labels =
            collect(with_ancestors(&name, catalog), |name| labels.of(&name.to_string()));
    }
    for column in &mut facts.columns {
        // The parts of the relation's name come from the list of relations: a dotted string does not
        // tell where it splits.
        let used = facts.relations.iter().find(|relation| relation.id == column.relation);
        column.labels = match used {
            Some(used) => {
                let relation = RelationName::new(used.schema.clone(), used.name.clone());
                column_labels(&relation, &column.name, labels, catalog)
            }
            None => labels.of(&column.id).to_vec(),
        };
    }
    for function in &mut facts.functions {
        function.labels = labels.of(&format!("{}()", function.id)).to_vec();
    }
}

/// Every column of every relation that the statement reads or writes, so that a mask given as a glob
/// or a label reaches also the columns that the statement does not name.
pub(crate) fn surface(facts: &StatementFacts, labels: &Labels, catalog: &CatalogIndex) -> Surface {
    let mut surface = Surface::default();
    let mut seen: Vec<RelationName> = Vec::new();
    for used in &facts.relations {
        let name = RelationName::new(used.schema.clone(), used.name.clone());
        if seen.contains(&name) {
            continue;
        }
        let ancestors = with_ancestors(&name, catalog);
        surface.relations.extend(ancestors.iter().map(ToString::to_string));
        add_parts(&name, &mut surface, catalog);
        if let Some(Relation { columns, .. }) = catalog.relation(&name) {
            surface.columns.extend(
                columns.iter().map(|column| SurfaceColumn {
                    labels: column_labels(&name, &column.name, labels, catalog),
                    also: ancestors
                        .iter()
                        .skip(1)
                        .map(|name| format!("{name}.{}", column.name))
                        .collect(),
                    column: ColumnId::new(name.clone(), column.name.clone()),
                }),
            );
        }
        seen.push(name);
    }
    surface
}

/// Adds the partitions and children of a relation, because reading it reads them.
fn add_parts(name: &RelationName, surface: &mut Surface, catalog: &CatalogIndex) {
    let mut waiting = vec![name];
    while let Some(parent) = waiting.pop() {
        for child in catalog.children(parent) {
            if surface.relations.insert(child.to_string()) {
                waiting.push(child);
            }
        }
    }
}

fn column_labels(
    relation: &RelationName,
    column: &str,
    labels: &Labels,
    catalog: &CatalogIndex,
) -> Vec<String> {
    collect(with_ancestors(relation, catalog), |name| labels.of(&format!("{name}.{column}")))
}

/// A partition or child carries the labels of its parents.
fn with_ancestors(name: &RelationName, catalog: &CatalogIndex) -> Vec<RelationName> {
    let mut names = vec![name.clone()];
    let mut next = 0;
    while let Some(current) = names.get(next).cloned() {
        next += 1;
        for parent in catalog.relation(&current).map(|r| r.parents.as_slice()).unwrap_or_default() {
            if names.len() < ANCESTORS_MAX && !names.contains(parent) {
                names.push(parent.clone());
            }
        }
    }
    names
}

fn collect<'a>(
    names: Vec<RelationName>,
    labels_of: impl Fn(&RelationName) -> &'a [String],
) -> Vec<String> {
    let mut all: Vec<String> = names.iter().flat_map(|name| labels_of(name).to_vec()).collect();
    all.sort();
    all.dedup();
    all
}
