//! Globs over ids and labels: `*` stands for any characters, dots too.

/// Whether a text matches a glob. `public.customers.*`, `*.email` and `pii.*` are typical.
pub fn matches(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let middle: Vec<&str> = parts.collect();
    let Some((last, middle)) = middle.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        // The first occurrence leaves the most room for what follows.
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_anything() {
        for (glob, text, expected) in [
            ("public.customers.email", "public.customers.email", true),
            ("public.customers.email", "public.customers.email2", false),
            ("public.customers.*", "public.customers.email", true),
            ("public.customers.*", "public.customer.email", false),
            ("*.email", "public.customers.email", true),
            ("*.email", "public.customers.email_hash", false),
            ("pii.*", "pii.email", true),
            ("pii.*", "pii", false),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "acb", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(glob, text), expected, "{glob} over {text}");
        }
    }
}
