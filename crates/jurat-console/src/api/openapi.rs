//! The description of the API (OpenAPI 3.1), made of one table and of the types that are sent.

use jurat_types::Principal;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::view::{Answer, Approval, Freeze, Freezing, Kill, Policies, Reloaded, Session, Stats};

/// What can be done.
pub(super) struct Operation {
    /// Its name, by which [`super::handler`] finds what it does.
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    /// The path below `/api/v1`.
    pub(super) path: &'static str,
    summary: &'static str,
    /// The document in the body of the request.
    takes: Option<Schema>,
    /// The document that is answered; `true` where it is a list of them.
    gives: (Schema, bool),
}

type Schema = fn(&mut SchemaGenerator) -> schemars::Schema;

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<T>()
}

fn any(_generator: &mut SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object"})
}

const fn reads(
    id: &'static str,
    path: &'static str,
    summary: &'static str,
    gives: (Schema, bool),
) -> Operation {
    Operation { id, method: "get", path, summary, takes: None, gives }
}

const fn does(
    (id, method): (&'static str, &'static str),
    path: &'static str,
    summary: &'static str,
    takes: Option<Schema>,
    gives: Schema,
) -> Operation {
    Operation { id, method, path, summary, takes, gives: (gives, false) }
}

/// All of it.
pub(super) const OPERATIONS: &[Operation] = &[
    reads("whoami", "/whoami", "Whose token it is", (of::<Principal>, false)),
    reads(
        "listApprovals",
        "/approvals",
        "Requests that you may answer, and your own; `state=all` also has those that are over",
        (of::<Approval>, true),
    ),
    reads("getApproval", "/approvals/{id}", "One request", (of::<Approval>, false)),
    does(
        ("approve", "post"),
        "/approvals/{id}/approve",
        "Say yes: the statement may run once",
        Some(of::<Answer>),
        of::<Approval>,
    ),
    does(("deny", "post"), "/approvals/{id}/deny", "Say no", Some(of::<Answer>), of::<Approval>),
    reads("listSessions", "/sessions", "Open sessions that you may see", (of::<Session>, true)),
    does(
        ("killSession", "post"),
        "/sessions/{id}/kill",
        "End a session, and what the database runs for it",
        Some(of::<Kill>),
        of::<Session>,
    ),
    reads("getPolicies", "/policies", "The policies in force", (of::<Policies>, false)),
    does(
        ("reload", "post"),
        "/policies/reload",
        "Read policies and users again",
        None,
        of::<Reloaded>,
    ),
    reads("listFreezes", "/freezes", "Databases whose writes are stopped", (of::<Freeze>, true)),
    does(
        ("freeze", "post"),
        "/freezes",
        "Stop writes to a database",
        Some(of::<Freezing>),
        of::<Freeze>,
    ),
    does(
        ("unfreeze", "delete"),
        "/freezes/{database}",
        "Let writes to a database go on",
        None,
        any,
    ),
    reads("getStats", "/stats", "Counters since the start", (of::<Stats>, false)),
    reads("getDescription", "/openapi.json", "This description", (any, false)),
];

/// The description.
pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut generator = settings
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(["/api/v1", operation.path].concat()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(operation.method.to_owned(), describe(operation, &mut generator));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Jurat",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Approvals, sessions, policies and counters of one Jurat. See docs/console.md.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let (gives, many) = operation.gives;
    let schema = gives(generator).to_value();
    let schema = if many { json!({"type": "array", "items": schema}) } else { schema };
    let content = |schema: Value| json!({"application/json": {"schema": schema}});
    let refusal = json!({"type": "object", "required": ["error", "message"],
                         "properties": {"error": {"type": "string"}, "message": {"type": "string"}}});
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": {
            "200": {"description": "Done", "content": content(schema)},
            "default": {"description": "Why not", "content": content(refusal)},
        },
    });
    let Some(fields) = described.as_object_mut() else { return described };
    if let Some(takes) = operation.takes {
        let schema = takes(generator).to_value();
        fields.insert("requestBody".to_owned(), json!({"content": content(schema)}));
    }
    let named =
        operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = named
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if operation.id == "listApprovals" {
        parameters
            .push(json!({"name": "state", "in": "query", "schema": {"enum": ["open", "all"]}}));
    }
    if !parameters.is_empty() {
        fields.insert("parameters".to_owned(), Value::Array(parameters));
    }
    described
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{OPERATIONS, document};

    #[test]
    fn every_operation_is_there_and_every_reference_leads_somewhere() {
        let document = document();
        let ids: BTreeSet<&str> = document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), OPERATIONS.len());
        let text = document.to_string();
        let references: Vec<&str> = text
            .split("\"$ref\":\"#")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .collect();
        assert!(references.len() > 10, "{text}");
        for reference in references {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }
}
