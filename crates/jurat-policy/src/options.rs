//! What a deployment may choose about policies. None of it can turn a failure into an allowance.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

/// How policies are loaded and judged.
#[derive(Clone, Debug)]
pub struct PolicyOptions {
    /// The package below which decision rules are looked for: `jurat` means `data.jurat`.
    pub root: String,
    /// The time that one judgement may take, by the clock on the wall. A judgement that takes longer is a
    /// denial, so it has room for a machine that is busy with something else; what bounds a policy is
    /// [`PolicyOptions::instructions_max`].
    pub time_limit: Duration,
    /// The instructions of the register machine that one judgement may take.
    pub instructions_max: u64,
    /// Enforcement per package, by full name (`data.jurat.guardrails`) or below the root
    /// (`guardrails`). A package that is not named is enforced.
    pub modes: BTreeMap<String, PackageMode>,
}

impl Default for PolicyOptions {
    fn default() -> Self {
        Self {
            root: "jurat".to_owned(),
            time_limit: Duration::from_millis(250),
            instructions_max: 1_000_000,
            modes: BTreeMap::new(),
        }
    }
}

/// How far a package's rules reach.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageMode {
    /// They do what they say.
    #[default]
    Enforce,
    /// Denials and requests for approval become warnings; everything else applies.
    Warn,
    /// Nothing applies; what fired is recorded.
    Dryrun,
}
