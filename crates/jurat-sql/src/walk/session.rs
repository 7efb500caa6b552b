//! Statements about the session: transactions, settings, prepared statements, cursors, locks.

use jurat_types::{Access, ColumnRole, FunctionClass, StatementClass, Via};
use sqlparser::ast::{
    Analyze, CloseCursor, ContextModifier, DiscardObject, Expr, Ident, Lock, Reset, ResetStatement,
    Set, SetAssignment, Statement, VacuumStatement, Value as Literal,
};

use super::{Stop, Walker};
use crate::names;
use crate::statement::SessionEffect;

/// Settings that decide where names are looked up.
const NAME_SETTINGS: &[&str] = &["role", "search_path", "session_authorization"];

impl Walker<'_> {
    #[expect(clippy::too_many_lines, reason = "a list of short arms, one per statement")]
    pub(super) fn session(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        if let Statement::StartTransaction {
            modes: _,
            begin: _,
            transaction: _,
            modifier: None,
            statements,
            exception: None,
            has_end_keyword: false,
        } = statement
        {
            if !statements.is_empty() {
                return Err(Stop::unsupported("a BEGIN block"));
            }
            self.transaction("begin");
        } else if let Statement::Commit { chain: _, end: _, modifier: None } = statement {
            self.transaction("commit");
        } else if let Statement::Rollback { chain: _, savepoint } = statement {
            self.transaction(if savepoint.is_some() {
                "rollback_to_savepoint"
            } else {
                "rollback"
            });
        } else if let Statement::Savepoint { name: _ } = statement {
            self.transaction("savepoint");
        } else if let Statement::ReleaseSavepoint { name: _ } = statement {
            self.transaction("release_savepoint");
        } else if let Statement::Set(set) = statement {
            return self.set(set);
        } else if let Statement::Reset(ResetStatement { reset }) = statement {
            let name = match reset {
                Reset::ALL => "all".to_owned(),
                Reset::SessionAuthorization => "session_authorization".to_owned(),
                Reset::ConfigurationParameter(name) => names::parts_of_label(name)?.join("."),
            };
            self.facts.set("reset", StatementClass::Session);
            self.setting(&name);
        } else if let Statement::ShowVariable { variable } = statement {
            let words: Vec<String> = variable.iter().map(names::label).collect::<Result<_, _>>()?;
            self.facts.set("show", StatementClass::Session);
            self.facts.setting(&show_name(&words));
        } else if let Statement::Discard { object_type } = statement {
            self.facts.set("discard", StatementClass::Session);
            self.facts.effect = match object_type {
                DiscardObject::ALL => SessionEffect::DiscardAll,
                DiscardObject::PLANS | DiscardObject::SEQUENCES => SessionEffect::None,
                DiscardObject::TEMP => SessionEffect::CatalogChanged,
            };
        } else if let Statement::Deallocate { name, prepare: _ } = statement {
            let all = name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all");
            self.facts.set("deallocate", StatementClass::Session);
            let name = if all { None } else { Some(names::label(name)?) };
            self.facts.effect = SessionEffect::Deallocate { name };
        } else if let Statement::Execute { .. } = statement {
            return self.execute(statement);
        } else if let Statement::Fetch { name, direction: _, position: _, into: None } = statement {
            self.facts.set("fetch", StatementClass::Read);
            self.facts.effect = SessionEffect::Fetch { name: names::label(name)? };
        } else if let Statement::Close { cursor } = statement {
            self.facts.set("close", StatementClass::Session);
            let name = match cursor {
                CloseCursor::All => None,
                CloseCursor::Specific { name } => Some(names::label(name)?),
            };
            self.facts.effect = SessionEffect::CloseCursor { name };
        } else if let Statement::LISTEN { channel } = statement {
            names::label(channel)?;
            self.facts.set("listen", StatementClass::Session);
        } else if let Statement::UNLISTEN { channel: _ } = statement {
            self.facts.set("unlisten", StatementClass::Session);
        } else if let Statement::NOTIFY { channel, payload: _ } = statement {
            names::label(channel)?;
            self.facts.set("notify", StatementClass::Session);
        } else if let Statement::Lock(Lock { tables, lock_mode: _, nowait: _ }) = statement {
            self.facts.set("lock", StatementClass::Transaction);
            for table in tables {
                let name = self.lookup(&table.name)?;
                let kind = super::relation::kind_name(self.relation(&name)?.kind);
                self.facts.relation(&name, kind, Access::Read, Via::Direct);
            }
        } else if let Statement::Call(function) = statement {
            self.facts.set("call", StatementClass::Write);
            self.call(function, ColumnRole::Argument)?;
        } else if let Statement::Vacuum(vacuum) = statement {
            return self.vacuum(vacuum);
        } else if let Statement::Analyze(Analyze { table_name, columns: _, .. }) = statement {
            self.facts.set("analyze", StatementClass::Admin);
            if let Some(table) = table_name {
                self.maintain(table)?;
            }
        } else {
            return Err(Stop::unsupported("this form of the statement"));
        }
        Ok(())
    }

    fn transaction(&mut self, kind: &str) {
        self.facts.set(kind, StatementClass::Transaction);
        self.facts.effect = SessionEffect::Transaction;
    }

    /// Writes down a setting that changes.
    pub(super) fn setting(&mut self, name: &str) {
        let name = name.to_ascii_lowercase();
        if name == "all" || NAME_SETTINGS.contains(&name.as_str()) {
            self.facts.effect = SessionEffect::SearchPathChanged;
        }
        self.facts.setting(&name);
    }

    fn set(&mut self, set: &mut Set) -> Result<(), Stop> {
        self.facts.set("set", StatementClass::Session);
        match set {
            Set::SingleAssignment { scope, hivevar: false, variable, values } => {
                Self::scope(scope.as_ref())?;
                let name = names::parts_of_label(variable)?.join(".");
                for value in &*values {
                    plain_value(value)?;
                }
                if let [value] = values.as_slice()
                    && keeps(&name, value)
                {
                    self.facts.settings_kept.push(name.to_ascii_lowercase());
                }
                // `SET SCHEMA 'x'` is another way to set the search path.
                self.setting(if name == "schema" { "search_path" } else { &name });
                Ok(())
            }
            Set::SetRole { context_modifier, role_name: _ } => {
                Self::scope(context_modifier.as_ref())?;
                self.setting("role");
                Ok(())
            }
            Set::SetSessionAuthorization(_) => {
                self.setting("session_authorization");
                Ok(())
            }
            Set::SetTimeZone { local: _, value } => {
                plain_value(value)?;
                self.setting("timezone");
                Ok(())
            }
            Set::SetNames { charset_name, collation_name } => {
                if collation_name.is_none() && is_utf8(&charset_name.value) {
                    self.facts.settings_kept.push("client_encoding".to_owned());
                }
                self.setting("client_encoding");
                Ok(())
            }
            Set::SetNamesDefault {} => {
                self.setting("client_encoding");
                Ok(())
            }
            Set::SetTransaction { modes: _, snapshot: _, session: _ } => {
                self.facts.set("set_transaction", StatementClass::Transaction);
                Ok(())
            }
            Set::MultipleAssignments { assignments } => {
                for SetAssignment { scope: _, name, value: _ } in assignments {
                    self.setting(&names::parts_of_label(name)?.join("."));
                }
                Err(Stop::unsupported("SET of several settings"))
            }
            Set::SingleAssignment { .. }
            | Set::ParenthesizedAssignments { .. }
            | Set::SetSessionParam(_) => Err(Stop::unsupported("this form of SET")),
        }
    }

    fn scope(scope: Option<&ContextModifier>) -> Result<(), Stop> {
        match scope {
            None | Some(ContextModifier::Local | ContextModifier::Session) => Ok(()),
            Some(ContextModifier::Global) => Err(Stop::unsupported("SET GLOBAL")),
        }
    }

    pub(super) fn execute(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        let Statement::Execute {
            name: Some(name),
            parameters,
            has_parentheses: _,
            immediate: false,
            into,
            using,
            output: false,
            default: false,
        } = statement
        else {
            return Err(Stop::unsupported("this form of EXECUTE"));
        };
        if !(into.is_empty() && using.is_empty()) {
            return Err(Stop::unsupported("this form of EXECUTE"));
        }
        let parts = names::parts_of_label(name)?;
        let [name] = parts.as_slice() else {
            return Err(Stop::unsupported("a qualified name in EXECUTE"));
        };
        self.facts.set("execute", StatementClass::Unknown);
        for parameter in parameters {
            self.expr(parameter, ColumnRole::Argument)?;
        }
        // What the name stands for is judged when this runs. What is computed for its parameters is
        // not, so it may do nothing that a policy could mind.
        let computes_only =
            self.facts.functions.iter().all(|called| called.class == FunctionClass::Pure);
        if !computes_only || !self.facts.relations.is_empty() {
            return Err(Stop::unsupported("a parameter of EXECUTE that does more than compute"));
        }
        self.facts.effect = SessionEffect::Execute { name: name.clone() };
        Ok(())
    }

    fn vacuum(&mut self, vacuum: &mut VacuumStatement) -> Result<(), Stop> {
        let VacuumStatement {
            full: _,
            sort_only: false,
            delete_only: false,
            reindex: false,
            recluster: false,
            table_name,
            threshold: None,
            boost: false,
        } = vacuum
        else {
            return Err(Stop::unsupported("this form of VACUUM"));
        };
        self.facts.set("vacuum", StatementClass::Admin);
        if let Some(table) = table_name {
            self.maintain(table)?;
        }
        Ok(())
    }

    /// REFRESH MATERIALIZED VIEW: its rows are made anew from what it reads.
    pub(crate) fn refresh(&mut self, view: &sqlparser::ast::ObjectName) -> Result<(), Stop> {
        let name = self.lookup(view)?;
        self.facts.set("refresh_materialized_view", StatementClass::Write);
        let kind = super::relation::kind_name(self.relation(&name)?.kind);
        self.facts.relation(&name, kind, Access::Write, Via::Direct);
        self.read_relation(&name, ColumnRole::Source)
    }

    /// Writes down a table that is looked after; neither its rows nor its definition change.
    pub(crate) fn maintain(&mut self, table: &sqlparser::ast::ObjectName) -> Result<(), Stop> {
        let name = self.lookup(table)?;
        let kind = super::relation::kind_name(self.relation(&name)?.kind);
        self.facts.relation(&name, kind, Access::Read, Via::Direct);
        Ok(())
    }
}

/// A value of SET: a word, a number or a string, and nothing that computes.
fn plain_value(value: &Expr) -> Result<(), Stop> {
    if let Expr::Identifier(Ident { .. }) = value {
        return Ok(());
    }
    if let Expr::Value(value) = value {
        return if matches!(value.value, Literal::Placeholder(_)) {
            Err(Stop::unsupported("a parameter in SET"))
        } else {
            Ok(())
        };
    }
    if let Expr::UnaryOp { expr, .. } = value {
        return plain_value(expr);
    }
    if let Expr::Interval(_) = value {
        return Ok(());
    }
    Err(Stop::unsupported("this value in SET"))
}

/// Whether a pinned setting is only set to the value that it is pinned to.
fn keeps(name: &str, value: &Expr) -> bool {
    let word = if let Expr::Identifier(Ident { value, quote_style: None, .. }) = value {
        value
    } else if let Expr::Value(value) = value {
        let Literal::SingleQuotedString(text) = &value.value else {
            return value.value == Literal::Boolean(true) && is_conforming(name);
        };
        text
    } else {
        return false;
    };
    if name.eq_ignore_ascii_case("client_encoding") {
        is_utf8(word)
    } else {
        is_conforming(name) && word.eq_ignore_ascii_case("on")
    }
}

fn is_conforming(name: &str) -> bool {
    name.eq_ignore_ascii_case("standard_conforming_strings")
}

/// PostgreSQL's names of UTF-8.
fn is_utf8(name: &str) -> bool {
    ["utf8", "utf-8", "unicode"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The setting that a SHOW is about; some have names of several words.
fn show_name(words: &[String]) -> String {
    let joined = words.join(" ");
    match joined.as_str() {
        "time zone" => "timezone".to_owned(),
        "transaction isolation level" => "transaction_isolation".to_owned(),
        "session authorization" => "session_authorization".to_owned(),
        _ => words.join("."),
    }
}
