//! Reading a TOML file strictly: every error names file, line and column, and for an unknown key the
//! nearest known one. The file's own text is never quoted, because a secret may stand on the line.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

/// How alike two keys must be (Jaro-Winkler, 0 to 1) before one is offered for the other.
const LIKENESS_MIN: f64 = 0.7;

/// What is wrong with a file, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DocumentError {
    /// The file.
    pub file: PathBuf,
    /// Line and column from 1 (the column counts characters); `None` where the file cannot be read.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => {
                write!(f, "{}:{line}:{column}: {}", self.file.display(), self.message)
            }
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}

impl std::error::Error for DocumentError {}

/// A file with its text, from which values and errors with places are made.
#[derive(Debug)]
pub struct Document {
    file: PathBuf,
    text: String,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it cannot be read or is not UTF-8.
    pub fn read(file: &Path) -> Result<Self, DocumentError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Ok(Self::new(file, text)),
            Err(error) => Err(DocumentError {
                file: file.to_path_buf(),
                place: None,
                message: format!("cannot be read: {error}"),
            }),
        }
    }

    /// A document whose text is known already; `file` is what errors call it.
    pub fn new(file: &Path, text: String) -> Self {
        Self { file: file.to_path_buf(), text }
    }

    /// Reads the text as a `T`, which should refuse unknown fields.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DocumentError> {
        toml::from_str(&self.text)
            .map_err(|error| self.error(error.span().unwrap_or_default(), explain(error.message())))
    }

    /// An error at a place of the text, given as a range of bytes.
    pub fn error(&self, span: Range<usize>, message: impl Into<String>) -> DocumentError {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count().saturating_add(1);
        let last = before.rsplit('\n').next().unwrap_or_default();
        DocumentError {
            file: self.file.clone(),
            place: Some((line, last.chars().count().saturating_add(1))),
            message: message.into(),
        }
    }
}

/// Rewrites serde's words about unknown keys so that the likely one comes first, and puts plain words in the
/// place of those that only a programmer of Rust knows.
fn explain(message: &str) -> String {
    let what = if message.starts_with("unknown field ") {
        "key"
    } else if message.starts_with("unknown variant ") {
        "value"
    } else {
        return plain(message.trim_end());
    };
    // serde writes every name between backticks: the unknown one first, then the known ones.
    let mut names = message.split('`').skip(1).step_by(2);
    let Some(unknown) = names.next() else { return message.to_owned() };
    let known: Vec<&str> = names.collect();
    let offer = nearest(unknown, known.iter().copied())
        .map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
    let list = match known.as_slice() {
        [] => format!("; no {what} is known here"),
        [one] => format!(" (known here: {one})"),
        many => format!(" (known here: {})", many.join(", ")),
    };
    format!("unknown {what} `{unknown}`{offer}{list}")
}

/// Says what belongs in a place in words for whoever writes the file.
fn plain(message: &str) -> String {
    if message == "invalid socket address syntax" {
        return "an address and a port belong here, for example \"127.0.0.1:15432\"".to_owned();
    }
    if message.starts_with("wanted exactly 1 element") {
        return "one of a few words belongs here, not a table".to_owned();
    }
    let Some((found, wanted)) = message.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    // serde quotes a string that stands where something else belongs, and that may be a secret.
    let found =
        if found.starts_with("invalid type: string ") { "invalid type: a string" } else { found };
    let wanted = match wanted {
        "u8" | "u16" | "u32" | "u64" | "usize" => {
            "a whole number that is not negative and not too large"
        }
        other => other,
    };
    format!("{found}, expected {wanted}")
}

/// The name that is most like `name`, where one is like it at all.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde::Deserialize;

    use super::Document;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is wrong with it is looked at")]
    struct Shop {
        name: String,
        bind: u16,
        #[serde(default)]
        color: Option<Color>,
        #[serde(default)]
        at: Option<std::net::SocketAddr>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Color {
        Green,
        Blue,
    }

    #[test]
    fn errors_name_the_place_and_the_nearest_key() {
        for (text, expected) in [
            (
                "name = 'a'\nbimd = 1\n",
                "x.toml:2:1: unknown key `bimd`; did you mean `bind`? (known here: name, bind, color, at)",
            ),
            (
                "name = 'ä'\n  zzz = 1",
                "x.toml:2:3: unknown key `zzz` (known here: name, bind, color, at)",
            ),
            ("name = 'a'\n", "x.toml:1:1: missing field `bind`"),
            (
                "name = 'a'\nbind = 1\ncolor = 'gren'",
                "x.toml:3:9: unknown value `gren`; did you mean `green`? (known here: green, blue)",
            ),
            (
                "name = 'a'\nbind = 1\ncolor = { gren = 1, blue = 2 }",
                "x.toml:3:9: one of a few words belongs here, not a table",
            ),
            (
                "name = 'a'\nbind = -3",
                "x.toml:2:8: invalid value: integer `-3`, expected a whole number that is not negative and not \
                 too large",
            ),
            (
                "name = 'a'\nbind = 1\nat = '127.0.0.1'",
                "x.toml:3:6: an address and a port belong here, for example \"127.0.0.1:15432\"",
            ),
            (
                "name = 'a'\nbind = 'b'",
                "x.toml:2:8: invalid type: a string, expected a whole number that is not negative and not too \
                 large",
            ),
        ] {
            let document = Document::new(Path::new("x.toml"), text.to_owned());
            assert_eq!(document.parse::<Shop>().unwrap_err().to_string(), expected, "{text}");
        }
        let document = Document::new(Path::new("x.toml"), "name = 'a'\nbind = 1".to_owned());
        assert!(document.parse::<Shop>().is_ok());
    }

    #[test]
    fn what_cannot_be_parsed_at_all_has_a_place_too() {
        let document = Document::new(Path::new("x.toml"), "name = 'a'\nbind = = 1".to_owned());
        let message = document.parse::<Shop>().unwrap_err().to_string();
        assert!(message.starts_with("x.toml:2:8: "), "{message}");
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let error = Document::read(Path::new("no-such-file.toml")).unwrap_err().to_string();
        assert!(error.starts_with("no-such-file.toml: cannot be read: "), "{error}");
    }
}
