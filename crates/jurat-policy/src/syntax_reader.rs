//! The walk over regorus' syntax tree that collects the facts of [`crate::syntax`], with Rego's scopes.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{
    AssignOp, Expr, Literal, LiteralStmt, Module, Query, Ref, Rule, RuleHead, Span,
};

use crate::{
    Diagnostic, Location,
    syntax::{
        Call, ModuleFacts, NESTING_MAX, Reference, Replacement, RuleFacts, RuleForm, Segment, Step,
        constant_path, head, literal_text, location, path_text, range, segments,
    },
    syntax_shape::{
        Names, argument, assigned, constant, literal, pattern_names, table_cases, variable,
    },
};

/// Collects the facts of a module.
pub(crate) fn read(module: &Module) -> Result<ModuleFacts, Vec<Diagnostic>> {
    let mut package = vec!["data".to_owned()];
    package.extend(constant_path(&module.package.refr).0);
    let mut facts = ModuleFacts {
        package,
        at: location(&module.package.span),
        rules: Vec::new(),
        imported: BTreeMap::new(),
    };
    let imports = imports(module);
    let mut errors = Vec::new();
    for rule in &module.policy {
        let mut reader = Reader {
            package: &facts.package,
            imports: &imports,
            scopes: Vec::new(),
            depth: 0,
            inside: 0,
            iterates: false,
            rule: blank(rule),
            imported: BTreeMap::new(),
            error: None,
        };
        reader.rule(rule);
        errors.extend(reader.error);
        facts.imported.extend(reader.imported);
        facts.rules.push(reader.rule);
    }
    if errors.is_empty() { Ok(facts) } else { Err(errors) }
}

/// Imported names and their paths; `rego.v1` and `future.keywords` bring no name.
fn imports(module: &Module) -> BTreeMap<String, Vec<String>> {
    let mut imports = BTreeMap::new();
    for import in &module.imports {
        let (path, _) = constant_path(&import.refr);
        if !matches!(path.first().map(String::as_str), Some("data" | "input")) {
            continue;
        }
        let alias = import.r#as.as_ref().map(|span| span.text().to_owned());
        if let Some(name) = alias.or_else(|| path.last().cloned()) {
            imports.insert(name, path);
        }
    }
    imports
}

fn blank(rule: &Rule) -> RuleFacts {
    RuleFacts {
        path: Vec::new(),
        form: RuleForm::Complete,
        at: location(rule.span()),
        references: Vec::new(),
        calls: Vec::new(),
        strings: BTreeSet::new(),
        replacements: Vec::new(),
        alias: None,
        default: matches!(rule, Rule::Default { .. }),
        constant: constant(rule),
        calculates: false,
        ambiguous: false,
        cases: table_cases(rule),
    }
}

struct Reader<'a> {
    package: &'a [String],
    imports: &'a BTreeMap<String, Vec<String>>,
    scopes: Vec<Names>,
    depth: usize,
    /// How many comprehensions and `every` are around.
    inside: usize,
    /// Whether the body at hand can hold in more than one way.
    iterates: bool,
    rule: RuleFacts,
    imported: BTreeMap<(usize, usize), String>,
    error: Option<Diagnostic>,
}

impl Reader<'_> {
    fn rule(&mut self, rule: &Rule) {
        match rule {
            Rule::Default { refr, args, value, .. } => {
                self.name(refr);
                self.rule.form =
                    if args.is_empty() { RuleForm::Complete } else { RuleForm::Function };
                self.expression(value);
            }
            Rule::Spec { head, bodies, .. } => {
                let (refr, args) = match head {
                    RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } => (refr, None),
                    RuleHead::Func { refr, args, .. } => (refr, Some(args)),
                };
                let fixed = self.name(refr);
                self.rule.form = match head {
                    RuleHead::Compr { .. } if fixed => RuleForm::Complete,
                    RuleHead::Compr { .. } => RuleForm::Object,
                    RuleHead::Set { .. } => RuleForm::Set,
                    RuleHead::Func { .. } => RuleForm::Function,
                };
                let mut parameters = Names::new();
                for arg in args.into_iter().flatten() {
                    pattern_names(arg, &mut parameters);
                }
                self.scopes.push(parameters);
                if bodies.is_empty() {
                    self.rule.alias = self.alias_of_head(head);
                    self.head(head);
                }
                for body in bodies {
                    self.scopes.push(Names::new());
                    self.iterates = false;
                    self.query(&body.query);
                    let value = body.assign.as_ref().map(Some).or_else(|| assigned(head));
                    self.rule.ambiguous |=
                        self.iterates && value.is_some_and(|value| literal(value).is_none());
                    if let Some(assign) = &body.assign {
                        self.expression(&assign.value);
                    }
                    self.head(head);
                    self.scopes.pop();
                }
                self.scopes.pop();
            }
        }
    }

    /// Sets the rule's path and says whether all of the name is constant.
    fn name(&mut self, refr: &Expr) -> bool {
        let (name, fixed) = constant_path(refr);
        self.rule.path = self.package.iter().cloned().chain(name).collect();
        fixed
    }

    fn alias_of_head(&self, head: &RuleHead) -> Option<Vec<Segment>> {
        match head {
            RuleHead::Compr { assign: Some(assign), .. } => self.pure_path(&assign.value),
            RuleHead::Compr { assign: None, .. } | RuleHead::Set { .. } | RuleHead::Func { .. } => {
                None
            }
        }
    }

    /// The value, the key and the bracketed parts of a rule's head.
    fn head(&mut self, head: &RuleHead) {
        match head {
            RuleHead::Compr { refr, assign, .. } => {
                self.steps(refr);
                if let Some(assign) = assign {
                    let named = self.rule.alias.is_some();
                    self.valued(&assign.value, named);
                }
            }
            RuleHead::Set { refr, key, .. } => {
                self.steps(refr);
                if let Some(key) = key {
                    self.expression(key);
                }
            }
            RuleHead::Func { refr, args, assign, .. } => {
                self.steps(refr);
                for arg in args {
                    self.expression(arg);
                }
                if let Some(assign) = assign {
                    self.expression(&assign.value);
                }
            }
        }
    }

    fn steps(&mut self, refr: &Expr) {
        for step in segments(refr).1 {
            if let Step::Index(index) = step {
                self.iterates |= self.inside == 0 && !matches!(index.as_ref(), Expr::Number { .. });
                self.expression(index);
            }
        }
    }

    /// Walks a query in the scope on top of the stack, which its names join.
    fn query(&mut self, query: &Query) {
        if !self.deeper(&query.span) {
            return;
        }
        for statement in &query.stmts {
            self.declare(&statement.literal);
        }
        for statement in &query.stmts {
            self.statement(statement);
        }
        self.depth = self.depth.saturating_sub(1);
    }

    /// Adds the names that a statement declares, with what they stand for.
    fn declare(&mut self, literal: &Literal) {
        let mut names = Names::new();
        match literal {
            Literal::SomeVars { vars, .. } => {
                names.extend(vars.iter().map(|var| (var.text().to_owned(), None)));
            }
            Literal::SomeIn { key, value, collection, .. } => {
                if let Some(key) = key {
                    pattern_names(key, &mut names);
                }
                pattern_names(value, &mut names);
                if let (Expr::Var { .. }, Some(mut path)) =
                    (value.as_ref(), self.pure_path(collection))
                {
                    path.push(Segment::Any);
                    names.insert(variable(value), Some(path));
                }
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } = expr.as_ref() {
                    pattern_names(lhs, &mut names);
                    if let (Expr::Var { .. }, Some(path)) = (lhs.as_ref(), self.pure_path(rhs)) {
                        names.insert(variable(lhs), Some(path));
                    }
                }
            }
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
        if matches!(literal, Literal::SomeVars { .. } | Literal::SomeIn { .. }) {
            self.iterates |= self.inside == 0;
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.extend(names);
        }
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                for pattern in key.iter().chain([value]) {
                    if !matches!(pattern.as_ref(), Expr::Var { .. }) {
                        self.expression(pattern);
                    }
                }
                let named = matches!(value.as_ref(), Expr::Var { .. });
                self.valued(collection, named);
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } = expr.as_ref() {
                    let named = matches!(lhs.as_ref(), Expr::Var { .. });
                    if !named {
                        self.expression(lhs);
                    }
                    self.valued(rhs, named);
                } else {
                    self.expression(expr);
                }
            }
            Literal::NotExpr { expr, .. } => self.expression(expr),
            Literal::Every { key, value, domain, query, .. } => {
                let alias = self.pure_path(domain).map(|mut path| {
                    path.push(Segment::Any);
                    path
                });
                self.valued(domain, true);
                let mut names = Names::new();
                names.insert(value.text().to_owned(), alias);
                names.extend(key.iter().map(|key| (key.text().to_owned(), None)));
                self.scopes.push(names);
                self.inside += 1;
                self.query(query);
                self.inside -= 1;
                self.scopes.pop();
            }
        }
        for replaced in &statement.with_mods {
            self.expression(&replaced.r#as);
            self.note_import(&replaced.refr);
            let value = self.pure_path(&replaced.r#as).map(|path| fields(&path));
            let target = self
                .pure_path(&replaced.refr)
                .map_or_else(|| constant_path(&replaced.refr).0, |path| fields(&path));
            let at = location(&replaced.span);
            self.rule.replacements.push(Replacement { target, value, at });
        }
    }

    /// Walks an expression; where it is a plain path and `named`, it only gives that path a name.
    fn valued(&mut self, expression: &Ref<Expr>, named: bool) {
        match self.pure_path(expression) {
            Some(path) if named => {
                let at = location(expression.span());
                self.rule.references.push(Reference { path, at, definition: true });
                self.note_import(expression);
                self.steps(expression);
            }
            Some(_) | None => self.expression(expression),
        }
    }

    fn expression(&mut self, expression: &Expr) {
        if !self.deeper(expression.span()) {
            return;
        }
        match expression {
            Expr::String { .. } | Expr::RawString { .. } => {
                self.rule.strings.extend(literal_text(expression));
            }
            Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. } => {}
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.reference(expression);
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().for_each(|item| self.expression(item));
            }
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expression(key);
                    self.expression(value);
                }
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.comprehension(&[term], query);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                // Two values for one key are a failure.
                self.rule.calculates = true;
                self.comprehension(&[key, value], query);
            }
            Expr::Call { fcn, params, .. } => self.call(fcn, params),
            Expr::UnaryExpr { expr, .. } => {
                self.rule.calculates |= !matches!(expr.as_ref(), Expr::Number { .. });
                self.expression(expr);
            }
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.expression(lhs);
                self.expression(rhs);
            }
            Expr::ArithExpr { lhs, rhs, .. } => {
                self.rule.calculates = true;
                self.expression(lhs);
                self.expression(rhs);
            }
            Expr::Membership { key, value, collection, .. } => {
                key.iter().for_each(|key| self.expression(key));
                self.expression(value);
                self.expression(collection);
            }
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn comprehension(&mut self, terms: &[&Ref<Expr>], query: &Query) {
        self.scopes.push(Names::new());
        self.inside += 1;
        self.query(query);
        for term in terms {
            self.expression(term);
        }
        self.inside -= 1;
        self.scopes.pop();
    }

    fn call(&mut self, function: &Ref<Expr>, parameters: &[Ref<Expr>]) {
        self.note_import(function);
        let (mut name, _) = constant_path(function);
        if let Some(path) = name.first().and_then(|first| self.imports.get(first)) {
            name.splice(0..1, path.iter().cloned());
        }
        let arguments = parameters.iter().map(|parameter| argument(parameter)).collect();
        self.rule.calls.push(Call { name, arguments, at: location(function.span()) });
        parameters.iter().for_each(|parameter| self.expression(parameter));
    }

    fn reference(&mut self, expression: &Expr) {
        self.note_import(expression);
        self.steps(expression);
        if let Some(path) = self.pure_path(expression) {
            let at = location(expression.span());
            self.rule.references.push(Reference { path, at, definition: false });
        } else if !matches!(head(expression), Expr::Var { .. }) {
            self.expression(head(expression));
        }
    }

    /// Remembers what the first name of a reference stands for, where it is imported.
    fn note_import(&mut self, expression: &Expr) {
        let first = head(expression);
        let Expr::Var { span, .. } = first else { return };
        let name = variable(first);
        if self.scopes.iter().any(|scope| scope.contains_key(&name)) {
            return;
        }
        if let Some(path) = self.imports.get(&name) {
            self.imported.insert(range(span), path_text(path));
        }
    }

    /// The path into `input` or `data` that a reference is: directly, through an import, through a
    /// local name, or as a rule of this package. `None` for anything else.
    fn pure_path(&self, expression: &Expr) -> Option<Vec<Segment>> {
        let (root, steps) = segments(expression);
        let mut path = self.root(&root?)?;
        path.extend(steps.into_iter().map(|step| match step {
            Step::Field(name) => Segment::Field(name),
            Step::Index(_) => Segment::Any,
        }));
        Some(path)
    }

    fn root(&self, name: &str) -> Option<Vec<Segment>> {
        for scope in self.scopes.iter().rev() {
            if let Some(alias) = scope.get(name) {
                return alias.clone();
            }
        }
        let field = |name: &String| Segment::Field(name.clone());
        if name == "input" || name == "data" {
            return Some(vec![field(&name.to_owned())]);
        }
        if let Some(path) = self.imports.get(name) {
            return Some(path.iter().map(field).collect());
        }
        // It may be a rule of this package, also one in another file; where no such rule exists it is
        // a variable, and the path leads nowhere.
        let own = (name != "_").then(|| name.to_owned())?;
        Some(self.package.iter().chain([&own]).map(field).collect())
    }

    fn deeper(&mut self, span: &Span) -> bool {
        self.depth += 1;
        if self.depth <= NESTING_MAX {
            return true;
        }
        self.depth = self.depth.saturating_sub(1);
        self.error.get_or_insert_with(|| Diagnostic {
            message: format!("expressions nested more than {NESTING_MAX} deep"),
            code: "rego_parse_error".to_owned(),
            location: Some(Location { ..location(span) }),
        });
        false
    }
}

fn fields(path: &[Segment]) -> Vec<String> {
    path.iter()
        .map_while(|segment| match segment {
            Segment::Field(name) => Some(name.clone()),
            Segment::Any => None,
        })
        .collect()
}
