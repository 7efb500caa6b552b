//! The JSON Schemas of the contracts, generated from the types.

use schemars::{JsonSchema, generate::SchemaSettings};

use crate::{Decision, Intent, Record};

/// The schema of the policy input.
pub fn intent_schema() -> serde_json::Value {
    schema::<Intent>()
}

/// The schema of a combined decision.
pub fn decision_schema() -> serde_json::Value {
    schema::<Decision>()
}

/// The schema of a record of the log.
pub fn record_schema() -> serde_json::Value {
    schema::<Record>()
}

fn schema<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// `make bless` rewrites the committed files; this test compares them.
    #[test]
    fn the_committed_schemas_are_the_generated_ones() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rego/schema");
        for (name, schema) in [
            ("intent.v1.json", super::intent_schema()),
            ("decision.v1.json", super::decision_schema()),
            ("record.v1.json", super::record_schema()),
        ] {
            let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
            let path = dir.join(name);
            if std::env::var_os("BLESS").is_some() {
                std::fs::create_dir_all(&dir).unwrap();
                std::fs::write(&path, &text).unwrap();
            }
            let committed = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == text,
                "{name} differs from the types: run `make bless` and review"
            );
        }
    }
}
