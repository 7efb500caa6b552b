//! Masks: which parameters they take, which of two is the stricter, and over which columns they go.

use std::collections::BTreeMap;

use jurat_types::{ColumnId, ColumnMask, MaskMethod};
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
            (MaskMethod::Hash | MaskMethod::Tokenize, "salt") => value.is_string(),
            (MaskMethod::DateTrunc, "to") => {
                value.as_str().is_some_and(|field| FIELDS.contains(&field))
            }
            (
                MaskMethod::Partial
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
