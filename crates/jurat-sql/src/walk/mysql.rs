//! What MySQL and MariaDB have of their own where names and values are concerned.

use jurat_types::{Access, ColumnMode, ColumnRole, FunctionClass, RelationName, Via};
use sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArgumentList, Ident, JsonTableColumn, ObjectName,
    ObjectNamePart, SelectInto,
};

use super::{Stop, Value, Walker};
use crate::mask::RewriteError;
use crate::mysql;
use crate::scope::{Col, Shape};
use crate::statement::SearchPath;
use crate::temporary;

/// Functions whose first argument is a word of the grammar: a unit, or a kind of value.
const WORD_FIRST: [&str; 3] = ["get_format", "timestampadd", "timestampdiff"];

/// Whether a collation is none, but says how a group is sorted.
pub(super) fn is_sorting(collation: &ObjectName) -> bool {
    matches!(
        collation.0.as_slice(),
        [ObjectNamePart::Identifier(name)] if mysql::is_sorted(&name.value)
    )
}

impl Walker<'_> {
    /// The database that unqualified names are looked up in.
    ///
    /// # Errors
    /// Where none is selected, or which one it is is not known.
    fn default_database(&self, name: &str) -> Result<&str, Stop> {
        match &self.names.search_path {
            SearchPath::Known(databases) => match databases.first() {
                Some(database) => Ok(database),
                None => Err(Stop::unresolved("without a selected database", name)),
            },
            SearchPath::Unknown => Err(Stop::unresolved("without a known database", name)),
        }
    }

    /// The table that a name of one or two parts stands for.
    pub(super) fn lookup_table(&self, parts: &[String]) -> Result<RelationName, Stop> {
        let wanted = self.new_table(parts)?;
        // A view means what it meant when it was made.
        if self.depth == 0
            && let Some(own) = self.catalog.temporary_table(&wanted.schema, &wanted.name)?
        {
            return Ok(own);
        }
        self.catalog
            .table(&wanted.schema, &wanted.name)
            .ok_or_else(|| Stop::unresolved("relation", wanted.to_string()))
    }

    /// The name that a new table gets.
    pub(super) fn new_table(&self, parts: &[String]) -> Result<RelationName, Stop> {
        let (database, name) = match parts {
            [name] => (self.default_database(name)?, name),
            [database, name] => (database.as_str(), name),
            _ => return Err(Stop::unsupported("a relation name of more than two parts")),
        };
        if temporary::is_taken(database) {
            return Err(Stop::unsupported("a database that is called as temporary tables are"));
        }
        Ok(RelationName::new(database, name))
    }

    /// Lets the clauses behind the result columns see their aliases.
    pub(super) fn show_aliases(&mut self, outputs: &Shape) {
        if !self.naming.is_postgres()
            && let Some(scope) = self.scopes.last_mut()
        {
            scope.outputs = Some(outputs.clone());
        }
    }

    /// Keeps the entries of the innermost FROM list, where they are wanted behind the query.
    pub(super) fn keep_items(&mut self) {
        if self.kept_items.is_some() {
            self.kept_items = self.scopes.last().map(|scope| scope.items.clone());
        }
    }

    /// Refuses what stands behind a table and is the other servers' syntax, or would be lost with a mask.
    pub(super) fn check_hints(&self, plain: bool, sampled: bool) -> Result<(), Stop> {
        if self.naming.is_postgres() {
            return if plain { Ok(()) } else { Err(Stop::unsupported("a table hint")) };
        }
        if sampled {
            return Err(Stop::unsupported("TABLESAMPLE"));
        }
        if !plain && self.masks.is_some() {
            return Err(Stop::Mask(RewriteError::Text {
                reason: "an index hint or a partition in a statement over protected tables"
                    .to_owned(),
            }));
        }
        Ok(())
    }

    /// JSON_TABLE: each of its columns can be made of all that the document is made of.
    pub(super) fn json_table(
        &mut self,
        document: &mut Expr,
        columns: &[JsonTableColumn],
    ) -> Result<Shape, Stop> {
        let opaque = self.opaque;
        let value = self.expr(document, ColumnRole::Argument)?;
        let opaque = self.opaque > opaque;
        let sources = std::rc::Rc::from(value.sources.as_slice());
        let mut cols = Vec::with_capacity(columns.len());
        let mut waiting: Vec<&JsonTableColumn> = columns.iter().rev().collect();
        while let Some(column) = waiting.pop() {
            self.spend(1)?;
            let name = match column {
                JsonTableColumn::Named(column) => &column.name,
                JsonTableColumn::ForOrdinality(name) => name,
                JsonTableColumn::Nested(nested) => {
                    waiting.extend(nested.columns.iter().rev());
                    continue;
                }
            };
            let name = self.naming.label(name)?;
            cols.push(Col { opaque, ..Col::any(name, &sources) });
        }
        Ok(Shape::closed(cols))
    }

    /// `NEXTVAL(s)` and the like: the first argument is a sequence. The result is how many arguments that are.
    pub(super) fn sequence(
        &mut self,
        object: &ObjectName,
        arguments: &mut [FunctionArg],
    ) -> Result<usize, Stop> {
        if self.naming.is_postgres() {
            return Ok(0);
        }
        let [ObjectNamePart::Identifier(name)] = object.0.as_slice() else { return Ok(0) };
        let lower = name.value.to_ascii_lowercase();
        let access = match lower.as_str() {
            "nextval" | "setval" => Access::Write,
            "lastval" => Access::Read,
            _ => return Ok(0),
        };
        let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))) = arguments.first_mut()
        else {
            return Ok(0);
        };
        let parts = if let Expr::Identifier(ident) = &*argument {
            vec![ident.clone()]
        } else if let Expr::CompoundIdentifier(parts) = &*argument {
            parts.clone()
        } else {
            return Err(Stop::unsupported("a computed name of a sequence"));
        };
        let name = self.lookup(&ObjectName::from(parts))?;
        let kind = super::relation::kind_name(self.relation(&name)?.kind);
        self.facts.relation(&name, kind, access, Via::Direct);
        let parts = vec![self.naming.ident(&name.schema), self.naming.ident(&name.name)];
        *argument = Expr::CompoundIdentifier(parts);
        Ok(1)
    }

    /// Whether a name is the table of no columns and one row.
    pub(super) fn is_dual(&self, name: &ObjectName) -> bool {
        !self.naming.is_postgres()
            && matches!(
                name.0.as_slice(),
                [ObjectNamePart::Identifier(Ident { value, quote_style: None, .. })]
                    if value.eq_ignore_ascii_case("dual")
            )
    }

    /// Writes down a called function.
    pub(super) fn mysql_function(&mut self, object: &mut ObjectName) -> Result<(), Stop> {
        let parts = self.naming.parts_of_call(object)?;
        match parts.as_slice() {
            [name] => {
                let bare = matches!(
                    object.0.as_slice(),
                    [ObjectNamePart::Identifier(Ident { quote_style: None, .. })]
                );
                let lower = name.to_ascii_lowercase();
                let class = mysql::function_class(&lower, self.naming.engine);
                match class {
                    Some(class) if bare => {
                        self.called(&lower, class);
                        Ok(())
                    }
                    Some(_) | None => self.stored_function(object, name),
                }
            }
            [database, name] => {
                let id = self.known_function(database, name)?;
                self.called(&id, self.catalog.user_function_class(&id));
                Ok(())
            }
            _ => Err(Stop::unsupported("a function name of more than two parts")),
        }
    }

    /// A function without a database that is none of the server's own.
    fn stored_function(&mut self, object: &mut ObjectName, name: &str) -> Result<(), Stop> {
        let database = self.default_database(name)?.to_owned();
        let id = self.known_function(&database, name)?;
        self.called(&id, self.catalog.user_function_class(&id));
        *object = self.naming.qualified(&RelationName::new(database, name));
        Ok(())
    }

    /// The id of a stored function; the names of functions have no case.
    fn known_function(&self, database: &str, name: &str) -> Result<String, Stop> {
        let mut known = self.catalog.catalog().functions.iter().filter(|function| {
            self.naming.same_table(&function.name.schema, database)
                && function.name.name.eq_ignore_ascii_case(name)
        });
        match known.next() {
            Some(function) => Ok(function.name.to_string()),
            None => Err(Stop::unresolved("function", name)),
        }
    }

    /// A function of the grammar, such as EXTRACT.
    pub(super) fn built_in(&mut self, name: &str) {
        let class = mysql::function_class(name, self.naming.engine);
        self.called(name, class.unwrap_or(FunctionClass::Unknown));
    }

    /// Whether an identifier is a variable of the session or the server.
    pub(super) fn is_variable(&self, ident: &Ident) -> bool {
        !self.naming.is_postgres() && ident.quote_style.is_none() && ident.value.starts_with('@')
    }

    /// `@a := expr`: what the variable gets can be read later without any check, so it counts as written.
    pub(super) fn assignment(
        &mut self,
        left: &Expr,
        right: &mut Expr,
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        let variable = if let Expr::Identifier(ident) = left {
            self.is_variable(ident) && !ident.value.starts_with("@@")
        } else {
            false
        };
        if !variable {
            return Err(Stop::unsupported("`:=` behind anything but a user variable"));
        }
        let value = self.part(right, ColumnRole::Source)?;
        // The variable keeps it from row to row.
        self.facts.gathering.note();
        self.record(&value.sources, role, ColumnMode::Derived);
        Ok(value)
    }

    /// `_utf8mb4'…'` and `BINARY x`.
    pub(super) fn introducer(&self, prefix: &Ident) -> Result<(), Stop> {
        let lower = prefix.value.to_ascii_lowercase();
        if prefix.quote_style.is_none() && (lower == "binary" || mysql::is_introducer(&lower)) {
            Ok(())
        } else {
            Err(Stop::unsupported("a string in another character set"))
        }
    }

    /// The columns of MATCH … AGAINST.
    pub(super) fn matched(
        &mut self,
        columns: &mut [ObjectName],
        role: ColumnRole,
    ) -> Result<Value, Stop> {
        let mut value = Value::default();
        for column in columns {
            let mut idents = crate::names::idents(column)?;
            let (one, mask) = self.column_ref(&mut idents, role, false)?;
            if mask.is_some() {
                return Err(Stop::unsupported("MATCH over a masked column"));
            }
            *column = idents.into();
            value.absorb(&one);
        }
        Ok(value)
    }

    /// `VALUES(column)`: the value that was to be inserted, and nothing of the table.
    pub(super) fn inserted_value(
        &self,
        object: &ObjectName,
        list: &FunctionArgumentList,
    ) -> Result<Option<Value>, Stop> {
        let (
            [ObjectNamePart::Identifier(name)],
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(column))],
        ) = (object.0.as_slice(), list.args.as_slice())
        else {
            return Ok(None);
        };
        let is_values = ["value", "values"].iter().any(|w| name.value.eq_ignore_ascii_case(w));
        if self.naming.is_postgres() || name.quote_style.is_some() || !is_values {
            return Ok(None);
        }
        if let Expr::Identifier(ident) = column {
            self.naming.name(ident).map(|_| Some(Value::default()))
        } else if let Expr::CompoundIdentifier(_) = column {
            Ok(Some(Value::default()))
        } else {
            Err(Stop::unsupported("VALUES() of anything but a column"))
        }
    }

    /// `SELECT … INTO @a, @b`.
    pub(super) fn check_variables(&self, into: &SelectInto) -> Result<(), Stop> {
        let SelectInto { temporary: false, unlogged: false, table: false, targets } = into else {
            return Err(Stop::unsupported("this form of INTO"));
        };
        let variable = |target: &Expr| {
            if let Expr::Identifier(ident) = target { self.is_variable(ident) } else { false }
        };
        if targets.iter().all(variable) {
            Ok(())
        } else {
            Err(Stop::unsupported("INTO anything but user variables"))
        }
    }

    /// How many of a function's first arguments are words of the grammar.
    pub(super) fn n_words(&self, object: &ObjectName, arguments: &[FunctionArg]) -> usize {
        if self.naming.is_postgres() {
            return 0;
        }
        let [ObjectNamePart::Identifier(name)] = object.0.as_slice() else { return 0 };
        let bare = |argument: &FunctionArg| {
            matches!(
                argument,
                FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(Ident {
                    quote_style: None,
                    ..
                })))
            )
        };
        let takes_word = WORD_FIRST.iter().any(|known| name.value.eq_ignore_ascii_case(known));
        usize::from(takes_word && arguments.first().is_some_and(bare))
    }
}
