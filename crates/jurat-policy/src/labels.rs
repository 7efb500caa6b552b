//! The catalog labels: what `data.jurat.catalog` says about relations, columns and functions.

use std::collections::BTreeMap;

/// Labels by id. `public.customers` is a relation, `public.customers.email` a column and
/// `public.my_func()` a function.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Labels {
    by_id: BTreeMap<String, Vec<String>>,
}

impl Labels {
    /// The labels of one id; none where the catalog does not name it.
    pub fn of(&self, id: &str) -> &[String] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    /// Every id that has labels, with its labels, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.by_id.iter().map(|(id, labels)| (id.as_str(), labels.as_slice()))
    }

    /// Reads the document at `data.<root>.catalog`: a flat map of lists of strings.
    ///
    /// # Errors
    /// The id whose value is something else. A label that is dropped would be a mask that is
    /// missing, so nothing is skipped.
    pub(crate) fn from_document(document: &serde_json::Value) -> Result<Self, String> {
        let serde_json::Value::Object(entries) = document else {
            return Err("the catalog must be a map from ids to lists of labels".to_owned());
        };
        let mut by_id = BTreeMap::new();
        for (id, value) in entries {
            let labels = value
                .as_array()
                .and_then(|list| {
                    list.iter().map(|label| label.as_str().map(str::to_owned)).collect()
                })
                .ok_or_else(|| format!("the labels of {id} must be a list of strings"))?;
            by_id.insert(id.clone(), labels);
        }
        Ok(Self { by_id })
    }
}
