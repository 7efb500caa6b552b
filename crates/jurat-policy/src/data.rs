//! The data documents of a policy directory, merged into one.

use serde_json::{Map, Value};

use crate::{Diagnostic, Location, files::SourceFile, repeats::NoRepeats, syntax::ModuleFacts};

/// Parses the data files and puts each where its directory says.
///
/// # Errors
/// Files that do not parse, and files that say different things about one path.
pub(crate) fn merge(files: &[SourceFile]) -> Result<Value, Vec<Diagnostic>> {
    let mut root = Value::Object(Map::new());
    let mut errors = Vec::new();
    for file in files {
        let outcome = parse(file).and_then(|document| {
            let mut parts: Vec<&str> = file.path.split('/').collect();
            parts.pop();
            let placed = parts.into_iter().rev().fold(document, |inner, part| {
                Value::Object(Map::from_iter([(part.to_owned(), inner)]))
            });
            join(&mut root, placed, "data")
        });
        if let Err(message) = outcome {
            errors.push(Diagnostic {
                message,
                code: "rego_load_error".to_owned(),
                location: Some(Location { file: file.path.clone(), row: 1, col: 1 }),
            });
        }
    }
    if errors.is_empty() { Ok(root) } else { Err(errors) }
}

/// Data that stands where a rule is: which of the two would be read is nobody's guess.
pub(crate) fn conflicts(data: &Value, modules: &[ModuleFacts]) -> Vec<Diagnostic> {
    modules
        .iter()
        .flat_map(|module| &module.rules)
        .filter(|rule| {
            let path = rule.path.get(1..).unwrap_or_default();
            let found = path.iter().try_fold(data, |at, part| at.get(part.as_str()));
            found.is_some()
        })
        .map(|rule| Diagnostic {
            message: format!("rule {} stands where a data file has a value", rule.path.join(".")),
            code: "rego_compile_error".to_owned(),
            location: Some(rule.at.clone()),
        })
        .collect()
}

fn parse(file: &SourceFile) -> Result<Value, String> {
    let document = if file.path.ends_with(".json") {
        serde_json::from_str::<NoRepeats>(&file.text)
            .and_then(|NoRepeats| serde_json::from_str(&file.text))
            .map_err(|error| error.to_string())?
    } else {
        yaml(&file.text)?
    };
    match document {
        Value::Object(_) => Ok(document),
        // An empty YAML file.
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("a data file must hold a map".to_owned())
        }
    }
}

/// Reads YAML; a text without a document is `null`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn yaml(text: &str) -> Result<Value, String> {
    yaml_serde::from_str::<NoRepeats>(text).map_err(|error| error.to_string())?;
    let value = regorus::Value::from_yaml_str(text).map_err(|error| error.to_string())?;
    serde_json::to_value(&value).map_err(|error| error.to_string())
}

fn join(into: &mut Value, from: Value, path: &str) -> Result<(), String> {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    Some(inner) => join(inner, value, &format!("{path}.{key}"))?,
                    None => {
                        into.insert(key, value);
                    }
                }
            }
            Ok(())
        }
        (into, from) if *into == from => Ok(()),
        _ => Err(format!("merge error: two files have different values for {path}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::files::SourceFile;

    #[test]
    fn a_key_that_stands_twice_is_an_error_because_one_of_its_values_would_be_lost() {
        let yaml = "public.a.b: [x]\npublic.a.c: [y]\npublic.a.b: []\n";
        let nested = "{\"a\": [{\"b\": 1, \"c\": 2, \"b\": 1}]}";
        for (path, text) in [("catalog/data.yaml", yaml), ("data.json", nested)] {
            let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
            let error = super::parse(&file).unwrap_err();
            assert!(error.contains("` stands twice in one map"), "{error}");
        }
        for text in
            ["", "a: {b: 1, c: ~}\n1: [true, 2.5, -3]\n\"1.0\": x\n", "a: &x {b: 1}\nc: *x\n"]
        {
            assert!(super::yaml(text).is_ok(), "{text}");
        }
    }
}
