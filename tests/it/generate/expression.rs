//! Expressions of the grammar.

use super::{
    choices::Choices,
    query,
    scope::{Scope, Type},
};

/// Below this depth only columns and literals are made.
const DEPTH_MAX: usize = 4;

/// An expression of a type. In places that decide something (`decides`), protected columns come seldom, because
/// they are refused there.
pub(crate) fn of(choices: &mut Choices, scope: &Scope, kind: Type, decides: bool) -> String {
    let scope = &Scope { depth: scope.depth + 1, ..scope.clone() };
    if scope.depth > DEPTH_MAX || choices.chance(35) {
        return leaf(choices, scope, kind, decides);
    }
    match kind {
        Type::Text => text(choices, scope, decides),
        Type::Int => int(choices, scope, decides),
        Type::Number => number(choices, scope, decides),
        Type::Bool => bool(choices, scope),
    }
}

fn leaf(choices: &mut Choices, scope: &Scope, kind: Type, decides: bool) -> String {
    let any = !decides || choices.chance(4);
    let column = scope.column(choices, kind, any);
    let literal = match kind {
        Type::Text => "'word'",
        Type::Int => "3",
        Type::Number => "2.5",
        Type::Bool => "true",
    };
    column.filter(|_| !choices.chance(8)).unwrap_or_else(|| literal.to_owned())
}

fn text(choices: &mut Choices, scope: &Scope, decides: bool) -> String {
    let of_kind = |choices: &mut Choices, kind| of(choices, scope, kind, decides);
    let one = of_kind(choices, Type::Text);
    match choices.pick(24) {
        0 => one,
        1 => {
            let function =
                choices.one(&["upper", "lower", "reverse", "btrim", "initcap", "quote_literal"]);
            format!("{function}({one})")
        }
        2 => format!("{one} || {}", of_kind(choices, Type::Text)),
        3 => format!("substr({one}, {}, 40)", choices.pick(4)),
        4 => format!("coalesce({one}, {})", of_kind(choices, Type::Text)),
        5 => format!("greatest({one}, {})", of_kind(choices, Type::Text)),
        6 => format!(
            "CASE WHEN {} THEN {one} ELSE {} END",
            of(choices, scope, Type::Bool, true),
            of_kind(choices, Type::Text)
        ),
        7 => format!("CAST({} AS text)", of_kind(choices, Type::Int)),
        8 => format!("({})", query::scalar(choices, scope, Type::Text)),
        9 => format!("array_to_string(ARRAY({}), ',')", query::scalar(choices, scope, Type::Text)),
        10 => format!("encode(convert_to({one}, 'UTF8'), '{}')", choices.one(&["hex", "base64"])),
        11 => format!("replace({one}, 'q', 'z')"),
        12 => format!("concat_ws('-', {one}, {})", of_kind(choices, Type::Text)),
        13 => format!("format('%s', {one})"),
        14 => format!("(jsonb_build_object('k', {one}) ->> 'k')"),
        15 => whole_row(choices, scope).unwrap_or(one),
        16 => format!("(ARRAY[{one}, 'x'])[1]"),
        17 => format!("CAST(ROW({one}, 1) AS text)"),
        18 => format!("nullif({one}, 'word')"),
        19 => format!("split_part({one}, '#', 1)"),
        20 => format!("CAST({one} AS varchar(200))"),
        21 => format!("regexp_replace({one}, '[qx]', '_')"),
        22 => format!("left({one}, 60)"),
        _ => format!("CAST(to_json({one}) AS text)"),
    }
}

/// A relation as one value.
fn whole_row(choices: &mut Choices, scope: &Scope) -> Option<String> {
    let count = scope.sources.len();
    let alias = &scope.sources.get(choices.pick(count))?.alias;
    Some(match choices.pick(7) {
        0 => format!("CAST({alias} AS text)"),
        1 => format!("CAST(row_to_json({alias}) AS text)"),
        2 => format!("(to_jsonb({alias}) ->> 'email')"),
        3 => format!("CAST({alias}.* AS text)"),
        4 => format!("format('%s', {alias})"),
        5 => format!("CAST(ARRAY[{alias}] AS text)"),
        _ => format!("CAST(to_jsonb({alias}) AS text)"),
    })
}

fn int(choices: &mut Choices, scope: &Scope, decides: bool) -> String {
    match choices.pick(6) {
        0 => leaf(choices, scope, Type::Int, decides),
        1 => format!("length({})", of(choices, scope, Type::Text, decides)),
        2 => format!("({} + 1)", of(choices, scope, Type::Int, decides)),
        3 => format!("({})", query::scalar(choices, scope, Type::Int)),
        4 => format!("ascii({})", of(choices, scope, Type::Text, decides)),
        _ => format!("coalesce({}, 0)", of(choices, scope, Type::Int, decides)),
    }
}

fn number(choices: &mut Choices, scope: &Scope, decides: bool) -> String {
    match choices.pick(3) {
        0 => leaf(choices, scope, Type::Number, decides),
        1 => format!("({} * 1.5)", of(choices, scope, Type::Int, decides)),
        _ => format!("round({}, 1)", of(choices, scope, Type::Number, decides)),
    }
}

fn bool(choices: &mut Choices, scope: &Scope) -> String {
    let of = |choices: &mut Choices, kind| of(choices, scope, kind, true);
    match choices.pick(9) {
        0 => leaf(choices, scope, Type::Bool, true),
        1 => format!("{} < {}", of(choices, Type::Int), of(choices, Type::Int)),
        2 => format!("{} IS NOT NULL", of(choices, Type::Text)),
        3 => format!("({} OR {})", of(choices, Type::Bool), of(choices, Type::Bool)),
        4 => format!("NOT ({})", of(choices, Type::Bool)),
        5 => format!("EXISTS ({})", query::scalar(choices, scope, Type::Int)),
        6 => {
            format!("{} IN ({})", of(choices, Type::Int), query::scalar(choices, scope, Type::Int))
        }
        7 => format!("{} LIKE '%o%'", of(choices, Type::Text)),
        _ => format!("{} = {}", of(choices, Type::Text), of(choices, Type::Text)),
    }
}
