//! The definitions of the decision rules, so that a decision can say which of them fired and where.

use jurat_types::SourceLocation;

use crate::{
    element::DecisionRule,
    metadata::Annotations,
    syntax::{ModuleFacts, RuleForm},
};

/// One definition of a decision rule, for listings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RuleEntry {
    /// The package, for example `data.jurat.guardrails`.
    pub package: String,
    /// `allow`, `deny`, `masks`, …
    pub rule: String,
    /// `custom.id` of its METADATA.
    pub id: Option<String>,
    /// `title` of its METADATA.
    pub title: Option<String>,
    /// `description` of its METADATA.
    pub description: Option<String>,
    /// `custom.severity` of its METADATA.
    pub severity: Option<String>,
    /// `custom.controls` of its METADATA.
    pub controls: Vec<String>,
    /// Where it is written.
    pub location: SourceLocation,
}

/// All definitions, in the order of their places.
#[derive(Debug, Default)]
pub(crate) struct RuleIndex {
    entries: Vec<RuleEntry>,
    /// The string literals of each entry's definition.
    literals: Vec<Vec<String>>,
}

impl RuleIndex {
    /// Collects the decision rules below `root` (`data`, then the configured package).
    pub(crate) fn new(modules: &[(ModuleFacts, Annotations)], root: &[String]) -> Self {
        let mut index = Self::default();
        for (module, annotations) in modules {
            for rule in &module.rules {
                let Some((name, package)) = rule.path.split_last() else { continue };
                let Some(name) = DecisionRule::by_name(name) else { continue };
                if !rule.path.starts_with(root) || rule.form != RuleForm::Set {
                    continue;
                }
                let metadata = annotations.of(rule);
                index.literals.push(rule.strings.iter().cloned().collect());
                index.entries.push(RuleEntry {
                    package: package.join("."),
                    rule: name.name().to_owned(),
                    id: metadata.id,
                    title: metadata.title,
                    description: metadata.description,
                    severity: metadata.severity,
                    controls: metadata.controls,
                    location: SourceLocation { file: rule.at.file.clone(), row: rule.at.row },
                });
            }
        }
        index
    }

    /// The definition that an element came from. Engines do not say it, so it is found by the
    /// element's id: in METADATA, else as a literal in the definition, else the first of that name.
    pub(crate) fn find(
        &self,
        package: &str,
        rule: DecisionRule,
        id: Option<&str>,
    ) -> Option<&RuleEntry> {
        let candidates = || {
            self.entries
                .iter()
                .zip(&self.literals)
                .filter(|(entry, _)| entry.package == package && entry.rule == rule.name())
        };
        let by_id = || candidates().find(|(entry, _)| id.is_some() && entry.id.as_deref() == id);
        let by_literal = || {
            candidates().find(|(_, literals)| literals.iter().any(|text| Some(text.as_str()) == id))
        };
        by_id().or_else(by_literal).or_else(|| candidates().next()).map(|(entry, _)| entry)
    }

    pub(crate) fn entries(&self) -> &[RuleEntry] {
        &self.entries
    }
}
