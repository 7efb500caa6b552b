//! One revision of the policies, compiled and checked, ready to judge from any thread.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use jurat_types::{ColumnId, Decision, Intent};

use crate::{
    Diagnostic, Labels, LoadError, PackageMode, PolicyOptions, RuleEntry, builtins,
    combine::{self, Context, Said},
    data,
    element::DecisionRule,
    engine::{self, Bounds, Compiled, EvalError, OWN_PACKAGE},
    files::{self, PolicyFiles, SourceFile},
    graph::Graph,
    input_paths::{self, Volatility},
    metadata::{self, Annotations},
    rule_index::RuleIndex,
    syntax::{self, ModuleFacts, RuleForm},
    value,
};

/// The stack that loading takes: the parser and its trees are only bounded by the size of a file.
pub(crate) const LOAD_STACK: usize = 256 * 1024 * 1024;

/// One revision of the policies.
#[derive(Debug)]
pub struct PolicySet {
    revision: String,
    labels: Labels,
    index: RuleIndex,
    files: usize,
    compiled: Compiled,
    options: PolicyOptions,
    volatility: Volatility,
    /// The paths of the rules that say who may approve.
    may_approve: Vec<String>,
    may_administer: Vec<String>,
}

/// What a statement comes near: masks and row filters of anything else are no part of its decision.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Surface {
    /// The columns of its relations.
    pub columns: Vec<SurfaceColumn>,
    /// The ids of its relations, of what they are a part of, and of what is a part of them.
    pub relations: HashSet<String>,
}

/// A column of a relation that a statement reads. Masks given as a glob or a label are expanded
/// over these.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SurfaceColumn {
    /// The column.
    pub column: ColumnId,
    /// The ids that it has in the relations that its own is a part of.
    pub also: Vec<String>,
    /// Its labels from `data.jurat.catalog`.
    pub labels: Vec<String>,
}

impl PolicySet {
    /// Loads, checks and compiles a directory: see [`crate::harness`] for its tests.
    ///
    /// # Errors
    /// Anything that is not understood completely. Recursion, unknown functions and built-ins that
    /// have no bound are refused before an engine sees the policies.
    pub fn load(dir: &Path, options: &PolicyOptions) -> Result<Self, LoadError> {
        stacker::grow(LOAD_STACK, || {
            let guarded = std::panic::AssertUnwindSafe(|| {
                files::read_runtime(dir).and_then(|files| Self::compile(&files, options))
            });
            std::panic::catch_unwind(guarded).unwrap_or_else(|_panic| {
                Err(LoadError::Engine("the policy engine gave up".to_owned()))
            })
        })
    }

    fn compile(files: &PolicyFiles, options: &PolicyOptions) -> Result<Self, LoadError> {
        let root = root_path(options)?;
        let modules = modules(&files.policies)?;
        let annotated = annotate(&files.policies, modules)?;
        let index = RuleIndex::new(&annotated, &root);
        let modules: Vec<ModuleFacts> = annotated.into_iter().map(|(module, _)| module).collect();
        let data = data::merge(&files.data).map_err(LoadError::Invalid)?;
        let graph = Graph::new(&modules);
        let errors = check(&modules, &graph, &data, &root);
        if !errors.is_empty() {
            return Err(LoadError::Invalid(errors));
        }
        let mut catalog = root.iter().skip(1).map(String::as_str).chain(["catalog"]);
        let labels = catalog
            .try_fold(&data, |at, part| at.get(part))
            .map_or_else(|| Ok(Labels::default()), Labels::from_document)
            .map_err(|message| invalid("rego_load_error", message))?;
        let entries = engine::entries(&modules, &root);
        let document =
            value::to_value(&data).map_err(|error| LoadError::Engine(error.to_string()))?;
        let bounds = bounds(options);
        let policies: Vec<_> = files.policies.iter().zip(&modules).collect();
        let compiled = Compiled::new(&policies, &document, &entries, &graph, bounds)
            .map_err(|text| LoadError::Invalid(vec![compile_error(&text)]))?;
        for note in compiled.notes() {
            tracing::info!(note, "a decision rule is left to the interpreter");
        }
        if compiled.is_empty() {
            tracing::warn!(root = options.root, "no decision rule: everything will be denied");
        }
        Ok(Self {
            revision: files.revision(),
            labels,
            index,
            files: files.policies.len() + files.data.len(),
            compiled,
            options: options.clone(),
            may_approve: paths_named(MAY_APPROVE, &modules, &root),
            may_administer: paths_named(MAY_ADMINISTER, &modules, &root),
            volatility: input_paths::volatility(&input_paths::uses(&modules)),
        })
    }

    /// Judges an intent. It never errs: every failure is a denial that says what failed.
    pub fn judge(&self, intent: &Intent, surface: &Surface) -> Decision {
        let granted = granted(intent);
        let context = Context {
            granted: &granted,
            root: &self.options.root,
            revision: &self.revision,
            modes: &self.options.modes,
            index: &self.index,
            surface,
        };
        if self.compiled.is_empty() {
            let message = format!("no policy is loaded below data.{}", self.options.root);
            return combine::failure("policy_undefined", &message, &context);
        }
        match self.said(intent) {
            Ok(said) => combine::combine(&said, &context),
            Err(error) => {
                let code = match error {
                    EvalError::Time(_) | EvalError::Instructions(_) => "policy_timeout",
                    EvalError::Failed(_) | EvalError::Panicked => "policy_error",
                };
                combine::failure(code, &error.to_string(), &context)
            }
        }
    }

    /// Whether the approver that `intent` is about (stage `approval`) may consent, as far as policies say
    /// anything about it: every rule `may_approve` has to be true. `None` where there is no such rule.
    ///
    /// # Errors
    /// What failed. Then nobody may.
    pub fn may_approve(&self, intent: &Intent) -> Result<Option<bool>, String> {
        self.all_hold(&self.may_approve, intent)
    }

    /// The same for whoever wants to look at or change what Jurat does (stage `admin`), and rules `may_administer`.
    ///
    /// # Errors
    /// What failed. Then nobody may.
    pub fn may_administer(&self, intent: &Intent) -> Result<Option<bool>, String> {
        self.all_hold(&self.may_administer, intent)
    }

    fn all_hold(&self, paths: &[String], intent: &Intent) -> Result<Option<bool>, String> {
        if paths.is_empty() {
            return Ok(None);
        }
        let input = value::to_value(intent).map_err(|error| error.to_string())?;
        for path in paths {
            let holds = self
                .compiled
                .holds(path, &input, bounds(&self.options))
                .map_err(|error| format!("{path}: {error}"))?;
            if !holds {
                return Ok(Some(false));
            }
        }
        Ok(Some(true))
    }

    fn said(&self, intent: &Intent) -> Result<Vec<Said>, EvalError> {
        let failed = |what: &str| EvalError::Failed(format!(": {what}"));
        let input = value::to_value(intent).map_err(|_error| failed("the intent is not JSON"))?;
        let values = self.compiled.evaluate(&input, bounds(&self.options))?;
        let said = values.into_iter().map(|(entry, value)| {
            let set = value.as_set().map_err(|_error| failed("a decision rule is not a set"))?;
            let elements: Result<Vec<_>, _> = set.iter().map(serde_json::to_value).collect();
            Ok(Said {
                package: entry.package.join("."),
                rule: entry.rule,
                elements: elements.map_err(|_error| failed("an element is not JSON"))?,
            })
        });
        said.collect()
    }

    /// The catalog labels.
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// `sha256:` and 64 hexadecimal digits.
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// Whether a rule may read something that differs between two executions of one statement in
    /// one session. Where it says `false`, the same statement has the same decision.
    pub fn volatile(&self) -> bool {
        self.volatility.execution || self.volatility.message
    }

    /// As [`PolicySet::volatile`] for a prepared statement: its protocol, its place in the message
    /// and the number of statements are fixed when it is prepared.
    pub fn volatile_when_prepared(&self) -> bool {
        self.volatility.execution
    }

    /// Whether a rule may read the statement's text or its digest. Where it says `false`, two texts of
    /// which all other facts are the same have the same decision.
    pub fn reads_text(&self) -> bool {
        self.volatility.text
    }

    /// Whether a rule may read what a statement has done, so that a write is judged once more before it is
    /// committed.
    pub fn reads_actual(&self) -> bool {
        self.volatility.actual
    }

    /// Whether a rule may read what tells apart two sessions of one principal. Where it and
    /// [`PolicySet::volatile_when_prepared`] say `false`, both have the same decision on the same statement.
    pub fn reads_session(&self) -> bool {
        self.volatility.session
    }

    /// Whether a rule may read that the writes of the database are stopped.
    pub fn reads_freeze(&self) -> bool {
        self.volatility.freeze
    }

    /// The decision rules, in the order of their places.
    pub fn rules(&self) -> &[RuleEntry] {
        self.index.entries()
    }

    /// How far the rules of a package reach; `package` is its full name.
    pub fn mode(&self, package: &str) -> PackageMode {
        combine::mode_of(package, &self.options.root, &self.options.modes).1
    }

    /// How many files the revision has.
    pub fn files(&self) -> usize {
        self.files
    }

    /// The rules that the register machine cannot run, with the reasons. They are slower, not wrong.
    pub fn interpreted(&self) -> &[String] {
        self.compiled.notes()
    }
}

/// The rules of which the intent brings a grant.
fn granted(intent: &Intent) -> BTreeSet<String> {
    let rules = intent.approvals.iter().filter_map(|grant| grant.get("rules")?.as_array());
    rules.flatten().filter_map(|rule| rule.as_str().map(str::to_owned)).collect()
}

/// The name of the rules that say who may approve.
const MAY_APPROVE: &str = "may_approve";
/// The same for those who look after Jurat.
const MAY_ADMINISTER: &str = "may_administer";

fn paths_named(wanted: &str, modules: &[ModuleFacts], root: &[String]) -> Vec<String> {
    let rules = modules.iter().flat_map(|module| &module.rules);
    let named = rules.filter(|rule| {
        rule.path.starts_with(root) && rule.path.last().is_some_and(|name| name == wanted)
    });
    let paths: BTreeSet<String> = named.map(|rule| syntax::path_text(&rule.path)).collect();
    paths.into_iter().collect()
}

/// Reads the facts of all files; all errors of all files together.
pub(crate) fn modules(files: &[SourceFile]) -> Result<Vec<ModuleFacts>, LoadError> {
    let mut modules = Vec::new();
    let mut errors = Vec::new();
    for file in files {
        match syntax::read(file) {
            Ok(module) => modules.push(module),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() { Ok(modules) } else { Err(LoadError::Invalid(errors)) }
}

fn annotate(
    files: &[SourceFile],
    modules: Vec<ModuleFacts>,
) -> Result<Vec<(ModuleFacts, Annotations)>, LoadError> {
    let mut annotated = Vec::new();
    let mut errors = Vec::new();
    for (file, module) in files.iter().zip(modules) {
        match metadata::read(file, &module) {
            Ok(annotations) => annotated.push((module, annotations)),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(annotated) } else { Err(LoadError::Invalid(errors)) }
}

/// Everything that must hold before an engine sees the policies.
fn check(
    modules: &[ModuleFacts],
    graph: &Graph,
    data: &serde_json::Value,
    root: &[String],
) -> Vec<Diagnostic> {
    let mut errors = graph.check();
    errors.extend(graph.whole_packages(modules));
    errors.extend(builtins::check(modules, graph, false));
    errors.extend(data::conflicts(data, modules));
    for module in modules {
        if module.package.get(1).is_some_and(|name| name == OWN_PACKAGE) {
            errors.push(Diagnostic {
                message: format!("the package {OWN_PACKAGE} is reserved"),
                code: "rego_compile_error".to_owned(),
                location: Some(module.at.clone()),
            });
        }
        errors.extend(shape(module, root));
    }
    errors
}

/// Decision rules must be sets. A rule of another form would be ignored, or would fail each time.
fn shape(module: &ModuleFacts, root: &[String]) -> Vec<Diagnostic> {
    let mut errors = Vec::new();
    for rule in module.rules.iter().filter(|rule| rule.path.starts_with(root)) {
        let asks_who = rule.path.last().is_some_and(|name| name == MAY_APPROVE);
        if asks_who && rule.form != RuleForm::Complete {
            errors.push(Diagnostic {
                message: format!("{MAY_APPROVE} must be true or false: write `{MAY_APPROVE} if …`"),
                code: "rego_type_error".to_owned(),
                location: Some(rule.at.clone()),
            });
        }
        let below = rule.path.get(root.len()..).unwrap_or_default();
        let named = below.iter().position(|part| DecisionRule::by_name(part).is_some());
        let Some(at) = named else { continue };
        if at + 1 == below.len() && rule.form == RuleForm::Set {
            continue;
        }
        let name = below.get(at).map_or("", String::as_str);
        errors.push(Diagnostic {
            message: format!("{name} must be a set: write `{name} contains …`"),
            code: "rego_type_error".to_owned(),
            location: Some(rule.at.clone()),
        });
    }
    errors
}

pub(crate) fn root_path(options: &PolicyOptions) -> Result<Vec<String>, LoadError> {
    let path: Vec<String> =
        ["data"].into_iter().chain(options.root.split('.')).map(str::to_owned).collect();
    if path.iter().any(String::is_empty) {
        let message = format!("{:?} is not a package", options.root);
        return Err(invalid("rego_load_error", message));
    }
    Ok(path)
}

fn bounds(options: &PolicyOptions) -> Bounds {
    Bounds { time: options.time_limit, instructions: options.instructions_max }
}

fn compile_error(text: &str) -> Diagnostic {
    syntax::engine_error("", "rego_compile_error", text)
}

fn invalid(code: &str, message: String) -> LoadError {
    LoadError::Invalid(vec![Diagnostic { message, code: code.to_owned(), location: None }])
}

#[cfg(test)]
mod load_tests;
#[cfg(test)]
mod tests;
