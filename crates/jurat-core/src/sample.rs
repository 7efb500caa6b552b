//! A few of the rows that a statement concerns, for whoever has to consent to it.
//!
//! No protected value is in it: columns with labels are not asked for, the rest is masked and filtered at the source
//! for everybody who may see the request, and what looks like personal data in it is left out.

use serde::{Deserialize, Serialize};

use crate::{Detectors, estimate::Answered};

/// What the card says about the rows.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Sample {
    /// Columns that are shown.
    pub columns: Vec<String>,
    /// Their values in each row, as texts that may be cut off; nothing for NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Columns that are not shown, and why.
    pub withheld: Vec<(String, String)>,
    /// Why there are no rows, where they could not be asked for.
    pub failed: Option<String>,
}

impl Sample {
    /// The same with what the database answered.
    pub(crate) fn with(self, answered: Answered, rows_max: u32) -> Self {
        match answered {
            Err(why) => Self { failed: Some(why), ..self },
            Ok(rows) => {
                let detectors = Detectors::all();
                let most = usize::try_from(rows_max).unwrap_or(usize::MAX);
                let shown = rows.iter().take(most).map(|row| {
                    let values = row.iter().take(self.columns.len());
                    values.map(|value| value.as_deref().map(|v| shown(&detectors, v))).collect()
                });
                Self { rows: shown.collect(), ..self }
            }
        }
    }

    /// The card's lines about it: what each is, and what it says.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines: Vec<(&'static str, String)> = Vec::new();
        for row in &self.rows {
            let parts = self.columns.iter().zip(row).map(|(column, value)| match value {
                Some(value) => format!("{column} = {value}"),
                None => format!("{column} is NULL"),
            });
            lines.push(("sample", parts.collect::<Vec<_>>().join(", ")));
        }
        if let Some(why) = &self.failed {
            lines.push(("sample", format!("none, because {why}")));
        } else if self.rows.is_empty() && !self.columns.is_empty() {
            lines.push(("sample", "no row now".to_owned()));
        }
        if !self.withheld.is_empty() {
            let withheld = self.withheld.iter().map(|(column, why)| format!("{column} ({why})"));
            lines.push(("withheld", withheld.collect::<Vec<_>>().join(", ")));
        }
        lines
    }
}

fn shown(detectors: &Detectors, value: &[u8]) -> String {
    let found = detectors.found(value);
    if !found.is_empty() {
        return format!("[withheld: {}]", found.into_iter().collect::<Vec<_>>().join(", "));
    }
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => "[binary]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    #[test]
    fn a_card_has_a_line_for_each_row_and_what_is_withheld() {
        let blank = Sample {
            columns: vec!["id".to_owned(), "note".to_owned()],
            withheld: vec![("email".to_owned(), "pii.email".to_owned())],
            ..Sample::default()
        };
        let value = |text: &str| Some(text.as_bytes().to_vec());
        let rows = vec![
            vec![value("1"), value("call ana@acme.io")],
            vec![value("2"), None],
            vec![value("3"), Some(vec![0xff])],
            vec![value("4"), value("one too many")],
        ];
        assert_eq!(
            blank.clone().with(Ok(rows), 3).lines(),
            [
                ("sample", "id = 1, note = [withheld: email]".to_owned()),
                ("sample", "id = 2, note is NULL".to_owned()),
                ("sample", "id = 3, note = [binary]".to_owned()),
                ("withheld", "email (pii.email)".to_owned()),
            ]
        );
        let failed = blank.clone().with(Err("it was too slow".to_owned()), 3).lines();
        assert_eq!(failed[0], ("sample", "none, because it was too slow".to_owned()));
        assert_eq!(blank.with(Ok(Vec::new()), 3).lines()[0], ("sample", "no row now".to_owned()));
    }
}
