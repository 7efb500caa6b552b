//! Both engines of regorus behind one door: the register machine, and the interpreter for what the
//! machine cannot run or runs differently.

use std::{
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use regorus::{
    CompiledPolicy, Engine, LimitError, Value,
    languages::rego::compiler::Compiler,
    rvm::{Program, RegoVM, vm::VmError},
    utils::limits::ExecutionTimerConfig,
};

use crate::{
    corpus,
    element::DecisionRule,
    files::SourceFile,
    graph::Graph,
    guard,
    syntax::{self, ModuleFacts, RuleForm},
};

/// The generated package; policies may not use its name.
pub(crate) const OWN_PACKAGE: &str = "jurat_generated";
/// Array literals are cut to this length: the machine has 255 registers.
const CHUNK: usize = 40;
/// Stack that must be left for the machine; else another stack is taken.
const MACHINE_STACK: usize = 768 * 1024;
/// The stack that is taken.
const STACK: usize = 64 * 1024 * 1024;

/// A decision rule of a package.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Entry {
    /// `data.jurat.guardrails`, split.
    pub(crate) package: Vec<String>,
    pub(crate) rule: DecisionRule,
}

impl Entry {
    fn path(&self) -> Vec<String> {
        let mut path = self.package.clone();
        path.push(self.rule.name().to_owned());
        path
    }
}

/// How long and how much one evaluation may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) time: Duration,
    pub(crate) instructions: u64,
}

/// Why an evaluation gave nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum EvalError {
    #[error("the policies took longer than {} ms", .0.as_millis())]
    Time(Duration),
    #[error("the policies took more than {0} instructions")]
    Instructions(u64),
    /// The text names a place and no value: it reaches the client.
    #[error("a policy could not be evaluated{0}")]
    Failed(String),
    #[error("the policy engine gave up")]
    Panicked,
}

/// A compiled revision.
pub(crate) struct Compiled {
    data: Value,
    program: Option<Arc<Program>>,
    machine: Vec<Entry>,
    engine: Engine,
    interpreter: Vec<Entry>,
    /// Why rules are left to the interpreter.
    notes: Vec<String>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiled")
            .field("machine", &self.machine)
            .field("interpreter", &self.interpreter)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// The decision rules below a root (`data`, then the package), each once, in order.
pub(crate) fn entries(modules: &[ModuleFacts], root: &[String]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = modules
        .iter()
        .flat_map(|module| &module.rules)
        .filter(|rule| rule.path.starts_with(root) && rule.form == RuleForm::Set)
        .filter_map(|rule| {
            let (name, package) = rule.path.split_last()?;
            Some(Entry { package: package.to_vec(), rule: DecisionRule::by_name(name)? })
        })
        .collect();
    entries.sort();
    entries.dedup();
    entries
}

impl Compiled {
    /// Compiles, and evaluates the corpus with both engines. What the machine cannot compile or run is
    /// left to the interpreter.
    ///
    /// # Errors
    /// The text of what the interpreter itself refuses, and rules about which the engines differ:
    /// nobody can tell then which of them is right.
    pub(crate) fn new(
        policies: &[(&SourceFile, &ModuleFacts)],
        data: &Value,
        entries: &[Entry],
        graph: &Graph,
        bounds: Bounds,
    ) -> Result<Self, String> {
        let mut interpreter: Vec<Entry> = Vec::new();
        let mut notes = Vec::new();
        for entry in entries {
            if let Some(why) = graph.hides_failures(&entry.path()) {
                notes.push(format!("{} runs in the interpreter: {why}", text(entry)));
                interpreter.push(entry.clone());
            }
        }
        loop {
            let machine: Vec<Entry> =
                entries.iter().filter(|entry| !interpreter.contains(*entry)).cloned().collect();
            let refused = match Self::build(policies, data, machine, interpreter.clone())? {
                Ok(compiled) => {
                    let failing = compiled.compare(bounds)?;
                    if failing.is_empty() {
                        return Ok(Self { notes, ..compiled });
                    }
                    failing
                }
                Err(refused) => refused,
            };
            for (entry, why) in refused {
                notes.push(format!("{} runs in the interpreter: {why}", text(&entry)));
                interpreter.push(entry);
            }
        }
    }

    /// The inner error names the rules that the machine's compiler refuses.
    fn build(
        policies: &[(&SourceFile, &ModuleFacts)],
        data: &Value,
        machine: Vec<Entry>,
        interpreter: Vec<Entry>,
    ) -> Result<Result<Self, Vec<(Entry, String)>>, String> {
        let mut engine = Engine::new();
        engine.set_strict_builtin_errors(true);
        engine.set_gather_prints(true);
        engine.set_policy_length_config(syntax::lengths());
        for (file, module) in policies {
            engine
                .add_policy(file.path.clone(), syntax::engine_text(file, module))
                .map_err(|error| error.to_string())?;
        }
        engine
            .add_policy(format!("{OWN_PACKAGE}.rego"), generated(&machine, &interpreter))
            .map_err(|error| error.to_string())?;
        engine.add_data(data.clone()).map_err(|error| error.to_string())?;
        let entry_point = format!("data.{OWN_PACKAGE}.machine");
        let policy = engine
            .compile_with_entrypoint(&entry_point.as_str().into())
            .map_err(|error| error.to_string())?;
        let program = if machine.is_empty() {
            None
        } else {
            match Compiler::compile_from_policy(&policy, &[&entry_point]) {
                Ok(mut program) => {
                    guard::install(Arc::make_mut(&mut program))?;
                    Some(program)
                }
                Err(error) => {
                    return Ok(Err(refused(&policy, &machine, &error.to_string())));
                }
            }
        };
        let data = data.clone();
        Ok(Ok(Self { data, program, machine, engine, interpreter, notes: Vec::new() }))
    }

    /// Evaluates the corpus twice. Gives back the rules that the machine cannot run.
    fn compare(&self, bounds: Bounds) -> Result<Vec<(Entry, String)>, String> {
        // The comparison is not the hot path, and the interpreter is slower by an order of magnitude.
        let bounds = Bounds { time: bounds.time.max(Duration::from_millis(500)), ..bounds };
        for intent in corpus::intents() {
            let input = crate::value::to_value(&intent).map_err(|error| error.to_string())?;
            let machine = match self.run_machine(&input, bounds) {
                // What is too slow for the machine need not be waited for in the interpreter: it is a
                // denial whenever it judges.
                Err(EvalError::Time(_) | EvalError::Instructions(_) | EvalError::Panicked) => {
                    return Ok(Vec::new());
                }
                other => other,
            };
            match (machine, self.interpret("compared", &input, bounds)) {
                (Ok(machine), Ok(interpreter)) => {
                    let pairs = machine.iter().zip(&interpreter);
                    let different = self.machine.iter().zip(pairs).find(|(_, (a, b))| a != b);
                    if let Some((entry, _)) = different {
                        return Err(disagreement(&text(entry)));
                    }
                }
                (Err(EvalError::Failed(why)), Ok(_)) => {
                    let why = format!("the register machine fails{why}");
                    return Ok(self.machine.iter().map(|e| (e.clone(), why.clone())).collect());
                }
                (Ok(_), Err(EvalError::Failed(why))) => {
                    return Err(disagreement(&format!("the policies{why}")));
                }
                // Where both fail the answer is a denial either way.
                (Err(_), Err(_)) => {}
                (Ok(_), Err(_)) | (Err(_), Ok(_)) => return Ok(Vec::new()),
            }
        }
        Ok(Vec::new())
    }

    /// Evaluates every decision rule. One value per rule; rules without elements give empty sets.
    pub(crate) fn evaluate(
        &self,
        input: &Value,
        bounds: Bounds,
    ) -> Result<Vec<(&Entry, Value)>, EvalError> {
        let mut values = self.run_machine(input, bounds)?;
        if !self.interpreter.is_empty() {
            values.extend(self.interpret("interpreted", input, bounds)?);
        }
        let entries = self.machine.iter().chain(&self.interpreter);
        Ok(entries.zip(values).collect())
    }

    /// Whether a rule is true; undefined is not. The interpreter is asked: it is a person's question, not the
    /// hot path.
    pub(crate) fn holds(
        &self,
        path: &str,
        input: &Value,
        bounds: Bounds,
    ) -> Result<bool, EvalError> {
        let value = self.eval(path.to_owned(), input, bounds)?;
        Ok(value == Value::from(true))
    }

    fn run_machine(&self, input: &Value, bounds: Bounds) -> Result<Vec<Value>, EvalError> {
        let Some(program) = &self.program else { return Ok(Vec::new()) };
        let run = || -> Result<Value, VmError> {
            let mut vm = RegoVM::new();
            vm.load_program(Arc::clone(program));
            vm.set_data(self.data.clone())?;
            vm.set_input(input.clone());
            // Not strict, and yet strict: comparisons follow Rego's order of types only without it
            // (`null < 1`), and the built-ins are guarded.
            vm.set_strict_builtin_errors(false);
            vm.set_max_instructions(usize::try_from(bounds.instructions).unwrap_or(usize::MAX));
            vm.set_execution_timer_config(Some(timer(bounds)));
            vm.execute_entry_point_by_index(0)
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            guard::watched(|| stacker::maybe_grow(MACHINE_STACK, STACK, run))
        }));
        match outcome.map(|(result, failed)| result.map(|value| (value, failed))) {
            Ok(Ok((value, false))) => flatten(&value, self.machine.len()),
            Ok(Ok((_, true))) => Err(self.place(input, bounds)),
            Ok(Err(VmError::InstructionLimitExceeded { .. })) => {
                Err(EvalError::Instructions(bounds.instructions))
            }
            Ok(Err(VmError::TimeLimitExceeded { .. })) => Err(EvalError::Time(bounds.time)),
            Ok(Err(error)) => {
                tracing::debug!(%error, "the register machine failed");
                Err(self.place(input, bounds))
            }
            Err(_panic) => Err(EvalError::Panicked),
        }
    }

    /// The machine does not say where it failed; the interpreter meets the same error and does.
    fn place(&self, input: &Value, bounds: Bounds) -> EvalError {
        match self.interpret("compared", input, bounds) {
            Err(EvalError::Failed(place)) => EvalError::Failed(place),
            Ok(_) | Err(_) => EvalError::Failed(String::new()),
        }
    }

    fn interpret(
        &self,
        rule: &str,
        input: &Value,
        bounds: Bounds,
    ) -> Result<Vec<Value>, EvalError> {
        let count = if rule == "compared" { self.machine.len() } else { self.interpreter.len() };
        let value = self.eval(format!("data.{OWN_PACKAGE}.{rule}"), input, bounds)?;
        flatten(&value, count)
    }

    /// Evaluates one rule with the interpreter.
    fn eval(&self, path: String, input: &Value, bounds: Bounds) -> Result<Value, EvalError> {
        let run = || {
            let mut engine = self.engine.clone();
            engine.set_execution_timer_config(timer(bounds));
            engine.set_input(input.clone());
            engine.eval_rule(path)
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| stacker::grow(STACK, run)));
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                if let Some(LimitError::TimeLimitExceeded { .. }) = error.downcast_ref() {
                    return Err(EvalError::Time(bounds.time));
                }
                let text = error.to_string();
                tracing::debug!(error = text, "the interpreter failed");
                let diagnostic = syntax::engine_error("", "eval", &text);
                let place = diagnostic.location.filter(|at| !at.file.is_empty());
                Err(EvalError::Failed(
                    place.map_or_else(String::new, |at| format!(" at {}:{}", at.file, at.row)),
                ))
            }
            Err(_panic) => Err(EvalError::Panicked),
        }
    }

    /// Why rules are left to the interpreter; empty where the machine runs all of them.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.machine.is_empty() && self.interpreter.is_empty()
    }
}

fn disagreement(about: &str) -> String {
    format!("error: the two engines of regorus disagree about {about}; write it in another way")
}

fn timer(bounds: Bounds) -> ExecutionTimerConfig {
    ExecutionTimerConfig {
        limit: bounds.time,
        check_interval: NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN),
    }
}

/// Tries each rule alone. Where each compiles alone, all are given to the interpreter.
fn refused(policy: &CompiledPolicy, machine: &[Entry], why: &str) -> Vec<(Entry, String)> {
    let alone: Vec<_> = machine
        .iter()
        .filter_map(|entry| {
            let error = Compiler::compile_from_policy(policy, &[&text(entry)]).err()?;
            Some((entry.clone(), first_line(&error.to_string())))
        })
        .collect();
    if !alone.is_empty() {
        return alone;
    }
    machine.iter().map(|entry| (entry.clone(), first_line(why))).collect()
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

/// One rule that evaluates all: helper rules are then evaluated once per judgement, not once per rule.
fn generated(machine: &[Entry], interpreter: &[Entry]) -> String {
    let mut module = format!("package {OWN_PACKAGE}\n");
    for (name, entries) in [("machine", machine), ("interpreted", interpreter)] {
        let chunks: Vec<String> = entries
            .chunks(CHUNK)
            .enumerate()
            .map(|(at, chunk)| {
                let items: Vec<String> = chunk.iter().map(text).collect();
                module.push_str(&format!("{name}_{at} := [\n{}\n]\n", items.join(",\n")));
                format!("{name}_{at}")
            })
            .collect();
        module.push_str(&format!("{name} := [\n{}\n]\n", chunks.join(",\n")));
    }
    module.push_str("compared := machine\n");
    module
}

fn text(entry: &Entry) -> String {
    syntax::path_text(&entry.path())
}

/// Takes the chunks of [`generated`] apart.
fn flatten(value: &Value, count: usize) -> Result<Vec<Value>, EvalError> {
    let undefined = || EvalError::Failed(": a decision rule is undefined".to_owned());
    let mut values = Vec::with_capacity(count);
    for chunk in value.as_array().map_err(|_not_an_array| undefined())?.iter() {
        let chunk = chunk.as_array().map_err(|_not_an_array| undefined())?;
        values.extend(chunk.iter().cloned());
    }
    if values.len() == count { Ok(values) } else { Err(undefined()) }
}
