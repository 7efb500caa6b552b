//! One statement: which kind it is, and where its parts are walked.

use jurat_types::{ColumnRole, StatementClass};
use sqlparser::ast::{
    Expr, Fetch, LimitClause, Query, Select, SetExpr, Statement, UtilityOption, Value as Literal,
};

use super::query::is_modification;
use super::{Stop, Walker};
use crate::facts::Inner;
use crate::names;
use crate::statement::SessionEffect;

impl Walker<'_> {
    /// Walks a whole statement.
    #[expect(clippy::too_many_lines, reason = "one arm per variant is what makes it exhaustive")]
    pub(crate) fn statement(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        match statement {
            Statement::Query(query) => self.top_query(query),
            Statement::Insert(_)
            | Statement::Update(_)
            | Statement::Delete(_)
            | Statement::Merge(_) => {
                self.facts.canonical = true;
                self.facts.set(modification_kind(statement), StatementClass::Write);
                let result = self.modification(statement)?;
                self.outputs(&result);
                self.data_modifying_class();
                Ok(())
            }
            Statement::Explain { .. } => self.explain(statement),
            Statement::Prepare { .. } => self.prepare(statement),
            Statement::Declare { stmts } => self.declare(stmts),
            Statement::Copy { .. } => self.copy(statement),
            Statement::Truncate(_)
            | Statement::CreateTable(_)
            | Statement::CreateView(_)
            | Statement::CreateIndex(_)
            | Statement::AlterTable(_)
            | Statement::AlterIndex { .. }
            | Statement::Drop { .. } => self.ddl_of_relation(statement),
            Statement::CreateSchema { .. }
            | Statement::CreateDatabase { .. }
            | Statement::CreateFunction(_)
            | Statement::CreateTrigger(_)
            | Statement::CreateSequence { .. }
            | Statement::CreateType { .. }
            | Statement::CreateDomain(_)
            | Statement::CreateExtension(_)
            | Statement::CreateOperator(_)
            | Statement::CreateOperatorFamily(_)
            | Statement::CreateOperatorClass(_)
            | Statement::CreateCollation(_)
            | Statement::CreateTextSearch(_)
            | Statement::AlterSchema(_)
            | Statement::AlterView { .. }
            | Statement::AlterType(_)
            | Statement::AlterFunction(_)
            | Statement::AlterOperator(_)
            | Statement::AlterOperatorFamily(_)
            | Statement::AlterOperatorClass(_)
            | Statement::AlterCollation(_)
            | Statement::AlterTextSearch(_)
            | Statement::DropFunction(_)
            | Statement::DropDomain(_)
            | Statement::DropProcedure { .. }
            | Statement::DropTrigger(_)
            | Statement::DropExtension(_)
            | Statement::DropOperator(_)
            | Statement::DropOperatorFamily(_)
            | Statement::DropOperatorClass(_)
            | Statement::Comment { .. } => self.ddl(statement),
            Statement::Grant(_)
            | Statement::Revoke(_)
            | Statement::CreateRole(_)
            | Statement::AlterRole { .. }
            | Statement::CreatePolicy(_)
            | Statement::AlterPolicy(_)
            | Statement::DropPolicy(_) => self.dcl(statement),
            Statement::StartTransaction { .. }
            | Statement::Commit { .. }
            | Statement::Rollback { .. }
            | Statement::Savepoint { .. }
            | Statement::ReleaseSavepoint { .. }
            | Statement::Set(_)
            | Statement::Reset(_)
            | Statement::ShowVariable { .. }
            | Statement::Discard { .. }
            | Statement::Deallocate { .. }
            | Statement::Execute { .. }
            | Statement::Fetch { .. }
            | Statement::Close { .. }
            | Statement::LISTEN { .. }
            | Statement::UNLISTEN { .. }
            | Statement::NOTIFY { .. }
            | Statement::Lock(_)
            | Statement::Call(_)
            | Statement::Vacuum(_)
            | Statement::Analyze(_) => self.session(statement),
            Statement::CreateUser(_) | Statement::AlterUser(_) => {
                Err(Stop::unsupported("this form of CREATE or ALTER USER"))
            }
            Statement::Load { .. } => Err(Stop::unsupported("LOAD")),
            Statement::CreateServer(_) => Err(Stop::unsupported("CREATE SERVER")),
            Statement::CreateProcedure { .. } => Err(Stop::unsupported("CREATE PROCEDURE")),
            Statement::Msck(_)
            | Statement::Install { .. }
            | Statement::Directory { .. }
            | Statement::Case(_)
            | Statement::If(_)
            | Statement::While(_)
            | Statement::Raise(_)
            | Statement::CopyIntoSnowflake { .. }
            | Statement::Open(_)
            | Statement::CreateVirtualTable { .. }
            | Statement::CreateSecret { .. }
            | Statement::CreateConnector(_)
            | Statement::AlterConnector { .. }
            | Statement::AlterSession { .. }
            | Statement::AttachDatabase { .. }
            | Statement::AttachDuckDBDatabase { .. }
            | Statement::DetachDuckDBDatabase { .. }
            | Statement::DropSecret { .. }
            | Statement::DropConnector { .. }
            | Statement::Flush { .. }
            | Statement::ShowFunctions { .. }
            | Statement::ShowStatus { .. }
            | Statement::ShowVariables { .. }
            | Statement::ShowCreate { .. }
            | Statement::ShowColumns { .. }
            | Statement::ShowCatalogs { .. }
            | Statement::ShowDatabases { .. }
            | Statement::ShowProcessList { .. }
            | Statement::ShowSchemas { .. }
            | Statement::ShowCharset(_)
            | Statement::ShowObjects(_)
            | Statement::ShowTables { .. }
            | Statement::ShowViews { .. }
            | Statement::ShowCollation { .. }
            | Statement::Use(_)
            | Statement::CreateMacro { .. }
            | Statement::CreateStage { .. }
            | Statement::CreateFileFormat { .. }
            | Statement::CreateWarehouse(_)
            | Statement::Assert { .. }
            | Statement::Deny(_)
            | Statement::Kill { .. }
            | Statement::ExplainTable { .. }
            | Statement::Cache { .. }
            | Statement::UNCache { .. }
            | Statement::Pragma { .. }
            | Statement::LockTables { .. }
            | Statement::UnlockTables
            | Statement::Unload { .. }
            | Statement::OptimizeTable { .. }
            | Statement::LoadData { .. }
            | Statement::RenameTable(_)
            | Statement::List(_)
            | Statement::Put { .. }
            | Statement::Remove(_)
            | Statement::RaisError { .. }
            | Statement::Throw(_)
            | Statement::Print(_)
            | Statement::WaitFor(_)
            | Statement::Return(_)
            | Statement::ExportData(_) => {
                Err(Stop::unsupported("a statement that PostgreSQL does not have"))
            }
        }
    }

    /// A query at the top of a statement: SELECT, VALUES, or WITH before a write.
    fn top_query(&mut self, query: &mut Query) -> Result<(), Stop> {
        self.facts.canonical = true;
        self.facts.limit = literal_limit(query);
        if is_modification(&query.body) {
            self.facts.set(body_kind(&query.body), StatementClass::Write);
            let result = self.query(query, ColumnRole::Output)?;
            self.outputs(&result);
            self.data_modifying_class();
            return Ok(());
        }
        let into = first_select(&mut query.body).and_then(|select| select.into.as_ref());
        if let Some(into) = into
            && !self.naming.is_postgres()
        {
            self.check_variables(into)?;
            self.facts.set("select_into", StatementClass::Read);
            self.into_allowed = true;
            // A variable can be read later without any check, so what it gets counts as written.
            self.query(query, ColumnRole::Source)?;
            return Ok(());
        }
        if let Some(into) = into {
            if into.table && into.targets.is_empty() {
                return Err(Stop::unsupported("INTO without a name"));
            }
            let temporary = into.temporary;
            let [target] = into.targets.as_slice() else {
                return Err(Stop::unsupported("INTO several names"));
            };
            let target = if let Expr::Identifier(ident) = target {
                vec![ident.clone()]
            } else if let Expr::CompoundIdentifier(parts) = target {
                parts.clone()
            } else {
                return Err(Stop::unsupported("this form of INTO"));
            };
            self.define_new(&target.into(), temporary)?;
            self.facts.set("select_into", StatementClass::Ddl);
            self.facts.effect = SessionEffect::CatalogChanged;
            self.into_allowed = true;
            self.query(query, ColumnRole::Source)?;
            return Ok(());
        }
        self.facts.set("select", StatementClass::Read);
        let result = self.query(query, ColumnRole::Output)?;
        self.outputs(&result);
        self.data_modifying_class();
        Ok(())
    }

    /// A WITH query that writes makes the whole statement a write.
    fn data_modifying_class(&mut self) {
        if self.facts.data_modifying_cte {
            self.facts.class = StatementClass::Write;
        }
    }

    fn explain(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        let Statement::Explain {
            describe_alias: sqlparser::ast::DescribeAlias::Explain,
            analyze,
            verbose: _,
            query_plan: false,
            estimate: false,
            statement: inner,
            format: _,
            options,
        } = statement
        else {
            return Err(Stop::unsupported("this form of EXPLAIN"));
        };
        let executes =
            *analyze || options.iter().flatten().any(|option| turns_on(option, "analyze"));
        if let Statement::Explain { .. } | Statement::Prepare { .. } = &**inner {
            return Err(Stop::unsupported("EXPLAIN of this statement"));
        }
        if let Statement::Execute { .. } = &**inner {
            // Judged as if it ran: what stands behind the name is the same in both cases.
            self.execute(inner)?;
            self.facts.set("explain", StatementClass::Unknown);
            return Ok(());
        }
        let explainable = matches!(
            &**inner,
            Statement::Query(_)
                | Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
                | Statement::Merge(_)
                | Statement::CreateTable(_)
                | Statement::CreateView(_)
        );
        if !explainable {
            return Err(Stop::unsupported("EXPLAIN of this statement"));
        }
        self.statement(inner)?;
        let class = if executes { self.facts.class } else { StatementClass::Read };
        self.facts.set("explain", class);
        self.facts.executes = executes;
        self.facts.canonical = true;
        if !executes {
            self.facts.effect = SessionEffect::None;
        }
        Ok(())
    }

    fn prepare(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        let Statement::Prepare { name, data_types, statement: inner } = statement else {
            return Err(Stop::unsupported("this form of PREPARE"));
        };
        for data_type in data_types {
            self.data_type(data_type)?;
        }
        let name = names::label(name)?;
        let preparable = matches!(
            &**inner,
            Statement::Query(_)
                | Statement::Insert(_)
                | Statement::Update(_)
                | Statement::Delete(_)
                | Statement::Merge(_)
        );
        if !preparable {
            return Err(Stop::unsupported("PREPARE of this statement"));
        }
        self.statement(inner)?;
        let class = self.facts.class;
        self.facts.set("prepare", class);
        self.facts.canonical = true;
        self.facts.inner = Some(Inner::Prepare { name });
        Ok(())
    }

    fn declare(&mut self, declarations: &mut [sqlparser::ast::Declare]) -> Result<(), Stop> {
        let [
            sqlparser::ast::Declare {
                names: cursors,
                data_type: None,
                assignment: None,
                declare_type: Some(sqlparser::ast::DeclareType::Cursor),
                binary: _,
                sensitive: _,
                scroll: _,
                hold: _,
                for_query: Some(query),
            },
        ] = declarations
        else {
            return Err(Stop::unsupported("this form of DECLARE"));
        };
        let [cursor] = cursors.as_slice() else {
            return Err(Stop::unsupported("DECLARE of several cursors"));
        };
        let name = names::label(cursor)?;
        self.top_query(query)?;
        let class = self.facts.class;
        self.facts.set("declare", class);
        self.facts.inner = Some(Inner::Declare { name });
        Ok(())
    }
}

/// The word for a write.
fn modification_kind(statement: &Statement) -> &'static str {
    if matches!(statement, Statement::Insert(_)) {
        "insert"
    } else if matches!(statement, Statement::Update(_)) {
        "update"
    } else if matches!(statement, Statement::Delete(_)) {
        "delete"
    } else {
        "merge"
    }
}

/// The word for a write behind WITH.
fn body_kind(body: &SetExpr) -> &'static str {
    match body {
        SetExpr::Insert(statement)
        | SetExpr::Update(statement)
        | SetExpr::Delete(statement)
        | SetExpr::Merge(statement) => modification_kind(statement),
        SetExpr::Query(query) => body_kind(&query.body),
        SetExpr::Select(_)
        | SetExpr::SetOperation { .. }
        | SetExpr::Values(_)
        | SetExpr::Table(_) => "select",
    }
}

/// The SELECT that may have INTO.
fn first_select(body: &mut SetExpr) -> Option<&mut Select> {
    match body {
        SetExpr::Select(select) => Some(select),
        SetExpr::Query(query) => first_select(&mut query.body),
        SetExpr::SetOperation { left, .. } => first_select(left),
        SetExpr::Values(_)
        | SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => None,
    }
}

/// A LIMIT or FETCH that is a plain number.
fn literal_limit(query: &Query) -> Option<u64> {
    let limit = match (&query.limit_clause, &query.fetch) {
        (Some(LimitClause::LimitOffset { limit: Some(limit), .. }), _) => limit,
        // With ties, more rows can come.
        (_, Some(Fetch { with_ties: false, percent: false, quantity })) => match quantity {
            None => return Some(1),
            Some(quantity) => quantity,
        },
        _ => return None,
    };
    if let Expr::Value(value) = limit
        && let Literal::Number(number, _) = &value.value
    {
        number.parse().ok()
    } else {
        None
    }
}

/// Whether an option of EXPLAIN is on. What is not clearly off is on.
fn turns_on(option: &UtilityOption, name: &str) -> bool {
    let UtilityOption { name: label, arg } = option;
    if !label.value.eq_ignore_ascii_case(name) {
        return false;
    }
    let off = |text: String| {
        ["false", "off", "0"].contains(&text.trim_matches('\'').to_ascii_lowercase().as_str())
    };
    !arg.as_ref().is_some_and(|arg| off(arg.to_string()))
}
