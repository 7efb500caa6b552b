//! PostgreSQL's key words that cannot name a column or a relation without quotes.
//!
//! Source: `select word, catcode from pg_get_keywords()` of PostgreSQL 15. Newer servers only add
//! unreserved words.

/// Reserved for everything but labels after AS (catcode R), sorted.
const RESERVED: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "system_user",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// May name a function or a type, but no column and no relation (catcode T), sorted.
const RESERVED_FOR_FUNCTIONS: &[&str] = &[
    "authorization",
    "binary",
    "collation",
    "concurrently",
    "cross",
    "current_schema",
    "freeze",
    "full",
    "ilike",
    "inner",
    "is",
    "isnull",
    "join",
    "left",
    "like",
    "natural",
    "notnull",
    "outer",
    "overlaps",
    "right",
    "similar",
    "tablesample",
    "verbose",
];

/// May name a column or a relation, but no function or type (catcode C), sorted. They need quotes
/// behind a schema only as a precaution.
const RESERVED_FOR_COLUMNS: &[&str] = &[
    "between",
    "bigint",
    "bit",
    "boolean",
    "char",
    "character",
    "coalesce",
    "dec",
    "decimal",
    "exists",
    "extract",
    "float",
    "greatest",
    "grouping",
    "inout",
    "int",
    "integer",
    "interval",
    "least",
    "national",
    "nchar",
    "none",
    "normalize",
    "nullif",
    "numeric",
    "out",
    "overlay",
    "position",
    "precision",
    "real",
    "row",
    "setof",
    "smallint",
    "substring",
    "time",
    "timestamp",
    "treat",
    "trim",
    "values",
    "varchar",
    "xmlattributes",
    "xmlconcat",
    "xmlelement",
    "xmlexists",
    "xmlforest",
    "xmlnamespaces",
    "xmlparse",
    "xmlpi",
    "xmlroot",
    "xmlserialize",
    "xmltable",
];

fn among(words: &[&str], folded: &str) -> bool {
    words.binary_search(&folded).is_ok()
}

/// Function names that the parser reads as its own syntax, even behind a schema. Sorted.
const PARSER_WORDS: &[&str] = &["ceil", "floor", "substr"];

/// Whether a folded, unquoted word can never be a name by itself.
pub(crate) fn is_reserved(folded: &str) -> bool {
    among(RESERVED, folded)
}

/// Whether a folded, unquoted word can be no column or relation.
pub(crate) fn is_reserved_for_relations(folded: &str) -> bool {
    is_reserved(folded) || among(RESERVED_FOR_FUNCTIONS, folded)
}

/// Whether a name should be written in quotes although its characters do not need them.
pub(crate) fn needs_quotes(folded: &str) -> bool {
    is_reserved_for_relations(folded)
        || among(RESERVED_FOR_COLUMNS, folded)
        || among(PARSER_WORDS, folded)
}

/// The operators of `pg_catalog`; any other may run a user's function.
/// Source: `select distinct oprname from pg_operator` of PostgreSQL 15. Sorted by byte.
const OPERATORS: &[&str] = &[
    "!!", "!~", "!~*", "!~~", "!~~*", "#", "##", "#-", "#>", "#>>", "%", "&", "&&", "&<", "&<|",
    "&>", "*", "*<", "*<=", "*<>", "*=", "*>", "*>=", "+", "-", "->", "->>", "-|-", "/", "<",
    "<->", "<<", "<<=", "<<|", "<=", "<>", "<@", "<^", "=", ">", ">=", ">>", ">>=", ">^", "?",
    "?#", "?&", "?-", "?-|", "?|", "?||", "@", "@-@", "@>", "@?", "@@", "@@@", "^", "^@", "|",
    "|&>", "|/", "|>>", "||", "||/", "~", "~*", "~<=~", "~<~", "~=", "~>=~", "~>~", "~~", "~~*",
];

/// Whether `pg_catalog` has an operator of that name.
pub(crate) fn is_system_operator(operator: &str) -> bool {
    among(OPERATORS, operator)
}

#[cfg(test)]
mod tests {
    use super::{
        OPERATORS, RESERVED, RESERVED_FOR_COLUMNS, RESERVED_FOR_FUNCTIONS, is_reserved,
        is_system_operator,
    };

    #[test]
    fn the_lists_are_sorted_because_they_are_searched_by_halves() {
        for list in [RESERVED, RESERVED_FOR_FUNCTIONS, RESERVED_FOR_COLUMNS, OPERATORS] {
            assert!(list.is_sorted(), "{list:?}");
        }
        assert!(is_reserved("only") && is_reserved("from") && !is_reserved("users"));
        assert!(is_system_operator("@>") && !is_system_operator("==="));
    }
}
