//! Facts about single rules and patterns of the syntax tree that need no scopes.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, Rule, RuleAssign, RuleHead};

use crate::syntax::{Argument, Cases, Segment, Step, constant_path, literal_text, range, segments};

/// Local names, and the paths into `input` or `data` that they stand for, where that is known.
pub(crate) type Names = BTreeMap<String, Option<Vec<Segment>>>;

/// The value of a definition, where it is the same whenever the definition holds.
pub(crate) fn constant(rule: &Rule) -> Option<String> {
    let Rule::Spec { head, bodies, .. } = rule else { return None };
    let assign = assigned(head)?;
    let own = bodies.iter().any(|body| body.assign.is_some());
    if own { None } else { literal(assign) }
}

/// The value in a head; `None` for sets, which have none.
pub(crate) fn assigned(head: &RuleHead) -> Option<Option<&RuleAssign>> {
    match head {
        RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => Some(assign.as_ref()),
        RuleHead::Set { .. } => None,
    }
}

/// The text of a literal value; a rule without a value is `true`.
pub(crate) fn literal(assign: Option<&RuleAssign>) -> Option<String> {
    let Some(assign) = assign else { return Some("true".to_owned()) };
    let value = assign.value.as_ref();
    let constant = matches!(
        value,
        Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. }
    );
    constant.then(|| value.span().text().to_owned())
}

/// For a table test, `test_x[note] if { some note in …; … }`: its keys, and the statements up to the
/// one that binds the last of them.
pub(crate) fn table_cases(rule: &Rule) -> Option<Cases> {
    let Rule::Spec { head: RuleHead::Compr { refr, .. }, bodies, .. } = rule else { return None };
    let (name, fixed) = constant_path(refr);
    let [name] = name.as_slice() else { return None };
    let [body] = bodies.as_slice() else { return None };
    if fixed || !name.starts_with("test_") {
        return None;
    }
    let mut keys = Vec::new();
    let mut wanted = BTreeSet::new();
    for step in segments(refr).1 {
        let Step::Index(key) = step else { return None };
        keys.push(key.span().text().to_owned());
        wanted.insert(segments(key).0?);
    }
    let mut statements = Vec::new();
    let mut bound = Names::new();
    for statement in &body.query.stmts {
        statements.push(range(&statement.span));
        match &statement.literal {
            Literal::SomeIn { key, value, .. } => {
                key.iter().for_each(|key| pattern_names(key, &mut bound));
                pattern_names(value, &mut bound);
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { lhs, .. } = expr.as_ref() {
                    pattern_names(lhs, &mut bound);
                }
            }
            Literal::SomeVars { .. } | Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
        if wanted.iter().all(|name| bound.contains_key(name)) {
            return Some(Cases::new(name.clone(), keys, statements));
        }
    }
    None
}

/// The variables of a pattern: what `some`, `:=` and parameters declare.
pub(crate) fn pattern_names(pattern: &Expr, names: &mut Names) {
    let mut pending = vec![pattern];
    while let Some(next) = pending.pop() {
        if let Expr::Var { .. } = next {
            names.insert(variable(next), None);
        } else if let Expr::Array { items, .. } = next {
            pending.extend(items.iter().map(AsRef::as_ref));
        } else if let Expr::Object { fields, .. } = next {
            pending.extend(fields.iter().map(|(_, _, value)| value.as_ref()));
        }
    }
}

pub(crate) fn variable(expression: &Expr) -> String {
    segments(expression).0.unwrap_or_default()
}

/// What the checks of built-ins want to know about an argument.
pub(crate) fn argument(expression: &Expr) -> Argument {
    if let Expr::Number { value, .. } = expression {
        return value.as_i64().map_or(Argument::Other, Argument::Integer);
    }
    literal_text(expression).map_or(Argument::Other, Argument::Text)
}
