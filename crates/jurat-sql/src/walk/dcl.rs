//! Rights: GRANT, REVOKE, roles and row security policies.

use jurat_types::{Access, ColumnRole, StatementClass, Via};
use sqlparser::ast::{
    AlterPolicy, AlterPolicyOperation, CreatePolicy, DropPolicy, Expr, Grant, GrantObjects,
    ObjectName, Revoke, Statement,
};

use super::{Stop, Walker};
use crate::names;
use crate::statement::SessionEffect;

impl Walker<'_> {
    pub(super) fn dcl(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        if let Statement::Grant(Grant { objects, .. }) = statement {
            self.facts.set("grant", StatementClass::Dcl);
            self.grant_objects(objects.as_ref())
        } else if let Statement::Revoke(Revoke { objects, .. }) = statement {
            self.facts.set("revoke", StatementClass::Dcl);
            self.grant_objects(objects.as_ref())
        } else if let Statement::CreateRole(_) = statement {
            self.facts.set("create_role", StatementClass::Dcl);
            Ok(())
        } else if let Statement::AlterRole { .. } = statement {
            self.facts.set("alter_role", StatementClass::Dcl);
            Ok(())
        } else if let Statement::CreatePolicy(policy) = statement {
            let CreatePolicy { name, table_name, using, with_check, .. } = policy;
            names::label(name)?;
            self.policy("create_policy", table_name, [using.as_mut(), with_check.as_mut()])
        } else if let Statement::AlterPolicy(AlterPolicy { name, table_name, operation }) =
            statement
        {
            names::label(name)?;
            match operation {
                AlterPolicyOperation::Rename { new_name: _ } => {
                    self.policy("alter_policy", table_name, [None, None])
                }
                AlterPolicyOperation::Apply { to: _, using, with_check } => {
                    self.policy("alter_policy", table_name, [using.as_mut(), with_check.as_mut()])
                }
            }
        } else if let Statement::DropPolicy(DropPolicy { name, table_name, .. }) = statement {
            names::label(name)?;
            self.policy("drop_policy", table_name, [None, None])
        } else {
            Err(Stop::unsupported("this statement about rights"))
        }
    }

    /// A row security policy; its conditions run for every later statement on the table.
    fn policy(
        &mut self,
        kind: &str,
        table: &ObjectName,
        conditions: [Option<&mut Expr>; 2],
    ) -> Result<(), Stop> {
        self.facts.set(kind, StatementClass::Dcl);
        self.facts.effect = SessionEffect::CatalogChanged;
        let name = self.define_existing(table)?;
        self.with_scope(|walker| {
            walker.add_target(&name, None)?;
            for condition in conditions.into_iter().flatten() {
                walker.expr(condition, ColumnRole::Predicate)?;
            }
            Ok(())
        })
    }

    fn grant_objects(&mut self, objects: Option<&GrantObjects>) -> Result<(), Stop> {
        match objects {
            // GRANT role TO role.
            None => Ok(()),
            Some(
                GrantObjects::Tables(names)
                | GrantObjects::Views(names)
                | GrantObjects::Sequences(names),
            ) => {
                for name in names {
                    self.define_existing(name)?;
                }
                Ok(())
            }
            Some(
                GrantObjects::AllSequencesInSchema { schemas }
                | GrantObjects::AllTablesInSchema { schemas },
            ) => {
                for schema in schemas {
                    self.every_relation_of(schema)?;
                }
                Ok(())
            }
            Some(
                GrantObjects::AllFunctionsInSchema { schemas } | GrantObjects::Schemas(schemas),
            ) => {
                for schema in schemas {
                    self.schema(schema)?;
                }
                Ok(())
            }
            Some(GrantObjects::Databases(_)) => Ok(()),
            Some(
                GrantObjects::Function { name, arg_types: _ }
                | GrantObjects::Procedure { name, arg_types: _ },
            ) => self.function_name(&mut name.clone(), &[]),
            Some(
                GrantObjects::AllViewsInSchema { .. }
                | GrantObjects::AllMaterializedViewsInSchema { .. }
                | GrantObjects::AllExternalTablesInSchema { .. }
                | GrantObjects::FutureSchemasInDatabase { .. }
                | GrantObjects::FutureTablesInSchema { .. }
                | GrantObjects::FutureViewsInSchema { .. }
                | GrantObjects::FutureExternalTablesInSchema { .. }
                | GrantObjects::FutureMaterializedViewsInSchema { .. }
                | GrantObjects::FutureSequencesInSchema { .. }
                | GrantObjects::Warehouses(_)
                | GrantObjects::Integrations(_)
                | GrantObjects::ResourceMonitors(_)
                | GrantObjects::Users(_)
                | GrantObjects::ComputePools(_)
                | GrantObjects::Connections(_)
                | GrantObjects::FailoverGroup(_)
                | GrantObjects::ReplicationGroup(_)
                | GrantObjects::ExternalVolumes(_),
            ) => Err(Stop::unsupported("rights on a kind of object that PostgreSQL does not have")),
        }
    }

    /// A schema that exists.
    pub(super) fn schema(&self, name: &ObjectName) -> Result<String, Stop> {
        let parts = names::parts(name)?;
        match parts.as_slice() {
            [schema] if self.catalog.has_schema(schema) => Ok(schema.clone()),
            [schema] => Err(Stop::unresolved("schema", schema)),
            _ => Err(Stop::unsupported("a schema name of several parts")),
        }
    }

    /// Writes down every relation of a schema.
    pub(super) fn every_relation_of(&mut self, name: &ObjectName) -> Result<(), Stop> {
        let schema = self.schema(name)?;
        let catalog = self.catalog;
        for relation in &catalog.catalog().relations {
            if relation.name.schema == schema {
                self.spend(1)?;
                let kind = super::relation::kind_name(relation.kind);
                self.facts.relation(&relation.name, kind, Access::Ddl, Via::Direct);
            }
        }
        Ok(())
    }
}
