//! An index over a catalog snapshot: what a name stands for, what a write reaches.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jurat_types::{
    Catalog, Engine, ForeignKey, FunctionClass, Relation, RelationKind, RelationName, Trigger,
};

use crate::names::Naming;
use crate::temporary::{self, TemporaryTables};
use crate::view::View;
use crate::walk::Stop;
use crate::{builtin, mysql};

/// The schema of the server's own objects.
pub(crate) const SYSTEM_SCHEMA: &str = "pg_catalog";

/// The schema of the standard's views, whose names are compared without regard to case in MySQL and MariaDB.
const INFORMATION_SCHEMA: &str = "information_schema";

/// An immutable index over a [`Catalog`]. A clone shares it.
#[derive(Clone, Debug)]
pub struct CatalogIndex {
    inner: Arc<Inner>,
    /// Those of one session. No other has this index.
    temporary: Option<Arc<TemporaryTables>>,
}

#[derive(Debug)]
struct Inner {
    catalog: Catalog,
    /// The server's own relations where the snapshot leaves them out.
    system: Vec<Relation>,
    relations: HashMap<RelationName, Place>,
    /// Schemas by function name, without `pg_catalog`.
    functions: HashMap<String, Vec<String>>,
    system_functions: HashSet<String>,
    /// Names of `pg_catalog` with an overload that does not come with the server.
    added_functions: HashSet<String>,
    /// Functions of extensions that compute and do nothing else, as `schema.name`.
    computing_functions: HashSet<String>,
    /// Of MySQL and MariaDB: the relations by their names in lower case.
    folded: HashMap<RelationName, RelationName>,
    types: HashSet<RelationName>,
    schemas: HashSet<String>,
    children: HashMap<RelationName, Vec<RelationName>>,
    references: HashMap<RelationName, Vec<usize>>,
    triggers: HashMap<RelationName, Vec<usize>>,
    /// The definitions of views that were read so far; they are the same as long as the snapshot is.
    views: Mutex<HashMap<RelationName, Option<Arc<View>>>>,
}

/// Where a relation is stored.
#[derive(Clone, Copy, Debug)]
enum Place {
    Snapshot(usize),
    System(usize),
}

impl CatalogIndex {
    /// Makes the index. Where the snapshot has no system relations, the built-in ones are added.
    pub fn new(catalog: Catalog) -> Self {
        let system = match catalog.engine {
            _ if catalog.has_system => Vec::new(),
            Engine::Postgres => builtin::system_relations(),
            engine @ (Engine::Mariadb | Engine::Mysql) => mysql::system_relations(engine),
        };
        let mut inner = Inner {
            system,
            relations: HashMap::new(),
            functions: HashMap::new(),
            system_functions: builtin::function_names().map(str::to_owned).collect(),
            added_functions: HashSet::new(),
            computing_functions: HashSet::new(),
            folded: HashMap::new(),
            types: catalog.types.iter().cloned().collect(),
            schemas: catalog.schemas.iter().cloned().collect(),
            children: HashMap::new(),
            references: HashMap::new(),
            triggers: HashMap::new(),
            views: Mutex::new(HashMap::new()),
            catalog,
        };
        inner.schemas.extend([SYSTEM_SCHEMA.to_owned(), "information_schema".to_owned()]);
        for (index, relation) in inner.system.iter().enumerate() {
            inner.relations.insert(relation.name.clone(), Place::System(index));
        }
        for (index, relation) in inner.catalog.relations.iter().enumerate() {
            if !inner.catalog.engine.is_postgres() && temporary::is_taken(&relation.name.schema) {
                // It would pass for a table of the session alone.
                continue;
            }
            inner.relations.insert(relation.name.clone(), Place::Snapshot(index));
            for parent in &relation.parents {
                inner.children.entry(parent.clone()).or_default().push(relation.name.clone());
            }
        }
        if !inner.catalog.engine.is_postgres() {
            for name in inner.relations.keys() {
                let lower = RelationName::new(name.schema.to_lowercase(), name.name.to_lowercase());
                inner.folded.insert(lower, name.clone());
            }
        }
        for function in &inner.catalog.functions {
            let RelationName { schema, name } = &function.name;
            if schema == SYSTEM_SCHEMA {
                inner.system_functions.insert(name.clone());
                if function.added {
                    inner.added_functions.insert(name.clone());
                }
            } else {
                inner.functions.entry(name.clone()).or_default().push(schema.clone());
                if function.extension.as_deref().is_some_and(builtin::is_computing_extension) {
                    inner.computing_functions.insert(function.name.to_string());
                }
            }
        }
        for (index, key) in inner.catalog.foreign_keys.iter().enumerate() {
            inner.references.entry(key.referenced.clone()).or_default().push(index);
        }
        for (index, trigger) in inner.catalog.triggers.iter().enumerate() {
            inner.triggers.entry(trigger.relation.clone()).or_default().push(index);
        }
        Self { inner: Arc::new(inner), temporary: None }
    }

    /// The same snapshot for a session that has temporary tables, of MySQL or MariaDB.
    pub fn with_temporary(&self, tables: TemporaryTables) -> Self {
        Self { inner: Arc::clone(&self.inner), temporary: Some(Arc::new(tables)) }
    }

    /// The temporary table that a name of MySQL or MariaDB stands for in this session.
    ///
    /// # Errors
    /// Where there is one, or may be one, of which nothing is known.
    pub(crate) fn temporary_table(
        &self,
        schema: &str,
        name: &str,
    ) -> Result<Option<RelationName>, Stop> {
        let Some(tables) = &self.temporary else { return Ok(None) };
        if tables.too_many() {
            return Err(Stop::unsupported("so many temporary tables in one session"));
        }
        let wanted = self.naming().temporary(schema, name);
        match tables.get(&wanted) {
            None => Ok(None),
            Some(Some(_)) => Ok(Some(wanted)),
            Some(None) => {
                Err(Stop::unsupported(format!("the temporary table `{name}`, as it was made,")))
            }
        }
    }

    /// Whose catalog it is.
    pub fn engine(&self) -> Engine {
        self.inner.catalog.engine
    }

    /// By which rules its names are compared and written.
    pub(crate) fn naming(&self) -> Naming {
        Naming { engine: self.engine(), folds_tables: self.inner.catalog.folds_table_names }
    }

    /// The relation that a name of MySQL or MariaDB stands for, under its name in the catalog.
    pub(crate) fn table(&self, schema: &str, name: &str) -> Option<RelationName> {
        let exact = RelationName::new(schema, name);
        if self.inner.relations.contains_key(&exact) {
            return Some(exact);
        }
        let lower = RelationName::new(schema.to_lowercase(), name.to_lowercase());
        let folds = self.inner.catalog.folds_table_names || lower.schema == INFORMATION_SCHEMA;
        if folds { self.inner.folded.get(&lower).cloned() } else { None }
    }

    /// The server's major version; 0 where it is not known.
    pub(crate) fn major_version(&self) -> u32 {
        let version = self.inner.catalog.server_version.as_str();
        let digits = version.split(|c: char| !c.is_ascii_digit()).next();
        digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }

    /// The snapshot itself.
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// The relation of that name, if there is one.
    pub fn relation(&self, name: &RelationName) -> Option<&Relation> {
        match self.inner.relations.get(name) {
            Some(Place::Snapshot(index)) => self.inner.catalog.relations.get(*index),
            Some(Place::System(index)) => self.inner.system.get(*index),
            None => self.temporary.as_ref()?.get(name)?,
        }
    }

    /// What the definition of a view says; nothing where the relation is no view, or the definition is
    /// not understood. `depth` counts the views whose definitions are being read.
    pub(crate) fn view(&self, relation: &Relation, depth: usize) -> Option<Arc<View>> {
        relation.definition.as_ref()?;
        let known = || self.inner.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = known().get(&relation.name) {
            return view.clone();
        }
        // Read without the lock, because a view can read other views.
        let view = View::read(relation, self, depth).map(Arc::new);
        // Also where it is not understood, or is too deep: each definition is read once at most.
        known().insert(relation.name.clone(), view.clone());
        view
    }

    /// Schemas other than `pg_catalog` that have a function of that name.
    pub(crate) fn function_schemas(&self, name: &str) -> &[String] {
        self.inner.functions.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether `pg_catalog` has a function of that name.
    pub(crate) fn has_system_function(&self, name: &str) -> bool {
        self.inner.system_functions.contains(name)
    }

    /// What a function of `pg_catalog` can do.
    pub(crate) fn system_function_class(&self, name: &str) -> FunctionClass {
        if self.inner.added_functions.contains(name) {
            return FunctionClass::Unknown;
        }
        builtin::function_class(name).unwrap_or(FunctionClass::Unknown)
    }

    /// What a function of another schema can do, `id` is `schema.name`: those of well-known extensions compute,
    /// of others nothing is known.
    pub(crate) fn user_function_class(&self, id: &str) -> FunctionClass {
        if self.inner.computing_functions.contains(id) {
            return FunctionClass::Pure;
        }
        // Those of `sys` come with the server.
        mysql::function_class(id, self.engine()).unwrap_or(FunctionClass::Unknown)
    }

    /// What a function of another schema that ships with the server can do; `id` is `schema.name`.
    pub(crate) fn other_function_class(id: &str) -> Option<FunctionClass> {
        builtin::function_class(id)
    }

    /// The relations that a view reads, in a MySQL or MariaDB, through other views too; nothing for what is
    /// no view there.
    ///
    /// # Errors
    /// Where the definition is not known or not understood: then the view can read anything.
    pub(crate) fn behind_view(
        &self,
        relation: &Relation,
        depth: usize,
    ) -> Result<Vec<RelationName>, Stop> {
        let own = mysql::is_system(&relation.name.schema);
        if self.engine().is_postgres() || relation.kind != RelationKind::View || own {
            return Ok(Vec::new());
        }
        let Some(view) = self.view(relation, depth) else {
            return Err(Stop::unresolved("the definition of view", relation.name.to_string()));
        };
        let names = view.relations.iter();
        Ok(names.map(|used| RelationName::new(used.schema.clone(), used.name.clone())).collect())
    }

    /// Whether there is a data type of that name outside `pg_catalog`; every relation is one.
    pub(crate) fn has_type(&self, name: &RelationName) -> bool {
        self.inner.types.contains(name) || self.inner.relations.contains_key(name)
    }

    /// Whether there is a schema of that name.
    pub(crate) fn has_schema(&self, name: &str) -> bool {
        self.inner.schemas.contains(name)
    }

    /// Partitions and inheritance children, direct ones only.
    pub fn children(&self, name: &RelationName) -> &[RelationName] {
        self.inner.children.get(name).map_or(&[], Vec::as_slice)
    }

    /// Foreign keys that point to a relation.
    pub(crate) fn references(&self, name: &RelationName) -> impl Iterator<Item = &ForeignKey> {
        let indexes = self.inner.references.get(name).map_or(&[][..], Vec::as_slice);
        indexes.iter().filter_map(|index| self.inner.catalog.foreign_keys.get(*index))
    }

    /// Triggers on a relation.
    pub(crate) fn triggers(&self, name: &RelationName) -> impl Iterator<Item = &Trigger> {
        let indexes = self.inner.triggers.get(name).map_or(&[][..], Vec::as_slice);
        indexes.iter().filter_map(|index| self.inner.catalog.triggers.get(*index))
    }
}
