//! The labels file as text: what stands in it stays letter by letter, and proposals come behind it.

use std::{
    fmt::Write as _,
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use jurat_policy::Labels;

use crate::exit::{Exit, Failure};

/// Where the labels are, below the policies.
const PLACE: &str = "jurat/catalog/data.yaml";

/// How a new file begins.
const HEADER: &str = "# What is sensitive, by relation, column and function. An empty list says that somebody has looked.\n";

/// A labels file, or the one that is yet to be written.
#[derive(Debug)]
pub(super) struct LabelsFile {
    path: PathBuf,
    /// `None` where there is no such file.
    text: Option<String>,
    pub(super) labels: Labels,
}

/// A line to add: an id, its label, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Proposal {
    pub(super) id: String,
    pub(super) label: &'static str,
    pub(super) why: String,
}

impl LabelsFile {
    /// Reads the file, or the one below the policies where none is named.
    ///
    /// # Errors
    /// Where it cannot be read or is no labels file: nothing is added to what is not understood.
    pub(super) fn read(named: Option<&Path>, policies: &Path) -> Result<Self, Failure> {
        let path = named.map_or_else(|| policies.join(PLACE), Path::to_owned);
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(Failure::usage(format!("{} cannot be read: {error}", path.display())));
            }
        };
        let labels = Labels::parse(text.as_deref().unwrap_or_default())
            .map_err(|wrong| Failure::usage(format!("{}: {wrong}", path.display())))?;
        Ok(Self { path, text, labels })
    }

    /// What is added to the text: a heading and a line for each proposal. Nothing for none.
    pub(super) fn addition(&self, proposals: &[Proposal], database: &str) -> String {
        if proposals.is_empty() {
            return String::new();
        }
        let mut added = String::new();
        match &self.text {
            None => added.push_str(HEADER),
            Some(text) if text.is_empty() || text.ends_with('\n') => {}
            Some(_) => added.push('\n'),
        }
        let name: String = database.chars().filter(|character| !character.is_control()).collect();
        added.push_str(&format!(
            "\n# Proposed by `jurat catalog scan` for {name}: review each line.\n"
        ));
        for Proposal { id, label, why } in proposals {
            // Writing to a String does not fail.
            let _always = writeln!(added, "{}: [{label}] # {why}", key(id));
        }
        added
    }

    /// The text with the addition, after a look at whether it says exactly that.
    ///
    /// # Errors
    /// Where the file is written in a form that lines cannot be added to, such as `{…}`.
    pub(super) fn with(&self, addition: &str, proposals: &[Proposal]) -> Result<String, Failure> {
        let text = format!("{}{addition}", self.text.as_deref().unwrap_or_default());
        let expected = self
            .labels
            .iter()
            .map(|(id, labels)| (id.to_owned(), labels.to_vec()))
            .chain(proposals.iter().map(|p| (p.id.clone(), vec![p.label.to_owned()])))
            .collect();
        match Labels::parse(&text) {
            Ok(labels) if labels == Labels::new(expected) => Ok(text),
            Ok(_) | Err(_) => Err(Failure::new(
                Exit::Usage,
                format!(
                    "lines cannot be added to {}: write it as one `id: [label]` a line",
                    self.path.display()
                ),
            )),
        }
    }
}

/// Puts a text in the place of a file at once, so that nobody ever reads half of it.
///
/// # Errors
/// Where the directory does not take it.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| {
        Failure::usage(format!("{} is not written: {error}", path.display()))
    };
    let Ok(place) = fs::canonicalize(path) else {
        // There is nobody yet who could read half of it, and the system says who may read new files.
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir).map_err(wrong)?;
        }
        return fs::write(path, text).map_err(wrong);
    };
    let dir = place.parent().unwrap_or(&place);
    let mut new = tempfile::Builder::new().prefix(".labels-").tempfile_in(dir).map_err(wrong)?;
    new.write_all(text.as_bytes()).map_err(wrong)?;
    let old = fs::metadata(&place).map_err(wrong)?;
    new.as_file().set_permissions(old.permissions()).map_err(wrong)?;
    new.as_file().sync_all().map_err(wrong)?;
    new.persist(&place).map_err(|error| wrong(error.error))?;
    Ok(())
}

/// An id as a key of YAML: as it is where that means the same, else in quotes.
fn key(id: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "_.".contains(character);
    if id.starts_with(|first: char| first.is_ascii_alphabetic()) && id.chars().all(plain) {
        return id.to_owned();
    }
    serde_json::Value::from(id).to_string()
}

#[cfg(test)]
mod tests {
    use super::{LabelsFile, Proposal};

    fn file(text: Option<&str>) -> LabelsFile {
        let labels = jurat_policy::Labels::parse(text.unwrap_or_default()).unwrap();
        LabelsFile { path: "data.yaml".into(), text: text.map(str::to_owned), labels }
    }

    fn proposal(id: &str) -> Proposal {
        Proposal { id: id.to_owned(), label: "pii.email", why: "name matches \"email\"".to_owned() }
    }

    #[test]
    fn what_is_there_stays_and_what_is_added_can_be_read() {
        for text in [
            None,
            Some(""),
            Some("# nothing yet"),
            Some("---\npublic.a.b: [x, y]   # by hand\n"),
            Some("public.a.b:\n  - x\n\"public.Q t.c\": []"),
        ] {
            let file = file(text);
            let ids = ["public.t.email", "public.Odd Table.\"e: mail\" # \n", "public.t.näme"];
            let proposals = ids.map(proposal);
            let whole = file.with(&file.addition(&proposals, "shop"), &proposals).unwrap();
            assert!(whole.starts_with(text.unwrap_or_default()), "{whole}");
            assert_eq!(
                file.with(&file.addition(&[], "shop"), &[]).unwrap(),
                text.unwrap_or_default()
            );
        }
    }

    #[test]
    fn a_form_that_takes_no_lines_is_refused() {
        for text in ["{public.a.b: [x]}", "public.a.b: [x]\n...\n"] {
            let file = file(Some(text));
            let proposals = [proposal("public.t.email")];
            assert!(file.with(&file.addition(&proposals, "shop"), &proposals).is_err(), "{text}");
        }
    }
}
