//! Queries of the grammar, and the statements around them.

use super::{
    choices::Choices,
    expression,
    scope::{self, Column, Named, Scope, Source, Type},
};

/// Rows that a query gives at most; some of the fixture's joins are large.
const ROWS_MAX: usize = 30;

/// A statement that shows something.
pub(crate) fn statement(choices: &mut Choices) -> String {
    let (text, _) = query(choices, &Scope::default(), None);
    match choices.pick(14) {
        8 => format!("COPY ({text}) TO STDOUT"),
        9 => format!("VALUES (({}), 1)", scalar(choices, &Scope::default(), Type::Text)),
        10 => format!("SELECT ({})", scalar(choices, &Scope::default(), Type::Text)),
        11 => format!("WITH outermost AS ({text}) SELECT * FROM outermost"),
        12 => format!("SELECT outermost FROM ({text}) AS outermost"),
        13 => format!("SELECT count(*), max(CAST(outermost AS text)) FROM ({text}) AS outermost"),
        _ => text,
    }
}

/// A query with one column and at most one row.
pub(crate) fn scalar(choices: &mut Choices, outer: &Scope, kind: Type) -> String {
    let mut scope = outer.inner();
    if outer.depth > 3 {
        scope.sources.clear();
    }
    let from = from(choices, &mut scope);
    let item = match (kind, choices.pick(6)) {
        (Type::Text, 1) => format!("max({})", expression::of(choices, &scope, kind, false)),
        (Type::Text, 2) => {
            format!("string_agg({}, ',')", expression::of(choices, &scope, kind, false))
        }
        (Type::Text, 3) => {
            format!("CAST(json_agg({}) AS text)", expression::of(choices, &scope, kind, false))
        }
        (Type::Int, 1) => "CAST(count(*) AS int)".to_owned(),
        _ => {
            let item = expression::of(choices, &scope, kind, false);
            return format!("SELECT {item} FROM {from}{} LIMIT 1", filter(choices, &scope));
        }
    };
    format!("SELECT {item} FROM {from}{}", filter(choices, &scope))
}

/// A query, and its columns. With `kinds`, it has columns of just these types.
fn query(choices: &mut Choices, outer: &Scope, kinds: Option<&[Type]>) -> (String, Vec<Column>) {
    let mut scope = Scope { sources: Vec::new(), ..outer.inner() };
    let with = with(choices, &mut scope);
    let (first, columns) = select(choices, &scope, kinds);
    let mut text = first;
    if scope.depth < 3 && choices.chance(15) {
        let kinds: Vec<Type> = columns.iter().map(|column| column.kind).collect();
        let operator = choices.one(&["UNION ALL", "UNION", "INTERSECT", "EXCEPT"]);
        let (second, _) = select(choices, &scope, Some(&kinds));
        text = format!("({text}) {operator} ({second})");
    }
    if choices.chance(20) {
        text.push_str(" ORDER BY 1");
    }
    (format!("{with}{text} LIMIT {ROWS_MAX}"), columns)
}

fn with(choices: &mut Choices, scope: &mut Scope) -> String {
    if scope.depth > 2 || !choices.chance(25) {
        return String::new();
    }
    let name = scope.fresh("w");
    if choices.chance(25) {
        let mut inner = scope.inner();
        let from = from(choices, &mut inner);
        let item = expression::of(choices, &inner, Type::Text, false);
        let columns = [("n", Type::Int, false), ("t", Type::Text, true)];
        let columns = columns.map(|(name, kind, protected)| Column {
            name: name.to_owned(),
            kind,
            protected,
        });
        scope.named.push(Named { name: name.clone(), columns: columns.to_vec() });
        return format!(
            "WITH RECURSIVE {name}(n, t) AS ((SELECT 1, {item} FROM {from} LIMIT 5) UNION ALL \
             SELECT n + 1, t FROM {name} WHERE n < 3) "
        );
    }
    let (text, mut columns) = query(choices, scope, None);
    let mut list = String::new();
    if choices.chance(40) {
        for (at, column) in columns.iter_mut().enumerate() {
            column.name = format!("r{at}");
        }
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        list = format!("({})", names.join(", "));
    }
    let how = choices.one(&["", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
    scope.named.push(Named { name: name.clone(), columns });
    format!("WITH {name}{list} AS {how}({text}) ")
}

fn select(choices: &mut Choices, outer: &Scope, kinds: Option<&[Type]>) -> (String, Vec<Column>) {
    let mut scope = outer.clone();
    let from = from(choices, &mut scope);
    let star = kinds.is_none() && choices.chance(15);
    if star {
        let source = &scope.sources[choices.pick(scope.sources.len())];
        let columns = source.columns.clone();
        let all = if scope.sources.len() == 1 && choices.chance(50) {
            "*".to_owned()
        } else {
            format!("{}.*", source.alias)
        };
        let distinct = choices.one(&["", "", "", "DISTINCT "]);
        return (format!("SELECT {distinct}{all} FROM {from}{}", filter(choices, &scope)), columns);
    }
    let count = 1 + choices.pick(3);
    let kinds: Vec<Type> = match kinds {
        Some(kinds) => kinds.to_vec(),
        None => (0..count).map(|_| *choices.one(&[&Type::Text, &Type::Text, &Type::Int])).collect(),
    };
    let (mut items, mut columns) = (Vec::new(), Vec::new());
    for (at, kind) in kinds.iter().enumerate() {
        let name = format!("c{at}");
        let item = expression::of(choices, &scope, *kind, false);
        let item = match (*kind, choices.pick(12)) {
            (Type::Text, 10) => format!("first_value({item}) OVER (ORDER BY 1)"),
            (Type::Text, 11) => format!("lag({item}) OVER ()"),
            _ => item,
        };
        items.push(format!("{item} AS {name}"));
        columns.push(Column { name, kind: *kind, protected: *kind == Type::Text });
    }
    let distinct = choices.one(&["", "", "", "", "", "DISTINCT "]);
    let filter = filter(choices, &scope);
    (format!("SELECT {distinct}{} FROM {from}{filter}", items.join(", ")), columns)
}

fn filter(choices: &mut Choices, scope: &Scope) -> String {
    if choices.chance(30) {
        format!(" WHERE {}", expression::of(choices, scope, Type::Bool, true))
    } else {
        String::new()
    }
}

/// What stands behind FROM; its sources come into sight.
fn from(choices: &mut Choices, scope: &mut Scope) -> String {
    let mut text = source(choices, scope, false);
    if scope.depth < 3 && choices.chance(30) {
        let left = scope.sources.len();
        let lateral = choices.chance(30);
        let second = source(choices, scope, lateral);
        text = match choices.pick(5) {
            0 if !lateral => {
                let ids = [left - 1, left].map(|at| {
                    scope.sources[at]
                        .columns
                        .iter()
                        .find(|column| column.kind == Type::Int)
                        .map(|column| format!("{}.{}", scope.sources[at].alias, column.name))
                });
                match ids {
                    [Some(one), Some(other)] => format!("{text} JOIN {second} ON {one} = {other}"),
                    _ => format!("{text} CROSS JOIN {second}"),
                }
            }
            1 => format!("{text} LEFT JOIN {second} ON true"),
            2 => format!("{text}, {second}"),
            _ => format!("{text} CROSS JOIN {second}"),
        };
    }
    text
}

fn source(choices: &mut Choices, scope: &mut Scope, lateral: bool) -> String {
    let alias = scope.fresh("a");
    if lateral || (scope.depth < 3 && choices.chance(20)) {
        let outer = if lateral {
            Scope { depth: scope.depth + 1, names: 0, ..scope.clone() }
        } else {
            Scope { sources: Vec::new(), ..scope.clone() }
        };
        let (text, columns) = if lateral {
            let item = expression::of(choices, &outer, Type::Text, false);
            let column = Column { name: "v".to_owned(), kind: Type::Text, protected: true };
            (format!("SELECT {item} AS v"), vec![column])
        } else {
            query(choices, &outer, None)
        };
        scope.sources.push(Source { alias: alias.clone(), columns });
        return format!("{}({text}) AS {alias}", if lateral { "LATERAL " } else { "" });
    }
    if !scope.named.is_empty() && choices.chance(60) {
        let named = scope.named[choices.pick(scope.named.len())].clone();
        scope.sources.push(Source { alias: alias.clone(), columns: named.columns });
        return format!("{} AS {alias}", named.name);
    }
    if choices.chance(6) {
        let inner = Scope { sources: Vec::new(), ..scope.clone() };
        let text = scalar(choices, &inner, Type::Text);
        let column = Column { name: "v".to_owned(), kind: Type::Text, protected: true };
        scope.sources.push(Source { alias: alias.clone(), columns: vec![column] });
        return format!("unnest(ARRAY({text})) AS {alias}(v)");
    }
    let (name, mut columns) = scope::relation(choices);
    let mut list = String::new();
    if choices.chance(12) {
        for (at, column) in columns.iter_mut().enumerate() {
            column.name = format!("k{at}");
        }
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        list = format!("({})", names.join(", "));
    }
    scope.sources.push(Source { alias: alias.clone(), columns });
    format!("{name} AS {alias}{list}")
}
