//! OPA's `# METADATA` comments. regorus drops comments, so they are read from the text.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    Diagnostic, Location,
    files::SourceFile,
    syntax::{ModuleFacts, RuleFacts},
};

/// What an annotation says, as far as decisions show it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Metadata {
    pub(crate) id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) controls: Vec<String>,
}

/// The annotations of one file: by the row of the rule that they belong to, and by rule path where
/// the scope is `document`.
#[derive(Debug, Default)]
pub(crate) struct Annotations {
    by_row: BTreeMap<u32, Metadata>,
    by_path: BTreeMap<Vec<String>, Metadata>,
}

impl Annotations {
    /// What is said about a rule: by its own annotation, else by one of its name.
    pub(crate) fn of(&self, rule: &RuleFacts) -> Metadata {
        let own = self.by_row.get(&rule.at.row).or_else(|| self.by_path.get(&rule.path));
        own.cloned().unwrap_or_default()
    }
}

/// Reads the annotations of a file.
///
/// # Errors
/// Comments that begin with `METADATA` and are not YAML.
pub(crate) fn read(file: &SourceFile, module: &ModuleFacts) -> Result<Annotations, Diagnostic> {
    let mut annotations = Annotations::default();
    let mut lines = (1_u32..).zip(file.text.lines()).peekable();
    while let Some((row, line)) = lines.next() {
        if line.trim().strip_prefix('#').map(str::trim) != Some("METADATA") {
            continue;
        }
        let mut yaml = String::new();
        let mut last = row;
        while let Some((row, line)) = lines.next_if(|(_, line)| line.trim_start().starts_with('#'))
        {
            yaml.push_str(line.trim_start().strip_prefix('#').unwrap_or_default());
            yaml.push('\n');
            last = row;
        }
        let document = parse(&yaml).map_err(|reason| Diagnostic {
            message: format!("METADATA is not valid: {reason}"),
            code: "rego_parse_error".to_owned(),
            location: Some(Location { file: file.path.clone(), row, col: 1 }),
        })?;
        // What stands before `package` is about the package, not about the first rule.
        if module.at.row > last {
            continue;
        }
        let Some(rule) =
            module.rules.iter().filter(|rule| rule.at.row > last).min_by_key(|r| r.at.row)
        else {
            continue;
        };
        let metadata = metadata(&document);
        if document.get("scope").and_then(Value::as_str) == Some("document") {
            annotations.by_path.entry(rule.path.clone()).or_insert_with(|| metadata.clone());
        }
        annotations.by_row.insert(rule.at.row, metadata);
    }
    Ok(annotations)
}

fn parse(yaml: &str) -> Result<Value, String> {
    let value = regorus::Value::from_yaml_str(yaml).map_err(|error| error.to_string())?;
    let document = serde_json::to_value(&value).map_err(|error| error.to_string())?;
    if document.is_object() { Ok(document) } else { Err("it must be a map".to_owned()) }
}

fn metadata(document: &Value) -> Metadata {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let custom = document.get("custom");
    let custom = |key: &str| custom.and_then(|custom| custom.get(key));
    let controls = match custom("controls") {
        Some(Value::Array(list)) => list.iter().filter_map(|each| text(Some(each))).collect(),
        one => text(one).into_iter().collect(),
    };
    Metadata {
        id: text(custom("id")),
        title: text(document.get("title")),
        description: text(document.get("description")),
        severity: text(custom("severity")),
        controls,
    }
}
