//! Joins the catalog labels (`data.jurat.catalog`) into what a statement touches.

use std::{collections::HashSet, sync::Arc};

use jurat_policy::{Labels, Surface, SurfaceColumn};
use jurat_sql::CatalogIndex;
use jurat_types::{ColumnId, Relation, RelationName, StatementFacts};

/// How far up a chain of partitions or inherited tables labels are looked for.
const ANCESTORS_MAX: usize = 64;

/// Fills in the `labels` of relations, columns and functions.
pub(crate) fn join(facts: &mut StatementFacts, labels: &Labels, catalog: &CatalogIndex) {
    for relation in Arc::make_mut(&mut facts.relations) {
        let name = RelationName::new(relation.schema.clone(), relation.name.clone());
        relation.labels =
            collect(&with_ancestors(&name, catalog), |name| labels.of(&name.to_string()));
    }
    for column in Arc::make_mut(&mut facts.columns) {
        // The parts of the relation's name come from the list of relations: a dotted string does not
        // tell where it splits.
        let used = facts.relations.iter().find(|relation| relation.id == column.relation);
        column.labels = match used {
            Some(used) => {
                let relation = RelationName::new(used.schema.clone(), used.name.clone());
                column_labels(&family(&relation, catalog), &column.name, labels)
            }
            None => labels.of(&column.id).to_vec(),
        };
    }
    for function in Arc::make_mut(&mut facts.functions) {
        function.labels = labels.of(&format!("{}()", function.id)).to_vec();
    }
}

/// Every column of every relation that the statement reads or writes, so that a mask given as a glob
/// or a label reaches also the columns that the statement does not name. Rows of a child are rows of
/// its parents, so a column is also that of each relation in its family.
pub(crate) fn surface(facts: &StatementFacts, labels: &Labels, catalog: &CatalogIndex) -> Surface {
    let mut surface = Surface::default();
    let mut seen: HashSet<RelationName> = HashSet::new();
    for used in facts.relations.iter() {
        let name = RelationName::new(used.schema.clone(), used.name.clone());
        if !seen.insert(name.clone()) {
            continue;
        }
        let family = family(&name, catalog);
        surface.relations.extend(family.iter().map(ToString::to_string));
        if let Some(Relation { columns, .. }) = catalog.relation(&name) {
            surface.columns.extend(columns.iter().map(|column| {
                let others = family.iter().skip(1);
                SurfaceColumn {
                    labels: column_labels(&family, &column.name, labels),
                    also: others.map(|name| format!("{name}.{}", column.name)).collect(),
                    column: ColumnId::new(name.clone(), column.name.clone()),
                }
            }));
        }
    }
    surface
}

/// The labels that a column has in any relation of a family.
fn column_labels(family: &[RelationName], column: &str, labels: &Labels) -> Vec<String> {
    collect(family, |name| labels.of(&format!("{name}.{column}")))
}

/// A relation, and then everything that it is a part of, and everything that is a part of it.
fn family(name: &RelationName, catalog: &CatalogIndex) -> Vec<RelationName> {
    let mut names = with_ancestors(name, catalog);
    let mut seen: HashSet<RelationName> = HashSet::from([name.clone()]);
    let mut waiting = vec![name];
    while let Some(parent) = waiting.pop() {
        for child in catalog.children(parent) {
            if seen.insert(child.clone()) {
                names.push(child.clone());
                waiting.push(child);
            }
        }
    }
    names
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
    names: &[RelationName],
    labels_of: impl Fn(&RelationName) -> &'a [String],
) -> Vec<String> {
    let mut all: Vec<String> = names.iter().flat_map(|name| labels_of(name).to_vec()).collect();
    all.sort();
    all.dedup();
    all
}
