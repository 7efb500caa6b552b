//! The elements of the decision rules, read strictly: what is not understood is a denial, never skipped.

use std::collections::BTreeMap;

use jurat_types::{
    ApprovalRequest, EstimateBy, EstimateRequest, Limit, MaskMethod, Obligation, PredicateMode,
    RowFilter,
};
use serde_json::{Map, Value};

use crate::duration;

/// The rules that a package may define.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum DecisionRule {
    Allow,
    Approvals,
    Deny,
    Limits,
    Masks,
    Obligations,
    RowFilters,
    Violation,
    Warn,
}

impl DecisionRule {
    pub(crate) const ALL: [Self; 9] = [
        Self::Allow,
        Self::Approvals,
        Self::Deny,
        Self::Limits,
        Self::Masks,
        Self::Obligations,
        Self::RowFilters,
        Self::Violation,
        Self::Warn,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Approvals => "approvals",
            Self::Deny => "deny",
            Self::Limits => "limits",
            Self::Masks => "masks",
            Self::Obligations => "obligations",
            Self::RowFilters => "row_filters",
            Self::Violation => "violation",
            Self::Warn => "warn",
        }
    }

    pub(crate) fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// What an element says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Says {
    pub(crate) id: Option<String>,
    pub(crate) msg: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) severity: Option<String>,
    pub(crate) remedy: Option<String>,
    pub(crate) approvable: bool,
    pub(crate) details: Option<Value>,
}

/// What an element does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Acts {
    Allow,
    Approval(ApprovalRequest),
    Deny,
    Limit(Limit),
    Mask(MaskRequest),
    Obligation(Obligation),
    RowFilter(RowFilter),
    Warn,
}

/// A mask before it is expanded over columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MaskRequest {
    pub(crate) target: MaskTarget,
    pub(crate) method: MaskMethod,
    pub(crate) params: BTreeMap<String, Value>,
    pub(crate) predicates: PredicateMode,
}

/// Which columns a mask is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum MaskTarget {
    /// An id, or a glob over ids.
    Column(String),
    /// A label, or a glob over labels.
    Label(String),
}

/// Reads one element of a rule.
///
/// # Errors
/// What is wrong with it, without its values: the text reaches the client.
pub(crate) fn read(rule: DecisionRule, element: &Value) -> Result<(Says, Acts), String> {
    match rule {
        DecisionRule::Allow => Ok((says(element, true)?, Acts::Allow)),
        DecisionRule::Deny | DecisionRule::Violation => Ok((says(element, false)?, Acts::Deny)),
        DecisionRule::Warn => Ok((says(element, false)?, Acts::Warn)),
        DecisionRule::Masks => structured(element, mask),
        DecisionRule::RowFilters => structured(element, row_filter),
        DecisionRule::Limits => structured(element, limit),
        DecisionRule::Approvals => structured(element, approval),
        DecisionRule::Obligations => structured(element, obligation),
    }
}

/// A text, or an object with `msg` (or `id`, where `id` is enough). Keys that are not ours are kept
/// as details: Gatekeeper's and conftest's elements carry them.
fn says(element: &Value, id_is_enough: bool) -> Result<Says, String> {
    let entries = match element {
        Value::String(text) if text.is_empty() => return Err("it is an empty text".to_owned()),
        Value::String(text) => {
            let id = id_is_enough.then(|| text.clone());
            return Ok(Says { id, msg: Some(text.clone()), ..Says::default() });
        }
        Value::Object(entries) => entries,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            return Err("it is neither a text nor an object".to_owned());
        }
    };
    let mut fields = Fields::new(entries);
    let said = fields.says()?;
    let more = fields.rest();
    let said = match (said.details, more.is_empty()) {
        (None, false) => Says { details: Some(Value::Object(more)), ..said },
        (details, _) => Says { details, ..said },
    };
    if said.msg.is_none() && !(id_is_enough && said.id.is_some()) {
        return Err("it has no msg".to_owned());
    }
    Ok(said)
}

fn structured(
    element: &Value,
    acts: fn(&mut Fields, &Says) -> Result<Acts, String>,
) -> Result<(Says, Acts), String> {
    let Value::Object(entries) = element else {
        return Err("it is not an object".to_owned());
    };
    let mut fields = Fields::new(entries);
    let said = fields.says()?;
    let acts = acts(&mut fields, &said)?;
    // A misspelt key would be a protection that is missing.
    match fields.rest().keys().next() {
        Some(key) => Err(format!("it has the unknown key {key}")),
        None => Ok((said, acts)),
    }
}

fn mask(fields: &mut Fields, _: &Says) -> Result<Acts, String> {
    let target = match fields.take("column") {
        Some(Value::String(column)) if !column.is_empty() => MaskTarget::Column(column.clone()),
        Some(Value::Object(by)) if by.len() == 1 => match by.get("label") {
            Some(Value::String(label)) if !label.is_empty() => MaskTarget::Label(label.clone()),
            Some(_) | None => return Err("its column is not {\"label\": text}".to_owned()),
        },
        Some(_) | None => return Err("its column is neither a text nor a label".to_owned()),
    };
    let method = fields.required_text("method")?;
    let method = serde_json::from_value(Value::String(method)).map_err(|_unknown| {
        "its method is not one of null, redact, hash, tokenize, date_trunc, partial, detect"
            .to_owned()
    })?;
    let params = fields.map("params")?;
    crate::mask::check_params(method, &params)?;
    let predicates = match fields.text("predicates")?.as_deref() {
        None | Some("deny") => PredicateMode::Deny,
        Some("masked") => PredicateMode::Masked,
        Some("equality") => PredicateMode::Equality,
        Some(_) => return Err("its predicates are not one of deny, masked, equality".to_owned()),
    };
    Ok(Acts::Mask(MaskRequest { target, method, params, predicates }))
}

fn row_filter(fields: &mut Fields, says: &Says) -> Result<Acts, String> {
    let relation = fields.required_text("relation")?;
    if !relation.contains('.') {
        // Such a name is that of no relation, so the filter would never apply.
        return Err("its relation is not schema.relation".to_owned());
    }
    Ok(Acts::RowFilter(RowFilter {
        id: says.id.clone().unwrap_or_default(),
        relation,
        predicate: fields.required_text("predicate")?,
        params: fields.map("params")?,
    }))
}

fn limit(fields: &mut Fields, says: &Says) -> Result<Acts, String> {
    const KINDS: &[&str] = &[
        "bytes_returned",
        "protected_values_per_window",
        "rows_affected",
        "rows_affected_per_window",
        "rows_returned",
        "statements_per_window",
        "timeout_ms",
    ];
    let kind = fields.required_text("kind")?;
    if !KINDS.contains(&kind.as_str()) {
        return Err(format!("its kind is not one of {}", KINDS.join(", ")));
    }
    let value = fields
        .take("value")
        .and_then(Value::as_u64)
        .ok_or("its value is not a whole number from 0 on")?;
    let on_exceed = fields.text("on_exceed")?.unwrap_or_else(|| "deny".to_owned());
    if strictness(&on_exceed).is_none() {
        return Err("its on_exceed is not one of deny, approve, truncate".to_owned());
    }
    if on_exceed == "truncate" && !matches!(kind.as_str(), "rows_returned" | "bytes_returned") {
        return Err("only what is returned can be truncated".to_owned());
    }
    let window_seconds = match (fields.text("window")?, kind.ends_with("_per_window")) {
        (None, false) => None,
        (Some(window), true) => {
            let seconds = duration::seconds(&window).filter(|seconds| *seconds > 0);
            Some(seconds.ok_or("its window is not a duration like 1h")?)
        }
        (None, true) => return Err("it has no window".to_owned()),
        (Some(_), false) => return Err("its kind takes no window".to_owned()),
    };
    let counts = matches!(kind.as_str(), "rows_affected" | "rows_affected_per_window");
    let cascades = fields.flag("cascades")?;
    let uncounted = match fields.text("uncounted")?.as_deref() {
        None | Some("deny") => false,
        Some("allow") => true,
        Some(_) => return Err("its uncounted is not one of deny, allow".to_owned()),
    };
    let values = kind == "protected_values_per_window";
    if (cascades && !counts) || (uncounted && !counts && !values) {
        return Err("its kind counts no rows that are changed".to_owned());
    }
    let labels = texts(fields, "labels")?;
    if !labels.is_empty() && !values {
        return Err("its kind counts no values of labelled columns".to_owned());
    }
    let id = says.id.clone().unwrap_or_default();
    Ok(Acts::Limit(Limit {
        id,
        kind,
        value,
        on_exceed,
        window_seconds,
        cascades,
        uncounted,
        labels,
    }))
}

/// A list of texts; what is not there is empty, and what is there is not.
fn texts(fields: &mut Fields, key: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("its {key} are not a list of texts with at least one");
    let Some(value) = fields.take(key) else { return Ok(Vec::new()) };
    let each = |text: &Value| text.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let texts: Option<Vec<String>> =
        value.as_array().and_then(|list| list.iter().map(each).collect());
    texts.filter(|texts| !texts.is_empty()).ok_or_else(wrong)
}

/// The order of what happens when a limit is exceeded, the strictest last.
pub(crate) fn strictness(on_exceed: &str) -> Option<u8> {
    match on_exceed {
        "truncate" => Some(0),
        "approve" => Some(1),
        "deny" => Some(2),
        _ => None,
    }
}

fn approval(fields: &mut Fields, says: &Says) -> Result<Acts, String> {
    let approvers: Option<Vec<String>> = fields
        .take("approvers")
        .and_then(Value::as_array)
        .and_then(|list| list.iter().map(|each| each.as_str().map(str::to_owned)).collect());
    let approvers = approvers
        .filter(|list| !list.is_empty())
        .ok_or("its approvers are not a list of texts with at least one")?;
    let min = match fields.take("min") {
        None => 1,
        Some(value) => value
            .as_u64()
            .and_then(|value| u32::try_from(value).ok())
            .filter(|value| *value >= 1)
            .ok_or("its min is not a whole number from 1 on")?,
    };
    let ttl = fields.text("ttl")?.unwrap_or_else(|| "30m".to_owned());
    if duration::seconds(&ttl).is_none() {
        return Err("its ttl is not a duration like 30m".to_owned());
    }
    let mode = fields.text("mode")?.unwrap_or_else(|| "auto".to_owned());
    if !matches!(mode.as_str(), "auto" | "hold" | "retry") {
        return Err("its mode is not one of auto, hold, retry".to_owned());
    }
    Ok(Acts::Approval(ApprovalRequest {
        id: says.id.clone().unwrap_or_default(),
        msg: says.msg.clone().unwrap_or_else(|| "An approval is needed".to_owned()),
        approvers,
        min,
        ttl,
        mode,
    }))
}

fn obligation(fields: &mut Fields, _: &Says) -> Result<Acts, String> {
    let kind = fields.required_text("kind")?;
    let params = fields.map("params")?;
    match kind.as_str() {
        "record_text" if params.is_empty() => Ok(Acts::Obligation(Obligation::RecordText)),
        "record_text" => Err("record_text takes no params".to_owned()),
        "estimate" => {
            estimate(&params).map(|request| Acts::Obligation(Obligation::Estimate(request)))
        }
        "tag" => Ok(Acts::Obligation(Obligation::Tag(params))),
        _ => Err("its kind is not one of estimate, record_text, tag".to_owned()),
    }
}

/// The longest that an estimate may take, milliseconds: a connection waits for it.
const ESTIMATE_MS_MAX: u64 = 30_000;

fn estimate(params: &BTreeMap<String, Value>) -> Result<EstimateRequest, String> {
    let mut request = EstimateRequest {
        by: EstimateBy::Explain,
        timeout_ms: 2_000,
        allow_failure: false,
        share: false,
    };
    for (key, value) in params {
        match (key.as_str(), value.as_str(), value.as_u64()) {
            ("by", Some("explain"), _) => request.by = EstimateBy::Explain,
            ("by", Some("count"), _) => request.by = EstimateBy::Count,
            ("by", ..) => return Err("its by is not one of explain, count".to_owned()),
            ("timeout_ms", _, Some(ms @ 1..=ESTIMATE_MS_MAX)) => request.timeout_ms = ms,
            ("timeout_ms", ..) => {
                return Err("its timeout_ms is not a whole number from 1 to 30000".to_owned());
            }
            ("share", ..) => {
                request.share = value.as_bool().ok_or("its share is not true or false")?;
            }
            ("on_failure", Some("deny"), _) => request.allow_failure = false,
            ("on_failure", Some("allow"), _) => request.allow_failure = true,
            ("on_failure", ..) => return Err("its on_failure is not one of deny, allow".to_owned()),
            (unknown, ..) => return Err(format!("its params have the unknown key {unknown}")),
        }
    }
    Ok(request)
}

/// An object's keys, each taken at most once.
struct Fields<'a> {
    entries: BTreeMap<&'a str, &'a Value>,
}

impl<'a> Fields<'a> {
    fn new(entries: &'a Map<String, Value>) -> Self {
        Self { entries: entries.iter().map(|(key, value)| (key.as_str(), value)).collect() }
    }

    fn take(&mut self, key: &str) -> Option<&'a Value> {
        self.entries.remove(key)
    }

    /// `null` counts as absent.
    fn text(&mut self, key: &str) -> Result<Option<String>, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(format!("its {key} is not a text"))
            }
        }
    }

    fn required_text(&mut self, key: &str) -> Result<String, String> {
        self.text(key)?.filter(|text| !text.is_empty()).ok_or(format!("it has no {key}"))
    }

    fn map(&mut self, key: &str) -> Result<BTreeMap<String, Value>, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(BTreeMap::new()),
            Some(Value::Object(map)) => Ok(map.clone().into_iter().collect()),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::String(_)) => {
                Err(format!("its {key} are not an object"))
            }
        }
    }

    /// `null` counts as false.
    fn flag(&mut self, key: &str) -> Result<bool, String> {
        match self.take(key) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                Err(format!("its {key} is not true or false"))
            }
        }
    }

    fn says(&mut self) -> Result<Says, String> {
        let severity = self.text("severity")?;
        if severity.as_deref().is_some_and(|s| !matches!(s, "low" | "medium" | "high" | "critical"))
        {
            return Err("its severity is not one of low, medium, high, critical".to_owned());
        }
        let approvable = self.flag("approvable")?;
        Ok(Says {
            id: self.text("id")?.filter(|id| !id.is_empty()),
            msg: self.text("msg")?.filter(|msg| !msg.is_empty()),
            code: self.text("code")?,
            severity,
            remedy: self.text("remedy")?,
            approvable,
            details: self.take("details").cloned(),
        })
    }

    fn rest(&self) -> Map<String, Value> {
        let owned = |(key, value): (&&str, &&Value)| ((*key).to_owned(), (*value).clone());
        self.entries.iter().map(owned).collect()
    }
}
