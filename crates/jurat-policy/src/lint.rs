//! `jurat check`: what a policy's author cannot see by running it.
//!
//! A misspelt path is not an error in Rego: `input.statment.kind` is undefined, and a rule that reads
//! it never fires. So every path below `input` is looked up in the intent's schema, and every set
//! under the root whose name is almost that of a decision rule is named.

use std::path::Path;

use serde::Serialize;

use crate::{
    Diagnostic, LoadError, PolicyOptions, PolicySet,
    element::DecisionRule,
    files,
    input_paths::{self, InputUse},
    set::{LOAD_STACK, modules, root_path},
    syntax::{ModuleFacts, RuleForm, Segment},
};

/// What `check` found, in the shape of `opa check --format json`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Report {
    /// Everything that is wrong; empty where all is well.
    pub errors: Vec<Diagnostic>,
}

/// Loads a directory as it would be put in force, and checks its paths and names besides.
pub fn check(dir: &Path, options: &PolicyOptions) -> Report {
    let mut errors = match PolicySet::load(dir, options) {
        Ok(_) => Vec::new(),
        Err(error) => error.diagnostics(),
    };
    // What does not parse has been said.
    if let Ok(found) = stacker::grow(LOAD_STACK, || names_and_paths(dir, options)) {
        errors.extend(found);
    }
    errors.sort_by(|a, b| a.location.cmp(&b.location));
    Report { errors }
}

fn names_and_paths(dir: &Path, options: &PolicyOptions) -> Result<Vec<Diagnostic>, LoadError> {
    let files = files::read_runtime(dir)?;
    let modules = modules(&files.policies)?;
    let mut errors = paths(&input_paths::uses(&modules), &jurat_types::intent_schema());
    errors.extend(names(&modules, &root_path(options)?));
    Ok(errors)
}

fn paths(uses: &[InputUse], schema: &serde_json::Value) -> Vec<Diagnostic> {
    let mut errors: Vec<Diagnostic> = Vec::new();
    for read in uses {
        let Err(message) = walk(&read.path, schema) else { continue };
        let error = Diagnostic {
            message,
            code: "rego_type_error".to_owned(),
            location: Some(read.at.clone()),
        };
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
    errors
}

/// Follows a path through a schema.
fn walk(path: &[Segment], schema: &serde_json::Value) -> Result<(), String> {
    let mut at = vec![schema];
    let mut so_far = "input".to_owned();
    for segment in path {
        let here: Vec<_> = at.iter().flat_map(|node| alternatives(node, schema)).collect();
        if here.iter().any(|node| is_free(node)) {
            return Ok(());
        }
        let next: Vec<&serde_json::Value> =
            here.iter().flat_map(|node| step(node, segment)).collect();
        if next.is_empty() {
            return Err(undefined(&here, segment, &so_far));
        }
        so_far = match segment {
            Segment::Field(name) => format!("{so_far}.{name}"),
            Segment::Any => format!("{so_far}[_]"),
        };
        at = next;
    }
    Ok(())
}

/// A schema node with its references followed and its alternatives spread out.
fn alternatives<'a>(
    node: &'a serde_json::Value,
    schema: &'a serde_json::Value,
) -> Vec<&'a serde_json::Value> {
    let mut found = Vec::new();
    let mut pending = vec![(node, 0)];
    while let Some((node, depth)) = pending.pop() {
        if depth > 16 {
            continue;
        }
        let reference = node.get("$ref").and_then(serde_json::Value::as_str);
        if let Some(target) = reference.and_then(|text| schema.pointer(text.strip_prefix('#')?)) {
            pending.push((target, depth + 1));
            continue;
        }
        let choices = ["anyOf", "oneOf", "allOf"]
            .iter()
            .filter_map(|key| node.get(*key)?.as_array())
            .flatten();
        let before = pending.len();
        pending.extend(choices.map(|choice| (choice, depth + 1)));
        if pending.len() == before {
            found.push(node);
        }
    }
    found
}

/// Whether a node says nothing about what is below it.
fn is_free(node: &serde_json::Value) -> bool {
    match node {
        serde_json::Value::Bool(free) => *free,
        serde_json::Value::Object(keys) => {
            !keys.contains_key("type")
                && !keys.contains_key("enum")
                && !keys.contains_key("const")
                && !keys.contains_key("properties")
        }
        serde_json::Value::Null
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_)
        | serde_json::Value::Array(_) => false,
    }
}

fn step<'a>(node: &'a serde_json::Value, segment: &Segment) -> Vec<&'a serde_json::Value> {
    let more = node.get("additionalProperties").filter(|more| more.as_bool() != Some(false));
    let properties = node.get("properties").and_then(serde_json::Value::as_object);
    match segment {
        Segment::Field(name) => {
            let known = properties.and_then(|properties| properties.get(name));
            known.or(more).into_iter().collect()
        }
        Segment::Any => {
            let values = properties.into_iter().flat_map(serde_json::Map::values);
            values.chain(node.get("items")).chain(more).collect()
        }
    }
}

fn undefined(here: &[&serde_json::Value], segment: &Segment, so_far: &str) -> String {
    let Segment::Field(name) = segment else {
        return format!("undefined ref: {so_far} has nothing inside it");
    };
    let known: Vec<&str> = here
        .iter()
        .filter_map(|node| node.get("properties")?.as_object())
        .flat_map(serde_json::Map::keys)
        .map(String::as_str)
        .collect();
    let nearest = known.iter().min_by_key(|known| strsim::damerau_levenshtein(known, name));
    match nearest {
        Some(nearest) => {
            format!("undefined ref: {so_far}.{name}; did you mean {so_far}.{nearest}?")
        }
        None if here.iter().any(|node| node.get("items").is_some()) => {
            format!("undefined ref: {so_far}.{name}; {so_far} is a list")
        }
        None => format!("undefined ref: {so_far}.{name}; {so_far} has nothing inside it"),
    }
}

/// Sets under the root that are almost decision rules: they would be ignored.
fn names(modules: &[ModuleFacts], root: &[String]) -> Vec<Diagnostic> {
    let rules = modules.iter().flat_map(|module| &module.rules);
    rules
        .filter(|rule| rule.form == RuleForm::Set && rule.path.starts_with(root))
        .filter_map(|rule| {
            let name = rule.path.last()?;
            let near = DecisionRule::ALL
                .into_iter()
                .map(|known| (strsim::damerau_levenshtein(known.name(), name), known.name()))
                .min()?;
            (near.0 > 0 && near.0 <= 2 && name.len() > 3).then(|| Diagnostic {
                message: format!("{name} is no decision rule; did you mean {}?", near.1),
                code: "rego_type_error".to_owned(),
                location: Some(rule.at.clone()),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check;
    use crate::{
        PolicyOptions,
        testing::{directory, options},
    };

    /// `row message` of everything that is wrong with rules of `data.jurat.p`.
    fn errors(rules: &str) -> Vec<String> {
        let text = format!("package jurat.p\n{rules}\n");
        let dir = directory(&[("jurat/p.rego", &text)]);
        let report = check(dir.path(), &options());
        let row = |error: &crate::Diagnostic| error.location.as_ref().map_or(0, |at| at.row);
        report.errors.iter().map(|error| format!("{} {}", row(error), error.message)).collect()
    }

    #[test]
    fn the_shipped_policies_are_clean() {
        let rego = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rego");
        assert_eq!(check(&rego, &PolicyOptions::default()).errors, []);
    }

    #[test]
    fn a_misspelt_path_is_found_however_it_is_reached() {
        let hint = "undefined ref: input.statement.knd; did you mean input.statement.kind?";
        for rules in [
            r#"deny contains "x" if input.statement.knd == "select""#,
            r#"deny contains "x" if input["statement"].knd == "select""#,
            r#"deny contains "x" if { s := input.statement; s.knd == "select" }"#,
            "stmt := input.statement\ndeny contains \"x\" if stmt.knd == \"select\"",
            r#"deny contains "x" if not input.statement.knd"#,
            r#"deny contains {"msg": input.statement.knd}"#,
            r#"deny contains "x" if count([1 | input.statement.knd]) > 0"#,
            r#"f(x) := x == input.statement.knd"#,
        ] {
            let found = errors(rules);
            assert_eq!(found.len(), 1, "{rules}: {found:?}");
            assert!(found[0].ends_with(hint), "{rules}: {found:?}");
        }
    }

    #[test]
    fn what_is_inside_lists_is_checked_too() {
        for (rules, expected) in [
            (
                r#"deny contains "x" if { some r in input.statement.relations; r.lables }"#,
                "2 undefined ref: input.statement.relations[_].lables; did you mean input.statement.relations[_].labels?",
            ),
            (
                r#"deny contains "x" if input.statement.relations[_].nme == "a""#,
                "2 undefined ref: input.statement.relations[_].nme; did you mean input.statement.relations[_].name?",
            ),
            (
                r#"deny contains "x" if input.statement.relations.name == "a""#,
                "2 undefined ref: input.statement.relations.name; input.statement.relations is a list",
            ),
            (
                r#"deny contains "x" if { every c in input.statement.columns { c.rol == "output" } }"#,
                "2 undefined ref: input.statement.columns[_].rol; did you mean input.statement.columns[_].role?",
            ),
            (
                r#"deny contains "x" if input.stage.name == "a""#,
                "2 undefined ref: input.stage.name; input.stage has nothing inside it",
            ),
        ] {
            assert_eq!(errors(rules), [expected], "{rules}");
        }
    }

    #[test]
    fn right_paths_are_left_alone() {
        for rules in [
            r#"deny contains "x" if input.principal.attributes.team.name == "a""#,
            r#"deny contains "x" if input.target.labels.tier == "gold""#,
            r#"deny contains "x" if input.principal.on_behalf_of.id == "a""#,
            r#"deny contains "x" if input.approvals[0].approver == "a""#,
            r#"deny contains "x" if { some i, r in input.statement.relations; r.name == "a"; i > 0 }"#,
            r#"deny contains "x" if { s := input[k]; k == "stage"; s == "x" }"#,
            r#"deny contains "x" if { statement := {"knd": 1}; statement.knd == 1 }"#,
            r#"deny contains "x" if object.get(input, ["anything"], 0) == 1"#,
        ] {
            assert_eq!(errors(rules), Vec::<String>::new(), "{rules}");
        }
    }

    #[test]
    fn a_misspelt_rule_is_found() {
        assert_eq!(
            errors(r#"denny contains "x""#),
            ["2 denny is no decision rule; did you mean deny?"]
        );
        assert_eq!(errors(r#"names contains "x""#), Vec::<String>::new());
    }

    #[test]
    fn the_report_has_the_shape_of_opa() {
        let dir = directory(&[("p.rego", "package p\n\ndeny contains\n")]);
        let report = serde_json::to_value(check(dir.path(), &options())).unwrap();
        let error = &report["errors"][0];
        assert_eq!(error["code"], "rego_parse_error");
        assert_eq!(error["location"]["file"], "p.rego");
        assert_eq!(error["location"]["row"], 4);
    }
}
