//! Calls: which function a name stands for, and what it can do.

use jurat_types::{ColumnMode, ColumnRole, FunctionClass, RelationName};
use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, Ident, NamedWindowDefinition,
    NamedWindowExpr, ObjectName, ObjectNamePart, WindowFrame, WindowFrameBound, WindowSpec,
    WindowType,
};

use super::expr::{predicate_unless_source, sources_of};
use super::{Stop, Value, Walker};
use crate::catalog_index::{CatalogIndex, SYSTEM_SCHEMA};
use crate::statement::SessionEffect;
use crate::{mysql, names, pre};

/// Words of the grammar that look like calls. They cannot be redefined and must not be qualified.
const CONSTRUCTS: &[&str] = &[
    "array",
    "coalesce",
    "greatest",
    "grouping",
    "least",
    "nullif",
    "row",
    "xmlconcat",
    "xmlforest",
];

/// The same, with the major version since which they are such words.
const NEWER_CONSTRUCTS: &[(&str, u32)] = &[
    ("json_array", 16),
    ("json_arrayagg", 16),
    ("json_exists", 17),
    ("json_objectagg", 16),
    ("json_query", 17),
    ("json_scalar", 17),
    ("json_serialize", 17),
    ("json_value", 17),
    ("merge_action", 17),
];

/// Words of the grammar that are values: no brackets, or only a precision.
pub(super) const VALUE_WORDS: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "localtime",
    "localtimestamp",
    "session_user",
    "user",
];

/// What stands among the settings for one that `set_config` changes and the text does not name. It is
/// the name of no setting, so no list of harmless ones can hold it.
const COMPUTED_SETTING: &str = "(computed)";

impl Walker<'_> {
    /// A call in an expression.
    pub(super) fn call(
        &mut self,
        function: &mut Function,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        let Function {
            name,
            uses_odbc_syntax: false,
            parameters: FunctionArguments::None,
            args,
            within_group,
            filter,
            null_treatment: None,
            over,
        } = function
        else {
            return Err(Stop::unsupported("this form of a function call"));
        };
        let mut value = Value::default();
        match args {
            FunctionArguments::None => self.value_word(name)?,
            FunctionArguments::Subquery(query) => {
                let parts = names::parts_of_label(name)?;
                if parts != ["array"] && !parts.iter().all(|part| pre::is_mark(part)) {
                    return Err(Stop::unsupported("a sub-query without brackets as an argument"));
                }
                value.absorb(&sources_of(&self.query(query, role)?));
                self.facts.gathering.note();
            }
            FunctionArguments::List(list) => {
                if let Some(projected) = self.functional_notation(name, list, role)? {
                    return Ok(projected);
                }
                if let Some(value) = self.inserted_value(name, list)? {
                    return Ok(value);
                }
                let n_sequences = self.sequence(name, &mut list.args)?;
                let n_words = self.n_words(name, &list.args).max(n_sequences);
                self.function_name(name, &list.args)?;
                value = self.argument_list(list, n_words, role)?;
                self.note_gathering(name, list.args.len(), over.is_some());
            }
        }
        for order in within_group {
            value.absorb(&self.order_expr(order, ColumnRole::Order)?);
        }
        if let Some(filter) = filter {
            value.absorb(&self.part(filter, predicate_unless_source(role))?);
        }
        match over {
            None => {}
            Some(WindowType::NamedWindow(window)) => {
                self.naming.label(window)?;
            }
            Some(WindowType::WindowSpec(window)) => value.absorb(&self.window(window)?),
        }
        value.direct = false;
        value.row = None;
        Ok(value)
    }

    /// Notes where a call makes one value of many.
    fn note_gathering(&mut self, name: &ObjectName, n_arguments: usize, over: bool) {
        let ident = |part: &ObjectNamePart| part.as_ident().map(|ident| ident.value.clone());
        let parts: Vec<String> = name.0.iter().filter_map(ident).collect();
        match parts.as_slice() {
            // A mark stands for words of the grammar.
            [name] if pre::is_mark(name) => {}
            [name] => self.facts.gathering.call(name, n_arguments, true, over),
            [schema, name] => {
                let own = schema == SYSTEM_SCHEMA;
                self.facts.gathering.call(name, n_arguments, own, over);
            }
            _ => self.facts.gathering.note(),
        }
    }

    /// `current_user` and the like.
    fn value_word(&self, name: &ObjectName) -> Result<(), Stop> {
        let parts = names::parts_of_label(name)?;
        match parts.as_slice() {
            [word] if !self.naming.is_postgres() && mysql::VALUE_WORDS.contains(&word.as_str()) => {
                Ok(())
            }
            [word] if VALUE_WORDS.contains(&word.as_str()) => Ok(()),
            _ => Err(Stop::unsupported("a function without brackets")),
        }
    }

    /// `ssn(u)`: a column, written as a function of the row.
    fn functional_notation(
        &mut self,
        name: &ObjectName,
        list: &mut FunctionArgumentList,
        role: ColumnRole,
    ) -> Result<Option<Value>, Stop> {
        if !self.naming.is_postgres() {
            return Ok(None);
        }
        let idents = names::idents(name)?;
        let ([ident], [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))]) =
            (idents.as_slice(), list.args.as_mut_slice())
        else {
            return Ok(None);
        };
        let field = names::label(ident)?;
        if CONSTRUCTS.contains(&field.as_str()) || pre::is_mark(&field) {
            return Ok(None);
        }
        let shape = if let Expr::Identifier(ident) = argument {
            self.row_of(&mut vec![ident.clone()])?
        } else if let Expr::CompoundIdentifier(parts) = argument {
            self.row_of(parts)?
        } else {
            // A row that is no reference has no column that could be meant.
            None
        };
        match shape {
            Some(shape) if shape.cols.iter().any(|col| *col.name == *field) => {
                if self.is_function(&field)? {
                    // A function that takes the row goes first, if there is one. The name stays as
                    // it is, because behind a schema it could not be the column any more.
                    self.unqualified_function(&field)?;
                    Self::unmarked(&shape, "a function of its row")?;
                    let whole = sources_of(&shape);
                    self.record(&whole.sources, role, ColumnMode::WholeRow);
                    return Ok(Some(Value { row: None, ..whole }));
                }
                self.project(&shape, &field, role).map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }

    fn argument_list(
        &mut self,
        list: &mut FunctionArgumentList,
        n_words: usize,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        // DISTINCT says which values are equal.
        let role = match duplicate_treatment {
            Some(DuplicateTreatment::Distinct) => ColumnRole::Group,
            Some(DuplicateTreatment::All) | None => role,
        };
        let mut value = Value::default();
        for argument in args.iter_mut().skip(n_words) {
            value.absorb(&self.argument(argument, role)?);
        }
        for clause in clauses {
            match clause {
                FunctionArgumentClause::OrderBy(orders) => {
                    for order in orders {
                        value.absorb(&self.order_expr(order, ColumnRole::Order)?);
                    }
                }
                FunctionArgumentClause::Separator(_) if !self.naming.is_postgres() => {}
                FunctionArgumentClause::Limit(limit) if !self.naming.is_postgres() => {
                    value.absorb(&self.expr(limit, ColumnRole::Predicate)?);
                }
                FunctionArgumentClause::JsonNullClause(_) => {}
                FunctionArgumentClause::JsonReturningClause(returning) => {
                    self.data_type(&mut returning.data_type)?;
                }
                FunctionArgumentClause::IgnoreOrRespectNulls(_)
                | FunctionArgumentClause::Where(_)
                | FunctionArgumentClause::Limit(_)
                | FunctionArgumentClause::OnOverflow(_)
                | FunctionArgumentClause::Having(_)
                | FunctionArgumentClause::Separator(_) => {
                    return Err(Stop::unsupported("a clause inside a function call"));
                }
            }
        }
        Ok(value)
    }

    /// One argument.
    pub(super) fn argument(
        &mut self,
        argument: &mut FunctionArg,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        let mut value = Value::default();
        let argument = match argument {
            FunctionArg::Unnamed(argument) => argument,
            FunctionArg::Named { name, arg, operator: _ } => {
                names::label(name)?;
                arg
            }
            FunctionArg::ExprNamed { name, arg, operator } => {
                let (Expr::Identifier(name), FunctionArgOperator::RightArrow) = (name, operator)
                else {
                    return Err(Stop::unsupported("this form of a named argument"));
                };
                // The name of a parameter, not of a column.
                names::label(name)?;
                arg
            }
        };
        match argument {
            FunctionArgExpr::Expr(expr) => value.absorb(&self.part(expr, role)?),
            // `count(*)` counts rows and reads no column.
            FunctionArgExpr::Wildcard => {}
            FunctionArgExpr::QualifiedWildcard(name) => {
                let mut idents = names::idents(name)?;
                let shape = self.qualified_shape(&mut idents)?;
                *name = idents.into();
                Self::unmarked(&shape, "`.*` in an expression")?;
                let whole = sources_of(&shape);
                self.record(&whole.sources, role, ColumnMode::WholeRow);
                value.absorb(&whole);
            }
            FunctionArgExpr::WildcardWithOptions(_) => {
                return Err(Stop::unsupported("an option of `*`"));
            }
        }
        Ok(value)
    }

    /// Whether a call is one of the grammar's own. In quotes the word is the name of a function.
    fn is_construct(&self, object: &ObjectName, name: &str) -> bool {
        let bare = matches!(
            object.0.as_slice(),
            [ObjectNamePart::Identifier(Ident { quote_style: None, .. })]
        );
        let version = self.catalog.major_version();
        let newer = |(known, since): &(&str, u32)| *known == name && version >= *since;
        bare && (CONSTRUCTS.contains(&name) || NEWER_CONSTRUCTS.iter().any(newer))
    }

    /// Resolves the name of a called function, writes it down, and qualifies it.
    pub(super) fn function_name(
        &mut self,
        object: &mut ObjectName,
        arguments: &[FunctionArg],
    ) -> Result<(), Stop> {
        if !self.naming.is_postgres() {
            return self.mysql_function(object);
        }
        let parts = names::parts_of_label(object)?;
        match parts.as_slice() {
            [name] if self.is_construct(object, name) || pre::is_mark(name) => Ok(()),
            [name] => {
                if let Some(schema) = self.unqualified_call(name, arguments)? {
                    *object = names::qualified(&RelationName::new(schema, name));
                }
                Ok(())
            }
            [schema, name] if schema == SYSTEM_SCHEMA => {
                self.system_function(name, arguments);
                Ok(())
            }
            [schema, name] => {
                if !self.catalog.function_schemas(name).contains(schema) {
                    let id = format!("{schema}.{name}");
                    let Some(class) = CatalogIndex::other_function_class(&id) else {
                        return Err(Stop::unresolved("function", id));
                    };
                    self.called(&id, class);
                    return Ok(());
                }
                let id = format!("{schema}.{name}");
                self.called(&id, self.catalog.user_function_class(&id));
                Ok(())
            }
            _ => Err(Stop::unsupported("a function name of more than two parts")),
        }
    }

    /// Resolves a function that is called by syntax of its own (`a SIMILAR TO b`), as a call by its
    /// name alone would be.
    pub(super) fn unqualified_function(&mut self, name: &str) -> Result<Option<String>, Stop> {
        self.unqualified_call(name, &[])
    }

    /// Resolves a function by its name alone. The result is its schema where only one can be meant.
    ///
    /// PostgreSQL chooses among the overloads of all schemas of the path, so a name that stands in
    /// several of them can be any of them.
    fn unqualified_call(
        &mut self,
        name: &str,
        arguments: &[FunctionArg],
    ) -> Result<Option<String>, Stop> {
        if !self.naming.is_postgres() {
            self.built_in(name);
            return Ok(None);
        }
        let schemas = self.function_candidates(name)?;
        match schemas.as_slice() {
            [] => Err(Stop::unresolved("function", name)),
            [only] if only == SYSTEM_SCHEMA => {
                self.system_function(name, arguments);
                Ok(Some(SYSTEM_SCHEMA.to_owned()))
            }
            [only] => {
                let id = format!("{only}.{name}");
                self.called(&id, self.catalog.user_function_class(&id));
                Ok(Some(only.clone()))
            }
            several => {
                if several.iter().any(|schema| schema == SYSTEM_SCHEMA) {
                    self.system_function(name, arguments);
                }
                for schema in several.iter().filter(|schema| *schema != SYSTEM_SCHEMA) {
                    let id = format!("{schema}.{name}");
                    self.called(&id, self.catalog.user_function_class(&id));
                }
                Ok(None)
            }
        }
    }

    /// Writes down a call, and whether what comes out of it can be anything.
    pub(super) fn called(&mut self, id: &str, class: FunctionClass) {
        match class {
            FunctionClass::DynamicSql
            | FunctionClass::File
            | FunctionClass::Network
            | FunctionClass::Unknown => self.opaque = self.opaque.saturating_add(1),
            FunctionClass::Admin
            | FunctionClass::Catalog
            | FunctionClass::Pure
            | FunctionClass::Settings
            | FunctionClass::Volatile => {}
        }
        self.facts.function(id, class);
    }

    /// Writes down a function of `pg_catalog`.
    fn system_function(&mut self, name: &str, arguments: &[FunctionArg]) {
        if name == "set_config" {
            // Which setting it is can be computed, so it can always be the search path.
            self.facts.effect = SessionEffect::SearchPathChanged;
            self.facts.setting(&changed_setting(arguments));
        }
        if name == "current_setting"
            && let Some(setting) = arguments.first().and_then(literal_text)
        {
            self.facts.setting(&setting.to_ascii_lowercase());
        }
        let class = self.catalog.system_function_class(name);
        self.called(&format!("{SYSTEM_SCHEMA}.{name}"), class);
    }

    /// Whether an unqualified name can be a function.
    pub(super) fn is_function(&self, name: &str) -> Result<bool, Stop> {
        Ok(!self.function_candidates(name)?.is_empty())
    }

    fn function_candidates(&self, name: &str) -> Result<Vec<String>, Stop> {
        let known = self.catalog.function_schemas(name);
        // Functions are never looked up among temporary objects.
        Ok(self
            .search_path(name)?
            .iter()
            .filter(|schema| {
                if *schema == SYSTEM_SCHEMA {
                    self.catalog.has_system_function(name)
                } else {
                    known.contains(schema) && !super::is_temporary(schema)
                }
            })
            .cloned()
            .collect())
    }

    /// `OVER (…)`.
    fn window(&mut self, window: &mut WindowSpec) -> Result<Value, Stop> {
        let WindowSpec { window_name, partition_by, order_by, window_frame } = window;
        if let Some(name) = window_name {
            self.naming.label(name)?;
        }
        let mut value = self.parts(partition_by, ColumnRole::Group)?;
        for order in order_by {
            value.absorb(&self.order_expr(order, ColumnRole::Order)?);
        }
        if let Some(WindowFrame { units: _, start_bound, end_bound }) = window_frame {
            for bound in std::iter::once(start_bound).chain(end_bound) {
                match bound {
                    WindowFrameBound::CurrentRow
                    | WindowFrameBound::Preceding(None)
                    | WindowFrameBound::Following(None) => {}
                    WindowFrameBound::Preceding(Some(offset))
                    | WindowFrameBound::Following(Some(offset)) => {
                        value.absorb(&self.part(offset, ColumnRole::Predicate)?);
                    }
                }
            }
        }
        Ok(value)
    }

    /// `WINDOW w AS (…)`.
    pub(super) fn named_window(&mut self, window: &mut NamedWindowDefinition) -> Result<(), Stop> {
        let NamedWindowDefinition(name, definition) = window;
        self.naming.label(name)?;
        match definition {
            NamedWindowExpr::NamedWindow(_) => {
                Err(Stop::unsupported("a window named after another one"))
            }
            NamedWindowExpr::WindowSpec(window) => self.window(window).map(|_| ()),
        }
    }
}

/// The setting that `set_config` changes. Its name and what it is set to have to be written in the
/// statement or given as a parameter: what is computed could be any setting, or carry a value of a
/// column out of the statement.
fn changed_setting(arguments: &[FunctionArg]) -> String {
    if let [name, rest @ ..] = arguments
        && let Some(setting) = literal_text(name)
        && rest.iter().all(is_plain_value)
    {
        return setting.to_ascii_lowercase();
    }
    COMPUTED_SETTING.to_owned()
}

fn literal_text(argument: &FunctionArg) -> Option<&str> {
    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) = argument
        && let sqlparser::ast::Value::SingleQuotedString(text) = &value.value
    {
        return Some(text);
    }
    None
}

const fn is_plain_value(argument: &FunctionArg) -> bool {
    matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(_))))
}
