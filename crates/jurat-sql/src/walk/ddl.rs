//! Definitions of everything that is not a relation.

use jurat_types::{Access, FunctionClass, RelationName, StatementClass, Via};
use sqlparser::ast::{
    AlterSchemaOperation, CommentObject, CreateDomain, CreateFunctionBody, CreateTrigger,
    DropBehavior, DropFunction, DropTrigger, Expr, FunctionDesc, ObjectName, SchemaName, Statement,
};

use super::{Stop, Walker};
use crate::names;
use crate::scope::{Col, Item, Shape};
use crate::statement::SessionEffect;

impl Walker<'_> {
    #[expect(clippy::too_many_lines, reason = "a list of short arms, one per statement")]
    pub(super) fn ddl(&mut self, statement: &mut Statement) -> Result<(), Stop> {
        self.facts.effect = SessionEffect::CatalogChanged;
        if let Statement::CreateSchema { schema_name, clone: None, .. } = statement {
            self.define("create_schema");
            match schema_name {
                SchemaName::Simple(name) | SchemaName::NamedAuthorization(name, _) => {
                    names::parts(name)?;
                }
                SchemaName::UnnamedAuthorization(_) => {}
            }
        } else if let Statement::CreateDatabase { clone: None, .. } = statement {
            self.define("create_database");
        } else if let Statement::CreateFunction(function) = statement {
            self.define("create_function");
            self.creation_name(&function.name, false)?;
            for argument in function.args.iter_mut().flatten() {
                if let Some(default) = &mut argument.default_expr {
                    self.definition_expr(default)?;
                }
            }
            // A body in SQL's own syntax would have to be walked; text is opaque to the server too.
            match &function.function_body {
                None
                | Some(
                    CreateFunctionBody::AsBeforeOptions { .. }
                    | CreateFunctionBody::AsAfterOptions(_),
                ) => {}
                Some(
                    CreateFunctionBody::AsBeginEnd(_)
                    | CreateFunctionBody::Return(_)
                    | CreateFunctionBody::AsReturnExpr(_)
                    | CreateFunctionBody::AsReturnSelect(_),
                ) => return Err(Stop::unsupported("a function body that is not a string")),
            }
        } else if let Statement::CreateTrigger(trigger) = statement {
            self.define("create_trigger");
            let CreateTrigger {
                table_name,
                referenced_table_name,
                exec_body,
                statements,
                condition,
                ..
            } = trigger;
            if statements.is_some() {
                return Err(Stop::unsupported("a trigger with a body"));
            }
            let table = self.define_existing(table_name)?;
            if let Some(condition) = condition {
                self.trigger_condition(&table, condition)?;
            }
            if let Some(table) = referenced_table_name {
                self.maintain(table)?;
            }
            if let Some(body) = exec_body {
                self.function_name(&mut body.func_desc.name.clone(), &[])?;
            }
        } else if let Statement::DropTrigger(DropTrigger { table_name, .. }) = statement {
            self.define("drop_trigger");
            if let Some(table) = table_name {
                self.define_existing(table)?;
            }
        } else if let Statement::CreateSequence { temporary, name, owned_by: _, .. } = statement {
            self.define("create_sequence");
            self.define_new(name, *temporary)?;
        } else if let Statement::CreateType { name, .. } = statement {
            self.define("create_type");
            self.creation_name(name, false)?;
        } else if let Statement::CreateDomain(domain) = statement {
            self.define("create_domain");
            self.creation_name(&domain.name, false)?;
            self.data_type(&mut domain.data_type)?;
            self.domain_values(domain)?;
        } else if let Statement::CreateExtension(_) = statement {
            self.define("create_extension");
        } else if let Statement::DropExtension(_) = statement {
            self.define("drop_extension");
        } else if let Statement::CreateOperator(operator) = statement {
            self.define("create_operator");
            self.function_name(&mut operator.function.clone(), &[])?;
        } else if let Statement::CreateOperatorFamily(_) = statement {
            self.define("create_operator_family");
        } else if let Statement::CreateOperatorClass(_) = statement {
            self.define("create_operator_class");
        } else if let Statement::CreateCollation(_) = statement {
            self.define("create_collation");
        } else if let Statement::CreateTextSearch(_) = statement {
            self.define("create_text_search");
        } else if let Statement::AlterSchema(alter) = statement {
            self.define("alter_schema");
            self.every_relation_of(&alter.name)?;
            if alter.operations.iter().any(|op| matches!(op, AlterSchemaOperation::Rename { .. })) {
                let schema = self.schema(&alter.name)?;
                let relations = &self.catalog.catalog().relations;
                for relation in relations.iter().filter(|r| r.name.schema == schema) {
                    self.keeps_labels(Some(&relation.name), None)?;
                }
            }
        } else if let Statement::AlterView { .. } = statement {
            return Err(Stop::unsupported("this form of ALTER VIEW"));
        } else if let Statement::AlterType(_) = statement {
            self.define("alter_type");
        } else if let Statement::AlterFunction(alter) = statement {
            self.define("alter_function");
            self.described(&alter.function)?;
        } else if let Statement::AlterOperator(_) = statement {
            self.define("alter_operator");
        } else if let Statement::AlterOperatorFamily(_) = statement {
            self.define("alter_operator_family");
        } else if let Statement::AlterOperatorClass(_) = statement {
            self.define("alter_operator_class");
        } else if let Statement::AlterCollation(_) = statement {
            self.define("alter_collation");
        } else if let Statement::AlterTextSearch(_) = statement {
            self.define("alter_text_search");
        } else if let Statement::DropFunction(DropFunction { if_exists, func_desc, .. }) = statement
        {
            self.define("drop_function");
            for function in func_desc {
                self.dropped_function(function, *if_exists)?;
            }
        } else if let Statement::DropProcedure { if_exists, proc_desc, .. } = statement {
            self.define("drop_procedure");
            for function in proc_desc {
                self.dropped_function(function, *if_exists)?;
            }
        } else if let Statement::DropDomain(domain) = statement {
            self.define("drop_domain");
            if matches!(domain.drop_behavior, Some(DropBehavior::Cascade)) {
                self.dependent_columns(&domain.name)?;
            }
        } else if let Statement::DropOperator(_) = statement {
            self.define("drop_operator");
        } else if let Statement::DropOperatorFamily(_) = statement {
            self.define("drop_operator_family");
        } else if let Statement::DropOperatorClass(_) = statement {
            self.define("drop_operator_class");
        } else if let Statement::Comment { object_type, object_name, .. } = statement {
            self.define("comment");
            self.facts.effect = SessionEffect::None;
            return self.comment(*object_type, object_name);
        } else {
            return Err(Stop::unsupported("this definition"));
        }
        Ok(())
    }

    fn define(&mut self, kind: &str) {
        self.facts.set(kind, StatementClass::Ddl);
    }

    /// WHEN of a trigger, about the rows NEW and OLD, which only the trigger sees. Its functions will run.
    fn trigger_condition(
        &mut self,
        table: &RelationName,
        condition: &mut Expr,
    ) -> Result<(), Stop> {
        let names: Vec<String> =
            self.relation(table)?.columns.iter().map(|column| column.name.clone()).collect();
        self.with_scope(|walker| {
            for alias in ["new", "old"] {
                let cols = names.iter().map(|name| Col::constant(name.as_str())).collect();
                walker.add_item(Item {
                    alias: Some(alias.to_owned()),
                    relation: None,
                    schema_visible: false,
                    shape: Shape::closed(cols),
                    relation_visible: true,
                    cols_visible: false,
                    masked: false,
                })?;
            }
            walker.definition_expr(condition)
        })
    }

    /// The default and the constraints of a domain; a constraint calls the value VALUE.
    fn domain_values(&mut self, domain: &mut CreateDomain) -> Result<(), Stop> {
        if let Some(default) = &mut domain.default {
            self.definition_expr(default)?;
        }
        self.with_scope(|walker| {
            walker.add_item(Item {
                alias: None,
                relation: None,
                schema_visible: false,
                shape: Shape::closed(vec![Col::constant("value")]),
                relation_visible: false,
                cols_visible: true,
                masked: false,
            })?;
            domain.constraints.iter_mut().try_for_each(|constraint| walker.constraint(constraint))
        })
    }

    fn described(&mut self, function: &FunctionDesc) -> Result<(), Stop> {
        self.function_name(&mut function.name.clone(), &[])
    }

    fn dropped_function(&mut self, function: &FunctionDesc, if_exists: bool) -> Result<(), Stop> {
        match self.described(function) {
            Err(Stop::Unresolved { .. }) if if_exists => {
                let name = self.creation_name(&function.name, false)?;
                self.facts.function(&name.to_string(), FunctionClass::Unknown);
                Ok(())
            }
            other => other,
        }
    }

    fn comment(&mut self, object_type: CommentObject, name: &ObjectName) -> Result<(), Stop> {
        match object_type {
            CommentObject::Table
            | CommentObject::View
            | CommentObject::MaterializedView
            | CommentObject::Sequence => self.define_existing(name).map(|_| ()),
            CommentObject::Column => {
                let mut idents = names::idents(name)?;
                idents.pop();
                self.define_existing(&ObjectName::from(idents)).map(|_| ())
            }
            CommentObject::Index => {
                let name = self.creation_name(name, false)?;
                self.facts.relation(&name, "index", Access::Ddl, Via::Direct);
                Ok(())
            }
            CommentObject::Collation
            | CommentObject::Database
            | CommentObject::Domain
            | CommentObject::Extension
            | CommentObject::Function
            | CommentObject::Procedure
            | CommentObject::Role
            | CommentObject::Schema
            | CommentObject::Type
            | CommentObject::User => names::parts_of_label(name).map(|_| ()),
        }
    }
}
