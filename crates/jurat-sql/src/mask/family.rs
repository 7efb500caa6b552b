//! Which types can be masked how: one table, which `docs/masking.md` shows and a test compares.

use jurat_types::MaskMethod;

/// What can be done with values of a type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    Text,
    /// A whole number, by how many hexadecimal digits surely fit: the bytes of the type.
    Integer(u8),
    /// `numeric`, by how many digits before the point surely fit.
    Numeric(u32),
    Float,
    Real,
    Money,
    Date,
    Timestamp,
    Zoned,
    Time,
    TimeZoned,
    Interval,
    Uuid,
    Json,
    Boolean,
    Inet,
    /// MySQL's and MariaDB's.
    Year,
    Bytea,
    /// Enumerations, ranges, geometry, XML, bit strings and whatever else.
    Other,
}

/// A type as masks see it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Type {
    /// What the values, or the elements of arrays, are.
    pub(super) family: Family,
    /// How many characters fit; `None` where there is no bound.
    pub(super) length: Option<u64>,
    /// Whether it is an array.
    pub(super) array: bool,
}

/// `numeric` without a precision takes any number; this many digits are enough.
const NUMERIC_DIGITS: u32 = 15;

impl Type {
    /// Reads a type as `format_type` writes it.
    pub(super) fn of(data_type: &str) -> Self {
        let (element, array) = match data_type.strip_suffix("[]") {
            Some(element) => (element, true),
            None => (data_type, false),
        };
        let (base, numbers) = split(element);
        let length = match base.as_str() {
            "character varying" | "varchar" | "character" | "char" => numbers.first().copied(),
            _ => None,
        };
        // `character` alone is one character, and `varchar` alone any number of them.
        let length = if length.is_none() && matches!(base.as_str(), "character" | "char") {
            Some(1)
        } else {
            length
        };
        Self { family: family(&base, &numbers), length, array }
    }
}

/// The words of a type and the numbers in its brackets.
fn split(element: &str) -> (String, Vec<u64>) {
    let Some((before, rest)) = element.split_once('(') else {
        return (element.to_owned(), Vec::new());
    };
    let (inside, behind) = rest.split_once(')').unwrap_or((rest, ""));
    // A negative scale is no number here, and so is taken for a type without digits.
    let numbers = inside.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    (format!("{}{behind}", before.trim_end()), numbers)
}

fn family(base: &str, numbers: &[u64]) -> Family {
    match base {
        "text" | "character varying" | "varchar" | "character" | "char" | "bpchar" | "name" => {
            Family::Text
        }
        "smallint" => Family::Integer(2),
        "integer" => Family::Integer(4),
        "bigint" => Family::Integer(8),
        "numeric" => Family::Numeric(match numbers {
            [] => NUMERIC_DIGITS,
            [precision, scale] => {
                let whole = precision.saturating_sub(*scale).min(u64::from(NUMERIC_DIGITS));
                u32::try_from(whole).unwrap_or(0)
            }
            _ => 0,
        }),
        "double precision" => Family::Float,
        "real" => Family::Real,
        "money" => Family::Money,
        "date" => Family::Date,
        "timestamp" | "timestamp without time zone" => Family::Timestamp,
        "timestamptz" | "timestamp with time zone" => Family::Zoned,
        "time without time zone" => Family::Time,
        "time with time zone" => Family::TimeZoned,
        "interval" => Family::Interval,
        "uuid" => Family::Uuid,
        "json" | "jsonb" => Family::Json,
        "boolean" => Family::Boolean,
        "inet" | "cidr" => Family::Inet,
        "bytea" => Family::Bytea,
        // An extension's type can be in any schema.
        _ if base == "citext" || base.ends_with(".citext") => Family::Text,
        _ => Family::Other,
    }
}

/// What a method comes to for values of a family: itself where it has a meaning, and else what is
/// stricter. Never anything milder.
pub(super) const fn given(method: MaskMethod, family: Family) -> MaskMethod {
    let meant = match method {
        MaskMethod::Null => return MaskMethod::Null,
        MaskMethod::Redact => true,
        // Finds are replaced on the way to the client; an expression that stands for the column shows nothing.
        MaskMethod::Detect => false,
        MaskMethod::Partial => matches!(family, Family::Text),
        MaskMethod::DateTrunc => {
            matches!(family, Family::Date | Family::Timestamp | Family::Zoned | Family::Interval)
        }
        MaskMethod::Tokenize | MaskMethod::Hash => matches!(
            family,
            Family::Text
                | Family::Integer(_)
                | Family::Numeric(_)
                | Family::Float
                | Family::Real
                | Family::Uuid
                | Family::Json
                | Family::Bytea
        ),
    };
    if matches!(family, Family::Boolean | Family::Other) {
        // No value of these says that something is hidden.
        MaskMethod::Null
    } else if meant {
        method
    } else {
        MaskMethod::Redact
    }
}

/// What stands for a value of a family that is redacted; `None` where nothing can.
pub(super) const fn redacted(family: Family) -> Option<&'static str> {
    Some(match family {
        Family::Text => "***",
        Family::Integer(_)
        | Family::Numeric(_)
        | Family::Float
        | Family::Real
        | Family::Money
        | Family::Interval
        | Family::Year => "0",
        Family::Date => "1970-01-01",
        Family::Timestamp => "1970-01-01 00:00:00",
        Family::Zoned => "1970-01-01 00:00:00+00",
        Family::Time => "00:00:00",
        Family::TimeZoned => "00:00:00+00",
        Family::Uuid => "00000000-0000-0000-0000-000000000000",
        Family::Json => "\"***\"",
        Family::Inet => "0.0.0.0",
        Family::Bytea => "",
        Family::Boolean | Family::Other => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Family, Type, given};
    use jurat_types::MaskMethod;

    #[test]
    fn types_are_read_as_the_server_writes_them() {
        for (data_type, family, length, array) in [
            ("text", Family::Text, None, false),
            ("character varying(20)", Family::Text, Some(20), false),
            ("character(3)[]", Family::Text, Some(3), true),
            ("character", Family::Text, Some(1), false),
            ("public.citext", Family::Text, None, false),
            ("\"char\"", Family::Other, None, false),
            ("numeric(12,2)", Family::Numeric(10), None, false),
            ("numeric(2,2)", Family::Numeric(0), None, false),
            ("numeric(3,-2)", Family::Numeric(0), None, false),
            ("numeric", Family::Numeric(15), None, false),
            ("timestamp(3) with time zone", Family::Zoned, None, false),
            ("timestamp(3) without time zone", Family::Timestamp, None, false),
            ("time(3) without time zone", Family::Time, None, false),
            ("interval(3)", Family::Interval, None, false),
            ("public.date", Family::Other, None, false),
            ("integer[]", Family::Integer(4), None, true),
            ("bit varying(5)", Family::Other, None, false),
        ] {
            assert_eq!(Type::of(data_type), Type { family, length, array }, "{data_type}");
        }
    }

    #[test]
    fn a_method_never_comes_to_a_milder_one() {
        let methods = [
            MaskMethod::Detect,
            MaskMethod::Partial,
            MaskMethod::DateTrunc,
            MaskMethod::Tokenize,
            MaskMethod::Hash,
            MaskMethod::Redact,
            MaskMethod::Null,
        ];
        for method in methods {
            for family in
                [Family::Text, Family::Integer(4), Family::Date, Family::Boolean, Family::Other]
            {
                assert!(given(method, family) >= method, "{method:?} {family:?}");
            }
        }
    }
}
