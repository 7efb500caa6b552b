//! The facts of one statement while they are gathered: every list without duplicates, in the order of
//! first use.

use std::collections::HashSet;

use jurat_types::{
    Access, ColumnId, ColumnMode, ColumnRole, ColumnUse, FunctionClass, FunctionUse, OutputColumn,
    RelationName, RelationUse, StatementClass, Via,
};

use crate::gathering::Gathering;
use crate::statement::SessionEffect;

/// A statement that another one keeps for later.
#[derive(Clone, Debug)]
pub(crate) enum Inner {
    /// Under PREPARE.
    Prepare {
        /// The statement's name.
        name: String,
    },
    /// Under DECLARE.
    Declare {
        /// The cursor's name.
        name: String,
    },
}

/// What is known about a statement so far.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) kind: String,
    pub(crate) class: StatementClass,
    pub(crate) has_where: bool,
    /// Whether an UPDATE or DELETE has been met, so that `has_where` means something.
    pub(crate) has_condition_place: bool,
    pub(crate) where_always_true: bool,
    pub(crate) limit: Option<u64>,
    pub(crate) returning: bool,
    pub(crate) executes: bool,
    pub(crate) data_modifying_cte: bool,
    pub(crate) dynamic_sql: bool,
    pub(crate) parameters: usize,
    pub(crate) effect: SessionEffect,
    /// Present for PREPARE and DECLARE.
    pub(crate) inner: Option<Inner>,
    /// Whether a condition can fail on a value, and so tell about rows that are not in the result.
    pub(crate) can_fail: bool,
    /// Whether the text is printed from the tree; else the client's own text is used.
    pub(crate) canonical: bool,
    pub(crate) relations: Vec<RelationUse>,
    pub(crate) columns: Vec<ColumnUse>,
    pub(crate) functions: Vec<FunctionUse>,
    /// Whether one value of the result may hold several values of a column.
    pub(crate) gathering: Gathering,
    /// The columns of the result.
    pub(crate) outputs: Vec<OutputColumn>,
    pub(crate) settings: Vec<String>,
    pub(crate) settings_kept: Vec<String>,
    /// The uses in `relations`, once they are [`FEW`].
    seen_relations: HashSet<(RelationName, Access, Via)>,
    /// The uses in `columns`, once they are [`FEW`]: relation, name and how.
    seen_columns: HashSet<(String, String, How)>,
    seen_functions: HashSet<String>,
}

/// How a column is used.
type How = (ColumnRole, ColumnMode, Via);

/// Up to so many uses, looking through them costs less than hashing.
const FEW: usize = 24;

/// A relation as `Display` writes it, without its machinery: there are many.
pub(crate) fn relation_id(RelationName { schema, name }: &RelationName) -> String {
    [schema.as_str(), ".", name].concat()
}

/// The same for a column.
pub(crate) fn column_id(relation: &str, column: &str) -> String {
    [relation, ".", column].concat()
}

fn is_relation_id(id: &str, RelationName { schema, name }: &RelationName) -> bool {
    let rest = id.strip_prefix(schema.as_str()).and_then(|rest| rest.strip_prefix('.'));
    rest == Some(name.as_str())
}

impl Default for Facts {
    fn default() -> Self {
        Self {
            kind: "unparsed".to_owned(),
            class: StatementClass::Unknown,
            has_where: false,
            has_condition_place: false,
            where_always_true: false,
            limit: None,
            returning: false,
            executes: true,
            data_modifying_cte: false,
            dynamic_sql: false,
            parameters: 0,
            effect: SessionEffect::None,
            inner: None,
            can_fail: false,
            canonical: false,
            relations: Vec::new(),
            columns: Vec::new(),
            functions: Vec::new(),
            gathering: Gathering::default(),
            outputs: Vec::new(),
            settings: Vec::new(),
            settings_kept: Vec::new(),
            seen_relations: HashSet::new(),
            seen_columns: HashSet::new(),
            seen_functions: HashSet::new(),
        }
    }
}

impl Facts {
    /// Says what the statement is.
    pub(crate) fn set(&mut self, kind: &str, class: StatementClass) {
        kind.clone_into(&mut self.kind);
        self.class = class;
    }

    pub(crate) fn relation(&mut self, name: &RelationName, kind: &str, access: Access, via: Via) {
        let same = |used: &RelationUse| {
            (used.access, used.via) == (access, via)
                && used.name == name.name
                && used.schema == name.schema
        };
        let known = if self.relations.len() < FEW {
            self.relations.iter().any(same)
        } else {
            if self.seen_relations.is_empty() {
                let key = |used: &RelationUse| {
                    (
                        RelationName::new(used.schema.as_str(), used.name.as_str()),
                        used.access,
                        used.via,
                    )
                };
                self.seen_relations = self.relations.iter().map(key).collect();
            }
            !self.seen_relations.insert((name.clone(), access, via))
        };
        if !known {
            self.relations.push(RelationUse {
                id: relation_id(name),
                schema: name.schema.clone(),
                name: name.name.clone(),
                kind: kind.to_owned(),
                access,
                via,
                labels: Vec::new(),
            });
        }
    }

    /// A relation is read: once more where it is there already.
    pub(crate) fn read_again(&mut self, name: &RelationName) {
        let same = |used: &RelationUse| {
            used.access != Access::Ddl && used.name == name.name && used.schema == name.schema
        };
        // Of many it is not looked which they are.
        if self.relations.len() >= FEW || self.relations.iter().any(same) {
            self.gathering.note();
        }
    }

    /// Whether looking for a column in what is known already takes hashing.
    pub(crate) const fn has_many_columns(&self) -> bool {
        self.columns.len() >= FEW
    }

    /// A column that the statement itself names.
    pub(crate) fn column(&mut self, column: &ColumnId, role: ColumnRole, mode: ColumnMode) {
        self.column_via(column, role, mode, Via::Direct);
    }

    /// As [`Self::column_via`], for a column in two parts.
    pub(crate) fn column_of(&mut self, relation: &RelationName, name: &str, how: How) {
        let (role, mode, via) = how;
        let same = |used: &ColumnUse| {
            (used.role, used.mode, used.via) == how
                && used.name == name
                && is_relation_id(&used.relation, relation)
        };
        let few = !self.has_many_columns();
        if few && self.columns.iter().any(same) {
            return;
        }
        let relation = relation_id(relation);
        if !few {
            if self.seen_columns.is_empty() {
                let key = |used: &ColumnUse| {
                    (used.relation.clone(), used.name.clone(), (used.role, used.mode, used.via))
                };
                self.seen_columns = self.columns.iter().map(key).collect();
            }
            if !self.seen_columns.insert((relation.clone(), name.to_owned(), how)) {
                return;
            }
        }
        let (id, name, labels) = (column_id(&relation, name), name.to_owned(), Vec::new());
        self.columns.push(ColumnUse { id, relation, name, role, mode, via, labels });
    }

    /// A column that the statement names, or that the definition of a view does.
    pub(crate) fn column_via(
        &mut self,
        column: &ColumnId,
        role: ColumnRole,
        mode: ColumnMode,
        via: Via,
    ) {
        self.column_of(&column.relation, &column.column, (role, mode, via));
    }

    /// A use that was written down elsewhere.
    pub(crate) fn use_of(&mut self, used: &ColumnUse, via: Via) {
        let known = |column: &ColumnUse| {
            column.id == used.id
                && (column.role, column.mode, column.via) == (used.role, used.mode, via)
        };
        if !self.columns.iter().any(known) {
            self.columns.push(ColumnUse { via, ..used.clone() });
        }
    }

    pub(crate) fn function(&mut self, id: &str, class: FunctionClass) {
        if class == FunctionClass::DynamicSql {
            self.dynamic_sql = true;
        }
        if self.seen_functions.insert(id.to_owned()) {
            self.functions.push(FunctionUse { id: id.to_owned(), class, labels: Vec::new() });
        }
    }

    pub(crate) fn setting(&mut self, name: &str) {
        if !self.settings.iter().any(|known| known == name) {
            self.settings.push(name.to_owned());
        }
    }
}
