//! The catalog labels: what `data.jurat.catalog` says about relations, columns and functions.

use std::collections::BTreeMap;

/// Labels by id. `public.customers` is a relation, `public.customers.email` a column and
/// `public.my_func()` a function.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Labels {
    by_id: BTreeMap<String, Vec<String>>,
}

impl Labels {
    /// Labels by id.
    pub fn new(by_id: BTreeMap<String, Vec<String>>) -> Self {
        Self { by_id }
    }

    /// The labels of one id; none where the catalog does not name it.
    pub fn of(&self, id: &str) -> &[String] {
        self.by_id.get(id).map_or(&[], Vec::as_slice)
    }

    /// Every id that has labels, with its labels, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.by_id.iter().map(|(id, labels)| (id.as_str(), labels.as_slice()))
    }

    /// Reads a labels file, `jurat/catalog/data.yaml`. An empty one has no labels.
    ///
    /// # Errors
    /// What is not YAML, or the id whose value is no list of strings.
    pub fn parse(yaml: &str) -> Result<Self, String> {
        let document = crate::data::yaml(yaml)?;
        if document.is_null() { Ok(Self::default()) } else { Self::from_document(&document) }
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

#[cfg(test)]
mod tests {
    use super::Labels;

    #[test]
    fn a_labels_file_is_a_flat_map_of_lists() {
        let labels = Labels::parse("public.a.b: [x, y] # why\npublic.a.c: []\n").unwrap();
        assert_eq!(labels.of("public.a.b"), ["x", "y"]);
        assert_eq!(labels.iter().count(), 2);
        assert_eq!(Labels::parse("# nothing\n"), Ok(Labels::default()));
        for wrong in ["- a\n", "a: b\n", "a: [1]\n", "a: [\n", "public: {a: [x]}\n"] {
            assert!(Labels::parse(wrong).is_err(), "{wrong}");
        }
    }
}
