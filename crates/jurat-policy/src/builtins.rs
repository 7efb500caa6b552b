//! Which functions a policy may call. The list is closed: what is not on it is refused at load.

use regorus::unstable::BUILTINS;

use crate::{
    Diagnostic,
    graph::Graph,
    syntax::{Argument, Call, ModuleFacts},
};

/// Functions that depend on their arguments only and whose work is in proportion to them.
pub(crate) const ALLOWED: &[&str] = &[
    "abs",
    "array.concat",
    "array.reverse",
    "array.slice",
    "base64.decode",
    "base64.encode",
    "base64.is_valid",
    "base64url.decode",
    "base64url.encode",
    "base64url.encode_no_pad",
    "bits.and",
    "bits.negate",
    "bits.or",
    "bits.rsh",
    "bits.xor",
    "ceil",
    "concat",
    "contains",
    "count",
    "endswith",
    "floor",
    "format_int",
    "glob.match",
    "glob.quote_meta",
    "hex.decode",
    "hex.encode",
    "indexof",
    "indexof_n",
    "intersection",
    "is_array",
    "is_boolean",
    "is_null",
    "is_number",
    "is_object",
    "is_set",
    "is_string",
    "json.filter",
    "json.is_valid",
    "json.marshal",
    "json.remove",
    "json.unmarshal",
    "lower",
    "max",
    "min",
    "net.cidr_contains",
    "net.cidr_is_valid",
    "numbers.range",
    "object.filter",
    "object.get",
    "object.keys",
    "object.remove",
    "object.subset",
    "object.union",
    "object.union_n",
    "print",
    "product",
    "regex.find_n",
    "regex.is_valid",
    "regex.match",
    "regex.replace",
    "regex.split",
    "regex.template_match",
    "replace",
    "round",
    "semver.compare",
    "semver.is_valid",
    "sort",
    "split",
    "sprintf",
    "startswith",
    "strings.any_prefix_match",
    "strings.any_suffix_match",
    "strings.count",
    "strings.replace_n",
    "strings.reverse",
    "substring",
    "sum",
    "time.add_date",
    "time.clock",
    "time.date",
    "time.diff",
    "time.format",
    "time.parse_duration_ns",
    "time.parse_ns",
    "time.parse_rfc3339_ns",
    "time.weekday",
    "to_number",
    "trace",
    "trim",
    "trim_left",
    "trim_prefix",
    "trim_right",
    "trim_space",
    "trim_suffix",
    "type_name",
    "union",
    "units.parse",
    "units.parse_bytes",
    "upper",
];

/// Functions that exist, but not for a policy that judges, and why.
const REFUSED: &[(&str, &str)] = &[
    ("bits.lsh", "its result has no bound"),
    ("http.send", "a decision may not depend on the network"),
    ("net.cidr_expand", "its result has no bound"),
    ("net.lookup_ip_addr", "a decision may not depend on the network"),
    ("numbers.range_step", "its result has no bound"),
    ("opa.runtime", "a decision may not depend on the machine it is made on"),
    ("rand.intn", "a decision must be the same when it is recomputed"),
    ("time.now_ns", "use input.time.now_ns, so that the decision can be recomputed"),
    ("uuid.rfc4122", "a decision must be the same when it is recomputed"),
];

/// Numbers that `numbers.range` may make at most.
const RANGE_MAX: u64 = 10_000;
/// Digits of a width in a format of `sprintf` at most.
const WIDTH_DIGITS_MAX: usize = 2;

/// Checks every call and every `with`.
pub(crate) fn check(modules: &[ModuleFacts], graph: &Graph, tests: bool) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for module in modules {
        for rule in &module.rules {
            for call in &rule.calls {
                errors.extend(check_call(module, call, graph, tests));
            }
            if tests {
                continue;
            }
            errors.extend(
                rule.replacements.iter().map(|replaced| Diagnostic {
                    message: "`with` is for tests: a policy that judges may not replace its input"
                        .to_owned(),
                    code: "rego_compile_error".to_owned(),
                    location: Some(replaced.at.clone()),
                }),
            );
        }
    }
    errors
}

fn check_call(module: &ModuleFacts, call: &Call, graph: &Graph, tests: bool) -> Option<Diagnostic> {
    let name = call.name.join(".");
    let allowed = ALLOWED.contains(&name.as_str());
    let own = graph.is_function(&module.package, call);
    let (code, message) = if own && allowed {
        ("rego_compile_error", format!("function {name} has the name of a built-in"))
    } else if own {
        return None;
    } else if allowed || (tests && BUILTINS.contains_key(name.as_str()) && name != "http.send") {
        ("rego_type_error", check_arguments(&name, &call.arguments, tests).err()?)
    } else if let Some((_, why)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        ("rego_compile_error", format!("built-in {name} is not available to policies: {why}"))
    } else {
        let nearest = ALLOWED
            .iter()
            .map(|known| (strsim::damerau_levenshtein(known, &name), known))
            .min()
            .filter(|(distance, _)| *distance <= 3);
        let hint =
            nearest.map_or_else(String::new, |(_, known)| format!("; did you mean {known}?"));
        ("rego_type_error", format!("undefined function {name}{hint}"))
    };
    Some(Diagnostic { message, code: code.to_owned(), location: Some(call.at.clone()) })
}

fn check_arguments(name: &str, arguments: &[Argument], tests: bool) -> Result<(), String> {
    if let Some((_, arity)) = BUILTINS.get(name) {
        let arity = usize::from(*arity);
        // One more is Rego's old way to name the result.
        if name != "print" && arguments.len() != arity && arguments.len() != arity + 1 {
            return Err(format!("{name} takes {arity} arguments, not {}", arguments.len()));
        }
    }
    if tests {
        return Ok(());
    }
    match (name, arguments) {
        ("numbers.range", [Argument::Integer(from), Argument::Integer(to), ..])
            if from.abs_diff(*to) <= RANGE_MAX =>
        {
            Ok(())
        }
        ("numbers.range", _) => Err(format!(
            "numbers.range takes two integer literals that are at most {RANGE_MAX} apart"
        )),
        ("sprintf", [Argument::Text(format), ..]) if widths_are_small(format) => Ok(()),
        ("sprintf", _) => Err(format!(
            "sprintf takes a string literal whose widths have at most {WIDTH_DIGITS_MAX} digits"
        )),
        _ => Ok(()),
    }
}

/// regorus makes a text as wide as the format says, whatever it says.
fn widths_are_small(format: &str) -> bool {
    format.split('%').skip(1).all(|verb| {
        verb.trim_start_matches(['.', '+', '-', ' ', '#'])
            .chars()
            .take_while(char::is_ascii_digit)
            .count()
            <= WIDTH_DIGITS_MAX
    })
}

#[cfg(test)]
mod tests {
    use super::{ALLOWED, BUILTINS, REFUSED};

    #[test]
    fn the_lists_are_of_what_exists_and_do_not_meet() {
        let strange = |name: &&&str| {
            let known = BUILTINS.contains_key(**name) || **name == "print";
            !known || REFUSED.iter().any(|(refused, _)| refused == *name)
        };
        assert_eq!(ALLOWED.iter().filter(strange).collect::<Vec<_>>(), Vec::<&&str>::new());
    }
}
