//! Masks: which parameters they take, which of two is the stricter, and over which columns they go.

use std::collections::BTreeMap;

use jurat_types::{ColumnId, ColumnMask, DETECTORS, MaskMethod};
use serde_json::Value;

use crate::{
    SurfaceColumn,
    element::{MaskRequest, MaskTarget},
    glob,
};

/// The `date_trunc` fields that `jurat-sql` writes, the finest first: what comes later keeps less.
const FIELDS: &[&str] = &["day", "month", "year"];

/// Checks the parameters of a method.
///
/// # Errors
/// An unknown parameter or a value of the wrong kind; `date_trunc` must be told a field.
pub(crate) fn check_params(
    method: MaskMethod,
    params: &BTreeMap<String, Value>,
) -> Result<(), String> {
    for (name, value) in params {
        let fits = match (method, name.as_str()) {
            (MaskMethod::Partial, "keep_first" | "keep_last") => value.as_u64().is_some(),
            (MaskMethod::Partial, "keep_domain") => value.is_boolean(),
            (MaskMethod::Detect, "kinds") => is_kinds(value),
            (MaskMethod::Hash | MaskMethod::Tokenize, "salt") => value.is_string(),
            (MaskMethod::DateTrunc, "to") => {
                value.as_str().is_some_and(|field| FIELDS.contains(&field))
            }
            (
                MaskMethod::Detect
                | MaskMethod::Partial
                | MaskMethod::DateTrunc
                | MaskMethod::Tokenize
                | MaskMethod::Hash
                | MaskMethod::Redact
                | MaskMethod::Null,
                _,
            ) => false,
        };
        if !fits {
            return Err(format!("its parameter {name} does not fit its method"));
        }
    }
    if method == MaskMethod::DateTrunc && !params.contains_key("to") {
        return Err("date_trunc needs the parameter to".to_owned());
    }
    Ok(())
}

/// A list of kinds that detectors know, with at least one.
fn is_kinds(value: &Value) -> bool {
    let known = |kind: &Value| kind.as_str().is_some_and(|kind| DETECTORS.contains(&kind));
    value.as_array().is_some_and(|kinds| !kinds.is_empty() && kinds.iter().all(known))
}

/// All kinds of both; nothing said means every kind.
fn both_kinds(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let (Some(Value::Array(x)), Some(Value::Array(y))) = (a.get("kinds"), b.get("kinds")) else {
        return BTreeMap::new();
    };
    let mut kinds = x.clone();
    kinds.extend(y.iter().filter(|kind| !x.contains(kind)).cloned());
    BTreeMap::from([("kinds".to_owned(), Value::Array(kinds))])
}

/// Adds a request to the masks, column by column, keeping the strictest.
pub(crate) fn add(
    masks: &mut BTreeMap<ColumnId, ColumnMask>,
    request: &MaskRequest,
    id: &str,
    surface: &[SurfaceColumn],
) {
    for column in surface.iter().filter(|column| covers(&request.target, column)) {
        let new = ColumnMask {
            column: column.column.clone(),
            method: request.method,
            params: request.params.clone(),
            predicates: request.predicates,
            ids: vec![id.to_owned()],
        };
        match masks.get_mut(&column.column) {
            Some(old) => *old = stricter(old, &new),
            None => {
                masks.insert(column.column.clone(), new);
            }
        }
    }
}

/// Whether a request is for any of these columns.
pub(crate) fn covers_any(request: &MaskRequest, surface: &[SurfaceColumn]) -> bool {
    surface.iter().any(|column| covers(&request.target, column))
}

fn covers(target: &MaskTarget, column: &SurfaceColumn) -> bool {
    match target {
        // Rows of a partition are rows of the whole, under whichever name they are read.
        MaskTarget::Column(glob) => {
            glob::matches(glob, &column.column.to_string())
                || column.also.iter().any(|id| glob::matches(glob, id))
        }
        MaskTarget::Label(glob) => column.labels.iter().any(|label| glob::matches(glob, label)),
    }
}

/// The stricter of two masks of one column, with the ids of both.
pub(crate) fn stricter(a: &ColumnMask, b: &ColumnMask) -> ColumnMask {
    let mut ids = a.ids.clone();
    ids.extend(b.ids.iter().filter(|id| !a.ids.contains(id)).cloned());
    let (method, params) = if a.method != b.method {
        let most = if a.method > b.method { a } else { b };
        (most.method, most.params.clone())
    } else {
        match stricter_params(a.method, &a.params, &b.params) {
            Some(params) => (a.method, params),
            // Neither keeps less than the other, so nothing is kept.
            None => (MaskMethod::Redact, BTreeMap::new()),
        }
    };
    let predicates = a.predicates.max(b.predicates);
    ColumnMask { column: a.column.clone(), method, params, predicates, ids }
}

/// The stricter parameters of one method; `None` where they cannot be compared.
fn stricter_params(
    method: MaskMethod,
    a: &BTreeMap<String, Value>,
    b: &BTreeMap<String, Value>,
) -> Option<BTreeMap<String, Value>> {
    if a == b {
        return Some(a.clone());
    }
    match method {
        MaskMethod::Detect => Some(both_kinds(a, b)),
        MaskMethod::Partial => {
            let (x, y) = (Kept::of(a), Kept::of(b));
            if x.within(&y) {
                Some(a.clone())
            } else if y.within(&x) {
                Some(b.clone())
            } else {
                None
            }
        }
        MaskMethod::DateTrunc => {
            let rank = |params: &BTreeMap<String, Value>| {
                let field = params.get("to").and_then(Value::as_str)?;
                FIELDS.iter().position(|known| *known == field)
            };
            let (x, y) = (rank(a)?, rank(b)?);
            Some(if x >= y { a.clone() } else { b.clone() })
        }
        MaskMethod::Tokenize | MaskMethod::Hash | MaskMethod::Redact | MaskMethod::Null => None,
    }
}

/// What `partial` leaves readable.
struct Kept {
    first: u64,
    last: u64,
    domain: bool,
}

impl Kept {
    fn of(params: &BTreeMap<String, Value>) -> Self {
        let number = |name: &str| params.get(name).and_then(Value::as_u64);
        // `jurat-sql` keeps one character where nothing says what to keep.
        let last = number("keep_last");
        Self {
            first: number("keep_first").unwrap_or_else(|| u64::from(last.is_none())),
            last: last.unwrap_or(0),
            domain: params.get("keep_domain").and_then(Value::as_bool).unwrap_or(false),
        }
    }

    fn within(&self, other: &Self) -> bool {
        self.first <= other.first && self.last <= other.last && (!self.domain || other.domain)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jurat_types::{ColumnId, ColumnMask, MaskMethod, PredicateMode, RelationName};
    use serde_json::{Value, json};

    use super::{check_params, stricter};

    fn mask(method: MaskMethod, params: Value, predicates: PredicateMode) -> ColumnMask {
        ColumnMask {
            column: ColumnId::new(RelationName::new("public", "customers"), "email"),
            method,
            params: serde_json::from_value(params).unwrap(),
            predicates,
            ids: Vec::new(),
        }
    }

    #[test]
    fn what_may_be_asked_is_what_the_strictest_lets_be_asked() {
        use PredicateMode::{Deny, Equality, Masked};
        for (a, b, both) in [
            (Equality, Masked, Masked),
            (Masked, Deny, Deny),
            (Deny, Equality, Deny),
            (Equality, Equality, Equality),
        ] {
            for (a, b) in [(a, b), (b, a)] {
                let one = mask(MaskMethod::Null, json!({}), a);
                let two = mask(MaskMethod::Redact, json!({}), b);
                let result = stricter(&one, &two);
                assert_eq!((result.method, result.predicates), (MaskMethod::Null, both));
            }
        }
    }

    #[test]
    fn detectors_are_the_mildest_and_look_for_what_any_rule_names() {
        let detect = |params| mask(MaskMethod::Detect, params, PredicateMode::Deny);
        let both = stricter(
            &detect(json!({"kinds": ["email", "card"]})),
            &detect(json!({"kinds": ["card", "iban"]})),
        );
        assert_eq!(both.params["kinds"], json!(["email", "card", "iban"]));
        let every = stricter(&detect(json!({"kinds": ["email"]})), &detect(json!({})));
        assert_eq!(every.params, BTreeMap::new());
        let partial = mask(MaskMethod::Partial, json!({}), PredicateMode::Deny);
        assert_eq!(stricter(&detect(json!({})), &partial).method, MaskMethod::Partial);
    }

    #[test]
    fn parameters_of_the_wrong_kind_are_refused() {
        for (method, params, fits) in [
            (MaskMethod::Detect, json!({}), true),
            (MaskMethod::Detect, json!({"kinds": ["email"]}), true),
            (MaskMethod::Detect, json!({"kinds": []}), false),
            (MaskMethod::Detect, json!({"kinds": ["nosuch"]}), false),
            (MaskMethod::Hash, json!({"salt": "domain"}), true),
            (MaskMethod::Tokenize, json!({"salt": 1}), false),
            (MaskMethod::Redact, json!({"salt": "x"}), false),
        ] {
            let params: BTreeMap<String, Value> = serde_json::from_value(params).unwrap();
            assert_eq!(check_params(method, &params).is_ok(), fits, "{method:?} {params:?}");
        }
    }
}
