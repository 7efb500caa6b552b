//! Loading what tests need, and running them one after the other.

use std::{
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    time::Instant,
};

use regorus::{Engine, LimitError, Value, utils::limits::ExecutionTimerConfig};

use super::{Case, Outcome, TestOptions, TestResult, TestRun, coverage, discover};
use crate::{
    Diagnostic, LoadError, builtins, data,
    files::{self, PolicyFiles, SourceFile, Wanted},
    glob,
    graph::Graph,
    set::{LOAD_STACK, modules},
    syntax::{self, ModuleFacts},
    value,
};

pub(super) fn run(paths: &[PathBuf], options: &TestOptions) -> Result<TestRun, LoadError> {
    stacker::grow(LOAD_STACK, || {
        catch_unwind(AssertUnwindSafe(|| run_inner(paths, options)))
            .unwrap_or_else(|_panic| Err(LoadError::Engine("the policy engine gave up".to_owned())))
    })
}

fn run_inner(paths: &[PathBuf], options: &TestOptions) -> Result<TestRun, LoadError> {
    let files = read(paths, options)?;
    let modules = modules(&files.policies)?;
    let graph = Graph::new(&modules);
    let mut errors = graph.check();
    errors.extend(graph.whole_packages(&modules));
    errors.extend(builtins::check(&modules, &graph, true));
    if !errors.is_empty() {
        return Err(LoadError::Invalid(errors));
    }
    let template = prepare(&files, &modules, options)?;
    let selected = Selection::new(options)?;
    let mut runner = Runner { engine: template.clone(), template };
    let mut results = Vec::new();
    for test in discover::tests(&modules) {
        if !selected.includes(&format!("{}.{}", test.package, test.name)) {
            continue;
        }
        for _ in 0..options.count {
            results.push(runner.test(&test));
        }
    }
    let coverage = (options.coverage || options.threshold.is_some())
        .then(|| coverage::collect(&runner.engine))
        .transpose()
        .map_err(LoadError::Engine)?;
    Ok(TestRun { results, coverage })
}

fn read(paths: &[PathBuf], options: &TestOptions) -> Result<PolicyFiles, LoadError> {
    let wanted = if options.bundle { Wanted::Bundle } else { Wanted::Everything };
    let ignored = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        options.ignore.iter().any(|glob| glob::matches(glob, path) || glob::matches(glob, name))
    };
    let mut all = PolicyFiles::default();
    for path in paths {
        let mut found = files::read(path, wanted, &ignored)?;
        if paths.len() > 1 {
            // Two directories may hold files of the same name.
            for file in &mut found.policies {
                let below = if path.is_file() { None } else { Some(file.path.as_str()) };
                let full = below.map_or_else(|| path.clone(), |below| path.join(below));
                file.path = full.display().to_string();
            }
        }
        all.policies.extend(found.policies);
        all.data.extend(found.data.into_iter().filter(|file| !is_schema(file)));
    }
    Ok(all)
}

fn is_schema(file: &SourceFile) -> bool {
    file.path.ends_with(".json")
        && serde_json::from_str::<serde_json::Value>(&file.text)
            .is_ok_and(|document| document.get("$schema").is_some())
}

fn prepare(
    files: &PolicyFiles,
    modules: &[ModuleFacts],
    options: &TestOptions,
) -> Result<Engine, LoadError> {
    let data = data::merge(&files.data).map_err(LoadError::Invalid)?;
    let conflicts = data::conflicts(&data, modules);
    if !conflicts.is_empty() {
        return Err(LoadError::Invalid(conflicts));
    }
    let compile_error = |error: &str| {
        LoadError::Invalid(vec![syntax::engine_error("", "rego_compile_error", error)])
    };
    let mut engine = Engine::new();
    engine.set_policy_length_config(syntax::lengths());
    engine.set_gather_prints(true);
    for (file, module) in files.policies.iter().zip(modules) {
        let mut text = syntax::engine_text(file, module);
        for cases in module.rules.iter().filter_map(|rule| rule.cases.as_ref()) {
            text.push_str(&syntax::cases_text(file, module, cases));
        }
        engine
            .add_policy(file.path.clone(), text)
            .map_err(|error| compile_error(&error.to_string()))?;
    }
    let data = value::to_value(&data).map_err(|error| LoadError::Engine(error.to_string()))?;
    engine.add_data(data).map_err(|error| compile_error(&error.to_string()))?;
    engine.set_enable_coverage(options.coverage || options.threshold.is_some());
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: options.timeout,
        check_interval: NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN),
    });
    if let Some(rule) = modules.iter().flat_map(|module| &module.rules).next() {
        // It schedules every rule of every file, so that what cannot be compiled is said at once.
        engine
            .compile_with_entrypoint(&syntax::path_text(&rule.path).as_str().into())
            .map_err(|error| compile_error(&error.to_string()))?;
    }
    Ok(engine)
}

/// `--run`.
struct Selection {
    matcher: Option<(std::cell::RefCell<Engine>, String)>,
}

impl Selection {
    fn new(options: &TestOptions) -> Result<Self, LoadError> {
        let Some(pattern) = &options.run else { return Ok(Self { matcher: None }) };
        // regorus brings a regular expression engine; a second one would be one more dependency.
        let policy = "package run\nvalid if regex.is_valid(input.pattern)\nmatches if regex.match(input.pattern, input.name)\n";
        let mut engine = Engine::new();
        engine
            .add_policy("run.rego".to_owned(), policy.to_owned())
            .map_err(|error| LoadError::Engine(error.to_string()))?;
        engine.set_input(input(pattern, ""));
        let valid = engine.eval_rule("data.run.valid".to_owned()).ok();
        if valid != Some(Value::Bool(true)) {
            return Err(LoadError::Invalid(vec![Diagnostic {
                message: format!("--run: {pattern} is not a regular expression"),
                code: "usage_error".to_owned(),
                location: None,
            }]));
        }
        Ok(Self { matcher: Some((engine.into(), pattern.clone())) })
    }

    fn includes(&self, name: &str) -> bool {
        let Some((engine, pattern)) = &self.matcher else { return true };
        let mut engine = engine.borrow_mut();
        engine.set_input(input(pattern, name));
        matches!(engine.eval_rule("data.run.matches".to_owned()), Ok(Value::Bool(true)))
    }
}

fn input(pattern: &str, name: &str) -> Value {
    let mut input = regorus::value::Object::new();
    input.insert(Value::from("pattern"), Value::from(pattern));
    input.insert(Value::from("name"), Value::from(name));
    input.into_value()
}

struct Runner {
    template: Engine,
    engine: Engine,
}

impl Runner {
    fn test(&mut self, test: &discover::Test) -> TestResult {
        let mut result = TestResult {
            location: test.location.clone(),
            package: test.package.clone(),
            name: test.name.clone(),
            outcome: Outcome::Skip,
            cases: Vec::new(),
            output: Vec::new(),
            duration: std::time::Duration::ZERO,
        };
        if test.skip {
            return result;
        }
        let started = Instant::now();
        let value = self.eval(&test.path);
        result.duration = started.elapsed();
        result.output = self.engine.take_prints().unwrap_or_default();
        result.outcome = match value {
            Err(error) => Outcome::Error(error),
            Ok(Value::Bool(true)) => Outcome::Pass,
            Ok(Value::Object(_)) | Ok(Value::Undefined) if test.cases.is_some() => {
                result.cases = self.cases(test, value.as_ref().ok());
                let passed = result.cases.iter().all(|case| case.passed);
                if passed && !result.cases.is_empty() { Outcome::Pass } else { Outcome::Fail }
            }
            Ok(
                Value::Bool(_)
                | Value::Null
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Set(_)
                | Value::Object(_)
                | Value::Undefined,
            ) => Outcome::Fail,
        };
        result
    }

    /// Every case that the table has or should have.
    fn cases(&mut self, test: &discover::Test, table: Option<&Value>) -> Vec<Case> {
        let Some(listed) = test.cases.as_ref().and_then(|path| self.eval(path).ok()) else {
            return Vec::new();
        };
        // The list is made by part of the test's own body; what that prints was printed before.
        drop(self.engine.take_prints());
        let Ok(listed) = listed.as_set() else { return Vec::new() };
        listed
            .iter()
            .filter_map(|keys| keys.as_array().ok())
            .map(|keys| {
                let found = keys.iter().try_fold(table?, |at, key| at.as_object().ok()?.get(key));
                let keys = keys.iter().map(|key| {
                    key.as_string().map_or_else(|_not_text| key.to_string(), ToString::to_string)
                });
                Some(Case { keys: keys.collect(), passed: found == Some(&Value::Bool(true)) })
            })
            .map(|case| case.unwrap_or(Case { keys: Vec::new(), passed: false }))
            .collect()
    }

    fn eval(&mut self, path: &[String]) -> Result<Value, Diagnostic> {
        let rule = syntax::path_text(path);
        let engine = &mut self.engine;
        let error = match catch_unwind(AssertUnwindSafe(|| engine.eval_rule(rule))) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(_panic) => {
                self.engine = self.template.clone();
                return Err(Diagnostic {
                    message: "the policy engine gave up".to_owned(),
                    code: "eval_internal_error".to_owned(),
                    location: None,
                });
            }
        };
        if matches!(error.downcast_ref(), Some(LimitError::TimeLimitExceeded { .. })) {
            return Err(Diagnostic {
                message: "the test took too long".to_owned(),
                code: "eval_cancel_error".to_owned(),
                location: None,
            });
        }
        let mut diagnostic = syntax::engine_error("", "eval_error", &error.to_string());
        diagnostic.location = diagnostic.location.filter(|at| !at.file.is_empty());
        Err(diagnostic)
    }
}
