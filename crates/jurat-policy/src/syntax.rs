//! What a policy file says, as far as the checks need it: rules, references, calls and literals.
//!
//! It reads regorus' syntax tree once, with the scopes of Rego, so that everything else (cycles,
//! built-ins, the read-set, misspelt paths) works on plain lists and never on the tree.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    num::{NonZeroU32, NonZeroUsize},
};

use regorus::{
    PolicyLengthConfig,
    unstable::{Expr, Module, Parser, Ref, Source, Span},
};

use crate::{Diagnostic, Location, files::SourceFile};

/// Brackets inside each other at most. regorus tries a bracket as a comprehension and then again as
/// a literal, so its time doubles with every level.
const BRACKETS_MAX: usize = 12;
/// Expressions inside each other at most; `a + b + c + …` nests too.
pub(crate) const NESTING_MAX: usize = 128;

/// The name of the rule that lists the cases of a table test begins with this.
pub(crate) const CASES: &str = "jurat_cases__";

/// One policy file.
#[derive(Debug)]
pub(crate) struct ModuleFacts {
    /// The package with `data` before it.
    pub(crate) package: Vec<String>,
    /// Where `package` stands.
    pub(crate) at: Location,
    pub(crate) rules: Vec<RuleFacts>,
    /// Where imported names stand (begin, end) and what they stand for; see [`engine_text`].
    pub(crate) imported: BTreeMap<(usize, usize), String>,
}

/// One definition of a rule or function.
#[derive(Debug)]
pub(crate) struct RuleFacts {
    /// The whole path: `data`, the package, the name; up to the first part that is not constant.
    pub(crate) path: Vec<String>,
    pub(crate) form: RuleForm,
    pub(crate) at: Location,
    pub(crate) references: Vec<Reference>,
    pub(crate) calls: Vec<Call>,
    /// Every string literal in it.
    pub(crate) strings: BTreeSet<String>,
    pub(crate) replacements: Vec<Replacement>,
    /// For `name := input.statement` without a body: what the name stands for.
    pub(crate) alias: Option<Vec<Segment>>,
    /// Whether it is a `default`.
    pub(crate) default: bool,
    /// Its value, where that is constant.
    pub(crate) constant: Option<String>,
    /// Whether it calculates: the register machine hides failures of that.
    pub(crate) calculates: bool,
    /// Whether one body can give it several values.
    pub(crate) ambiguous: bool,
    /// For a table test: a rule that lists its cases, see [`crate::harness`].
    pub(crate) cases: Option<Cases>,
}

/// The part of a table test that finds its keys.
#[derive(Debug)]
pub(crate) struct Cases {
    /// The test's own name.
    name: String,
    /// The keys, outermost first.
    keys: Vec<String>,
    /// The statements that bind them.
    statements: Vec<(usize, usize)>,
}

/// How a rule is defined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum RuleForm {
    /// `name := value`, also `default`.
    Complete,
    /// `name(args)`.
    Function,
    /// `name[key] := value`, and `name[key] if …`.
    Object,
    /// `name contains element`.
    Set,
}

/// A path into `input` or `data`.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// From `input` or `data` on.
    pub(crate) path: Vec<Segment>,
    pub(crate) at: Location,
    /// Whether it only gives a name to a path (`s := input.statement`). The uses of the name are
    /// references of their own.
    pub(crate) definition: bool,
}

/// A part of a path.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Segment {
    /// A constant key.
    Field(String),
    /// A variable, an index, anything else.
    Any,
}

/// A call by name.
#[derive(Debug)]
pub(crate) struct Call {
    /// As written, after imports are replaced.
    pub(crate) name: Vec<String>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) at: Location,
}

/// What the checks of built-ins want to know about an argument.
#[derive(Debug)]
pub(crate) enum Argument {
    Integer(i64),
    Text(String),
    Other,
}

/// `with target as value`.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) target: Vec<String>,
    /// Where the value is a plain reference.
    pub(crate) value: Option<Vec<String>>,
    pub(crate) at: Location,
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Any => f.write_str("[_]"),
        }
    }
}

/// Parses a file and collects its facts.
///
/// It must run on a large stack: a hostile file can make a tree that is deep to drop.
pub(crate) fn read(file: &SourceFile) -> Result<ModuleFacts, Vec<Diagnostic>> {
    brackets(file).map_err(|error| vec![error])?;
    let module = parse(file).map_err(|error| vec![error])?;
    crate::syntax_reader::read(&module)
}

fn parse(file: &SourceFile) -> Result<Module, Diagnostic> {
    let source = Source::from_contents(file.path.clone(), file.text.clone())
        .map_err(|error| engine_error(&file.path, "rego_parse_error", &error.to_string()))?;
    let module = Parser::new(&source).and_then(|mut parser| {
        parser.enable_rego_v1()?;
        parser.parse()
    });
    module.map_err(|error| engine_error(&file.path, "rego_parse_error", &error.to_string()))
}

/// A policy as the engines get it: each imported name is written out (`lib.x` is `data.jurat.lib.x`),
/// on the same line.
///
/// regorus' interpreter evaluates `lib.x` by evaluating all of `data.jurat.lib` first, and where that
/// package is spread over several files it loses what the later files import (0.14.1). A path that is
/// written out evaluates the one rule.
pub(crate) fn engine_text(file: &SourceFile, module: &ModuleFacts) -> String {
    written_out(&file.text, (0, file.text.len()), &module.imported)
}

/// A rule that holds the keys of all cases of a table test. A case that fails is not in the table
/// itself, so this is the only way to see it.
pub(crate) fn cases_text(file: &SourceFile, module: &ModuleFacts, cases: &Cases) -> String {
    let mut text = format!("\n{CASES}{} contains [{}] if {{\n", cases.name, cases.keys.join(", "));
    for range in &cases.statements {
        text.push('\t');
        text.push_str(&written_out(&file.text, *range, &module.imported));
        text.push('\n');
    }
    text.push_str("}\n");
    text
}

fn written_out(
    text: &str,
    (begin, end): (usize, usize),
    imported: &BTreeMap<(usize, usize), String>,
) -> String {
    let mut written = String::with_capacity(text.len());
    let mut at = begin;
    for ((from, to), path) in imported.range((begin, 0)..(end, 0)) {
        written.push_str(text.get(at..*from).unwrap_or_default());
        written.push_str(path);
        at = *to;
    }
    written.push_str(text.get(at..end).unwrap_or_default());
    written
}

/// Turns regorus' text (`--> file:row:col`, a picture of the line, `error: message`) into OPA's shape.
pub(crate) fn engine_error(file: &str, code: &str, text: &str) -> Diagnostic {
    let place = text.lines().find_map(|line| line.trim().strip_prefix("--> "));
    let location = place.and_then(|place| {
        let mut parts = place.rsplitn(3, ':');
        let col = parts.next()?.parse().ok()?;
        let row = parts.next()?.parse().ok()?;
        Some(Location { file: parts.next()?.to_owned(), row, col })
    });
    let message = text.lines().find_map(|line| line.trim().strip_prefix("error: "));
    Diagnostic {
        message: message.unwrap_or(text).trim().to_owned(),
        code: code.to_owned(),
        location: Some(location.unwrap_or(Location { file: file.to_owned(), row: 1, col: 1 })),
    }
}

/// Looks at brackets and minus signs only, before the parser may: it recurses for each of them
/// without a limit of its own.
fn brackets(file: &SourceFile) -> Result<(), Diagnostic> {
    let mut scan = Scan { row: 1, col: 0, depth: 0, minus: 0 };
    let mut chars = file.text.chars().peekable();
    while let Some(c) = chars.next() {
        scan.step(c);
        match c {
            '#' => while chars.next_if(|next| *next != '\n').is_some() {},
            '"' => {
                while let Some(next) = chars.next_if(|next| *next != '\n') {
                    scan.col += 1;
                    if next == '"' {
                        break;
                    }
                    if next == '\\' && chars.next_if(|escaped| *escaped != '\n').is_some() {
                        scan.col += 1;
                    }
                }
            }
            '`' => {
                for next in chars.by_ref() {
                    scan.step(next);
                    if next == '`' {
                        break;
                    }
                }
            }
            '(' | '[' | '{' => scan.depth += 1,
            ')' | ']' | '}' => scan.depth = scan.depth.saturating_sub(1),
            _ => {}
        }
        if c == '-' {
            scan.minus += 1;
        } else if !c.is_whitespace() {
            scan.minus = 0;
        }
        if scan.depth > BRACKETS_MAX || scan.minus > BRACKETS_MAX {
            return Err(Diagnostic {
                message: format!("more than {BRACKETS_MAX} levels of brackets or signs"),
                code: "rego_parse_error".to_owned(),
                location: Some(Location { file: file.path.clone(), row: scan.row, col: scan.col }),
            });
        }
    }
    Ok(())
}

struct Scan {
    row: u32,
    col: u32,
    depth: usize,
    minus: usize,
}

impl Scan {
    fn step(&mut self, c: char) {
        if c == '\n' {
            self.row = self.row.saturating_add(1);
            self.col = 0;
        } else {
            self.col = self.col.saturating_add(1);
        }
    }
}

/// The fixed beginning of a rule's name or a reference, and whether all of it is fixed.
pub(crate) fn constant_path(expression: &Expr) -> (Vec<String>, bool) {
    let (root, segments) = segments(expression);
    let mut path: Vec<String> = root.into_iter().collect();
    if path.is_empty() {
        return (path, false);
    }
    for segment in segments {
        match segment {
            Step::Field(name) => path.push(name),
            Step::Index(_) => return (path, false),
        }
    }
    (path, true)
}

/// A step of a reference as the tree has it.
pub(crate) enum Step<'a> {
    Field(String),
    Index(&'a Ref<Expr>),
}

/// Takes a reference apart: its first name (`None` where it begins with something else) and its steps.
pub(crate) fn segments(expression: &Expr) -> (Option<String>, Vec<Step<'_>>) {
    let mut steps = Vec::new();
    let mut at = expression;
    loop {
        if let Expr::RefDot { refr, field, .. } = at {
            steps.push(Step::Field(text(&field.1)));
            at = refr;
        } else if let Expr::RefBrack { refr, index, .. } = at {
            steps.push(match literal_text(index) {
                Some(name) => Step::Field(name),
                None => Step::Index(index),
            });
            at = refr;
        } else {
            steps.reverse();
            let root = if let Expr::Var { value, .. } = at { Some(text(value)) } else { None };
            return (root, steps);
        }
    }
}

/// The expression that a reference begins with.
pub(crate) fn head(expression: &Expr) -> &Expr {
    let mut at = expression;
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = at {
        at = refr;
    }
    at
}

/// The text of a string literal.
pub(crate) fn literal_text(expression: &Expr) -> Option<String> {
    if let Expr::String { value, .. } | Expr::RawString { value, .. } = expression {
        Some(text(value))
    } else {
        None
    }
}

fn text(value: &regorus::Value) -> String {
    value.as_string().map(ToString::to_string).unwrap_or_default()
}

impl Cases {
    pub(crate) fn new(name: String, keys: Vec<String>, statements: Vec<(usize, usize)>) -> Self {
        Self { name, keys, statements }
    }
}

/// The bytes that a span covers.
pub(crate) fn range(span: &Span) -> (usize, usize) {
    let offset = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    (offset(span.start), offset(span.end))
}

/// A path in Rego: `data.jurat["my-team"].deny`.
pub(crate) fn path_text(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        let plain = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && part.bytes().next().is_some_and(|b| !b.is_ascii_digit());
        if !plain {
            text.push_str(&format!("[{}]", serde_json::Value::from(part.as_str())));
            continue;
        }
        if !text.is_empty() {
            text.push('.');
        }
        text.push_str(part);
    }
    text
}

/// Written-out imports make lines longer than their authors made them.
pub(crate) fn lengths() -> PolicyLengthConfig {
    PolicyLengthConfig {
        max_col: NonZeroU32::new(16 * 1024).unwrap_or(NonZeroU32::MAX),
        max_file_bytes: NonZeroUsize::new(4 * 1024 * 1024).unwrap_or(NonZeroUsize::MAX),
        ..PolicyLengthConfig::default()
    }
}

/// The place of a span.
pub(crate) fn location(span: &Span) -> Location {
    Location { file: span.source.get_path().clone(), row: span.line, col: span.col }
}
