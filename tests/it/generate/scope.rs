//! What can be named at one place of a statement.

use super::choices::Choices;

/// The types that expressions of the grammar have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Type {
    Text,
    Int,
    Number,
    Bool,
}

/// A column of something in FROM.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Type,
    /// Whether it is protected, or may hold something that is.
    pub(crate) protected: bool,
}

/// Something in FROM.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) alias: String,
    pub(crate) columns: Vec<Column>,
}

/// A named query of a WITH clause.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
}

/// What can be named at one place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) sources: Vec<Source>,
    pub(crate) named: Vec<Named>,
    /// How deep this place is in the statement.
    pub(crate) depth: usize,
    /// For new names.
    pub(crate) names: usize,
}

/// The tables and views of the fixture: name, and columns as `name:type`, with a `!` where they are protected.
const RELATIONS: [(&str, &str); 8] = [
    ("customers", "id:i name:t email:t! ssn:t! card:t! tier:t"),
    ("contact", "id:i name:t reach_at:t!"),
    ("orders", "id:i customer_id:i amount:n note:t"),
    ("public.customers", "id:i name:t email:t! ssn:t! card:t! tier:t"),
    ("loud", "id:i cry:t!"),
    ("payments", "id:i order_id:i paid:b"),
    ("open_orders", "id:i amount:n"),
    ("archive.customers", "id:i email:t"),
];

/// The name and the columns of a relation.
pub(crate) fn relation(choices: &mut Choices) -> (&'static str, Vec<Column>) {
    // The protected ones come more often.
    let at = if choices.chance(40) { choices.pick(RELATIONS.len()) } else { choices.pick(2) };
    let (name, columns) = RELATIONS[at];
    (name, columns.split(' ').map(column).collect())
}

fn column(text: &str) -> Column {
    let (name, kind) = text.split_once(':').unwrap();
    let protected = kind.ends_with('!');
    let kind = match &kind[..1] {
        "t" => Type::Text,
        "i" => Type::Int,
        "n" => Type::Number,
        _ => Type::Bool,
    };
    Column { name: name.to_owned(), kind, protected }
}

impl Scope {
    /// A name that nothing else has.
    pub(crate) fn fresh(&mut self, letter: &str) -> String {
        self.names += 1;
        format!("{letter}{}_{}", self.depth, self.names)
    }

    /// The place one level further in, with what is in FROM here still in sight.
    pub(crate) fn inner(&self) -> Self {
        Self { depth: self.depth + 1, names: 0, ..self.clone() }
    }

    /// A column of a type, with its source; protected ones only where `any` says so.
    pub(crate) fn column(&self, choices: &mut Choices, kind: Type, any: bool) -> Option<String> {
        let fits = |column: &&Column| column.kind == kind && (any || !column.protected);
        let mut found: Vec<(&Source, &Column)> = self
            .sources
            .iter()
            .rev()
            .flat_map(|source| {
                source.columns.iter().filter(fits).map(move |column| (source, column))
            })
            .collect();
        // Where protected columns are wanted they come first.
        found.sort_by_key(|(_, column)| !column.protected);
        if found.is_empty() {
            return None;
        }
        let (source, column) = found[choices.pick(found.len())];
        let Source { alias, .. } = source;
        let name = &column.name;
        Some(match choices.pick(8) {
            6 => format!("({alias}).{name}"),
            7 if self.is_only(name) => name.clone(),
            _ => format!("{alias}.{name}"),
        })
    }

    fn is_only(&self, name: &str) -> bool {
        let same = |source: &&Source| source.columns.iter().any(|column| column.name == *name);
        self.sources.iter().filter(same).count() == 1
    }
}
