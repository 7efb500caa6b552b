//! PostgreSQL's key words that cannot name a column or a relation without quotes.
//!
//! Source: `select word, catcode from pg_get_keywords()` of PostgreSQL 15. Newer servers only add
//! unreserved words.

use std::sync::LazyLock;

use sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};
use sqlparser::tokenizer::{Token, Word};

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

/// For each first letter the lengths of the words above that begin with it, one bit each. Most words of a statement are
/// names, and most of these are told from all key words by that.
static LENGTHS: LazyLock<[u32; LETTERS]> = LazyLock::new(|| {
    let lists = [RESERVED, RESERVED_FOR_FUNCTIONS, RESERVED_FOR_COLUMNS, PARSER_WORDS];
    let mut lengths = [0; LETTERS];
    for word in lists.into_iter().flatten() {
        if let Some(bits) = letter(word).and_then(|letter| lengths.get_mut(letter)) {
            *bits |= length_bit(word);
        }
    }
    lengths
});

const LETTERS: usize = 26;

fn letter(word: &str) -> Option<usize> {
    word.bytes().next().and_then(|first| first.checked_sub(b'a')).map(usize::from)
}

/// No key word is as long as the last bit says.
const fn length_bit(word: &str) -> u32 {
    let length = if word.len() < 31 { word.len() } else { 31 };
    1 << length
}

/// Whether a folded word can be one of the words above.
fn may_be_known(folded: &str) -> bool {
    let bits = letter(folded).and_then(|letter| LENGTHS.get(letter));
    bits.is_some_and(|bits| bits & length_bit(folded) != 0)
}

/// Function names that the parser reads as its own syntax, even behind a schema. Sorted.
const PARSER_WORDS: &[&str] = &["ceil", "floor", "substr"];

/// Whether a folded, unquoted word can never be a name by itself.
pub(crate) fn is_reserved(folded: &str) -> bool {
    may_be_known(folded) && among(RESERVED, folded)
}

/// Whether a folded, unquoted word can be no column or relation.
pub(crate) fn is_reserved_for_relations(folded: &str) -> bool {
    may_be_known(folded) && (among(RESERVED, folded) || among(RESERVED_FOR_FUNCTIONS, folded))
}

/// Whether a name should be written in quotes although its characters do not need them.
pub(crate) fn needs_quotes(folded: &str) -> bool {
    may_be_known(folded)
        && (among(RESERVED, folded)
            || among(RESERVED_FOR_FUNCTIONS, folded)
            || among(RESERVED_FOR_COLUMNS, folded)
            || among(PARSER_WORDS, folded))
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

/// The parser's token of a word without quotes. [`Token::make_word`] makes the same, and searches a thousand key
/// words by halves, which takes longer than cutting the word out of its text.
pub(crate) fn token(word: &str) -> Token {
    Token::Word(Word { keyword: of_parser(word), value: word.to_owned(), quote_style: None })
}

/// Key words of one first letter and length.
type Bucket = Vec<(u8, &'static str, Keyword)>;

/// The key words of the parser, by first letter and length; each with its last byte, by which most are told apart.
static PARSER: LazyLock<Vec<Bucket>> = LazyLock::new(|| {
    let mut buckets = vec![Vec::new(); LETTERS * LENGTHS_OF_PARSER];
    for (word, keyword) in ALL_KEYWORDS.iter().zip(ALL_KEYWORDS_INDEX) {
        if let Some(bucket) = bucket(word).and_then(|bucket| buckets.get_mut(bucket)) {
            bucket.push((last_byte(word), *word, *keyword));
        }
    }
    buckets
});

/// How many lengths are told apart; longer words are not key words.
const LENGTHS_OF_PARSER: usize = 64;

fn bucket(word: &str) -> Option<usize> {
    let first = word.bytes().next()?.to_ascii_uppercase().checked_sub(b'A')?;
    let letter = usize::from(first);
    let known = letter < LETTERS && word.len() < LENGTHS_OF_PARSER;
    known.then(|| letter * LENGTHS_OF_PARSER + word.len())
}

fn of_parser(word: &str) -> Keyword {
    let bucket = bucket(word).and_then(|bucket| PARSER.get(bucket)).map_or(&[][..], Vec::as_slice);
    let end = last_byte(word);
    let same =
        |(last, known, _): &&(u8, &str, Keyword)| *last == end && known.eq_ignore_ascii_case(word);
    bucket.iter().find(same).map_or(Keyword::NoKeyword, |(_, _, keyword)| *keyword)
}

fn last_byte(word: &str) -> u8 {
    word.bytes().next_back().unwrap_or_default().to_ascii_uppercase()
}

/// Whether `pg_catalog` has an operator of that name.
pub(crate) fn is_system_operator(operator: &str) -> bool {
    among(OPERATORS, operator)
}

#[cfg(test)]
mod tests {
    use sqlparser::keywords::ALL_KEYWORDS;
    use sqlparser::tokenizer::Token;

    use super::{
        OPERATORS, PARSER_WORDS, RESERVED, RESERVED_FOR_COLUMNS, RESERVED_FOR_FUNCTIONS,
        is_reserved, is_system_operator, needs_quotes, token,
    };

    #[test]
    fn a_token_is_what_the_parser_makes_of_the_word() {
        let others = ["", "_", "x", "selects", "selec", "é", "Ünion", "nokeyword", "sélect"];
        let long = "a".repeat(70);
        for word in ALL_KEYWORDS.iter().copied().chain(others).chain([long.as_str()]) {
            let small = word.to_ascii_lowercase();
            assert_eq!(token(word), Token::make_word(word, None), "{word}");
            assert_eq!(token(&small), Token::make_word(&small, None), "{small}");
        }
    }

    #[test]
    fn the_lists_are_sorted_because_they_are_searched_by_halves() {
        for list in [RESERVED, RESERVED_FOR_FUNCTIONS, RESERVED_FOR_COLUMNS, OPERATORS] {
            assert!(list.is_sorted(), "{list:?}");
        }
        let all = [RESERVED, RESERVED_FOR_FUNCTIONS, RESERVED_FOR_COLUMNS, PARSER_WORDS];
        for word in all.into_iter().flatten() {
            assert!(needs_quotes(word) && word.len() < 31, "{word}");
        }
        assert!(!needs_quotes("users") && !needs_quotes("") && !needs_quotes("Ärger"));
        assert!(is_reserved("only") && is_reserved("from") && !is_reserved("users"));
        assert!(is_system_operator("@>") && !is_system_operator("==="));
    }
}
