//! `jurat catalog scan`: proposals for labels, from names and types, and from what samples look like. A person
//! reviews them; nothing that stands in the file is changed.

use std::{collections::HashSet, path::PathBuf};

use jurat_policy::Labels;
use jurat_types::Catalog;

use super::{
    SourceOption, evidence,
    file::{self, LabelsFile, Proposal},
    sample::{SampleOption, Samples},
    subjects,
};
use crate::{
    exit::{Exit, Failure},
    output::{self, counted},
};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    source: SourceOption,
    #[command(flatten)]
    sample: SampleOption,
    /// Add the proposals to this file instead of printing the whole
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Print only the lines that would be added, and exit with 3 where there are any
    #[arg(long)]
    check: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let config = arguments.source.config.load()?;
    let labels = super::labels(&config)?;
    let file = LabelsFile::read(arguments.write.as_deref(), &config.policy.dir)?;
    let database = config.database(arguments.source.database.as_deref()).map_err(Failure::usage)?;
    let catalog = match &arguments.source.catalog {
        Some(file) => super::from_file(file)?,
        None => super::read(&config, database)?,
    };
    let entries = Known {
        policies: subjects::Entries::new(&catalog, &labels),
        file: subjects::Entries::new(&catalog, &file.labels),
    };
    let samples =
        crate::cli::runtime()?
            .block_on(arguments.sample.read(&catalog, &database.name, |id| !entries.have(id)))?;
    let proposals = proposals(&catalog, &labels, &entries, samples.as_ref());
    if let Some(samples) = &samples {
        let statements = counted(samples.statements, "statement");
        output::complain(format_args!("jurat: samples: {statements}, {} refused", samples.refused));
    }
    let addition = file.addition(&proposals, &database.name);
    let whole = file.with(&addition, &proposals)?;
    if arguments.check {
        for line in addition.lines() {
            output::line(format_args!("+ {line}").to_string().trim_end())?;
        }
        return Ok(if proposals.is_empty() { Exit::Ok } else { Exit::Findings });
    }
    match &arguments.write {
        Some(path) => {
            if !proposals.is_empty() {
                file::replace(path, &whole)?;
            }
            let added = counted(proposals.len(), "proposal");
            output::line(format_args!("{}: {added} added", path.display()))?;
        }
        None => output::line(whole.trim_end())?,
    }
    Ok(Exit::Ok)
}

/// What has an entry in the policies or in the file that is added to.
#[derive(Debug)]
struct Known {
    policies: subjects::Entries,
    file: subjects::Entries,
}

impl Known {
    fn have(&self, id: &str) -> bool {
        self.policies.have(id) || self.file.have(id)
    }
}

/// A line for everything without an entry whose name, type or values suggest a label.
fn proposals(
    catalog: &Catalog,
    labels: &Labels,
    known: &Known,
    samples: Option<&Samples>,
) -> Vec<Proposal> {
    let sample = |id: &str| samples.and_then(|samples| samples.by_id.get(id));
    let mut proposals: Vec<Proposal> = subjects::unlabeled(catalog, labels)
        .into_iter()
        .filter(|unlabeled| !known.have(&unlabeled.id()))
        .map(|unlabeled| {
            let (id, label) = (unlabeled.id(), unlabeled.suggestion.label);
            let mut why = unlabeled.suggestion.why;
            if let Some(more) = sample(&id).and_then(|sample| evidence::about(label, sample)) {
                why = format!("{why}; {more}");
            }
            Proposal { id, label, why }
        })
        .collect();
    let named: HashSet<String> = proposals.iter().map(|proposal| proposal.id.clone()).collect();
    let by_values = samples.into_iter().flat_map(|samples| &samples.by_id);
    proposals.extend(by_values.filter(|(id, _)| !named.contains(*id)).filter_map(
        |(id, sample)| {
            let (label, why) = evidence::suggestion(sample)?;
            Some(Proposal { id: id.clone(), label, why })
        },
    ));
    proposals.sort_by(|a, b| a.id.cmp(&b.id));
    proposals
}
