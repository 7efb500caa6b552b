//! Which rule needs which: every cycle is refused before an engine sees the policies, because
//! regorus would recurse until the process dies.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Diagnostic, Location,
    syntax::{Call, ModuleFacts, RuleFacts, RuleForm, Segment},
};

/// Rules that call each other in one chain at most. Both engines use the stack for each link.
const CHAIN_MAX: usize = 48;

/// The rules of all modules by path, and what they need.
#[derive(Debug)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    by_path: BTreeMap<Vec<String>, usize>,
}

impl Node {
    /// Looks at one more definition.
    fn hidden_failure(&self, rule: &RuleFacts) -> Option<&'static str> {
        if rule.calculates {
            return Some("calculates");
        }
        match rule.form {
            RuleForm::Set => None,
            RuleForm::Object => Some("could have two values for a key"),
            RuleForm::Complete | RuleForm::Function => {
                let other = !rule.default
                    && self.value.as_ref().is_some_and(|v| v.is_none() || *v != rule.constant);
                (other || rule.ambiguous).then_some("could have two values")
            }
        }
    }
}

#[derive(Debug)]
struct Node {
    path: Vec<String>,
    at: Location,
    function: bool,
    needs: BTreeSet<usize>,
    /// Why the register machine could hide a failure of this rule.
    hides: Option<&'static str>,
    /// The constant value of its definitions so far; the inner `None` is a value that is not constant.
    value: Option<Option<String>>,
}

impl Graph {
    /// Builds the graph. `with` counts as a need of both its target and its value, since it makes
    /// the one run in place of the other.
    pub(crate) fn new(modules: &[ModuleFacts]) -> Self {
        let mut graph = Self { nodes: Vec::new(), by_path: BTreeMap::new() };
        let rules =
            || modules.iter().flat_map(|module| module.rules.iter().map(move |r| (module, r)));
        for (_, rule) in rules() {
            graph.node(rule);
        }
        for (module, rule) in rules() {
            let mut needs = BTreeSet::new();
            for reference in &rule.references {
                needs.extend(graph.matching(&reference.path));
            }
            needs.extend(rule.calls.iter().filter_map(|call| graph.callee(&module.package, call)));
            for replaced in &rule.replacements {
                graph.replacement(&replaced.target, replaced.value.as_deref(), &mut needs);
            }
            if let Some(node) =
                graph.by_path.get(&rule.path).copied().and_then(|at| graph.nodes.get_mut(at))
            {
                node.needs.extend(needs);
            }
        }
        graph
    }

    /// Whether a call by this name reaches a function of the policies, seen from a package.
    pub(crate) fn is_function(&self, package: &[String], call: &Call) -> bool {
        self.callee(package, call)
            .and_then(|at| self.nodes.get(at))
            .is_some_and(|node| node.function)
    }

    /// References to packages as a whole, where a package has several files. regorus' interpreter
    /// takes the package for complete after the first of them (0.14.1), so a rule would be missing.
    pub(crate) fn whole_packages(&self, modules: &[ModuleFacts]) -> Vec<Diagnostic> {
        let spread: BTreeSet<&[String]> = modules
            .iter()
            .map(|module| module.package.as_slice())
            .filter(|package| modules.iter().filter(|m| m.package == **package).count() > 1)
            .collect();
        let references = modules.iter().flat_map(|m| &m.rules).flat_map(|rule| &rule.references);
        references
            .filter(|reference| {
                let path: Vec<&str> = reference
                    .path
                    .iter()
                    .map_while(|segment| match segment {
                        Segment::Field(name) => Some(name.as_str()),
                        Segment::Any => None,
                    })
                    .collect();
                let is_data = path.first().is_some_and(|root| *root == "data");
                is_data
                    && spread.iter().any(|p| {
                        p.iter().map(String::as_str).take(path.len()).eq(path.iter().copied())
                    })
            })
            .map(|reference| Diagnostic {
                message: "a package with several files cannot be read as a whole: name the rule"
                    .to_owned(),
                code: "rego_compile_error".to_owned(),
                location: Some(reference.at.clone()),
            })
            .collect()
    }

    /// Cycles and chains that are too long.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let mut depths: Vec<Option<usize>> = vec![None; self.nodes.len()];
        let mut changed = true;
        // Every round settles at least the rules whose needs are all settled; what is never settled
        // is in a cycle or needs one.
        while changed {
            changed = false;
            for (at, node) in self.nodes.iter().enumerate() {
                if depths.get(at).copied().flatten().is_some() {
                    continue;
                }
                let mut depth = Some(0);
                for need in &node.needs {
                    let below = depths.get(*need).copied().flatten();
                    depth = depth.zip(below).map(|(most, below)| most.max(below + 1));
                }
                if let (Some(slot), Some(_)) = (depths.get_mut(at), depth) {
                    *slot = depth;
                    changed = true;
                }
            }
        }
        let mut errors = self.cycles(&depths);
        let long = self.nodes.iter().zip(&depths).filter(|(_, d)| d.is_some_and(|d| d > CHAIN_MAX));
        errors.extend(long.map(|(node, _)| Diagnostic {
            message: format!(
                "rule {} needs a chain of more than {CHAIN_MAX} rules",
                node.path.join(".")
            ),
            code: "rego_compile_error".to_owned(),
            location: Some(node.at.clone()),
        }));
        errors
    }

    fn cycles(&self, depths: &[Option<usize>]) -> Vec<Diagnostic> {
        let mut errors = Vec::new();
        let mut reported = BTreeSet::new();
        for (start, node) in self.nodes.iter().enumerate() {
            if depths.get(start).copied().flatten().is_some() || reported.contains(&start) {
                continue;
            }
            // From an unsettled rule there is always an unsettled need; following it must come round.
            let mut walk = vec![start];
            let mut at = start;
            while let Some(next) = self.nodes.get(at).and_then(|node| {
                node.needs.iter().copied().find(|n| depths.get(*n).copied().flatten().is_none())
            }) {
                if let Some(from) = walk.iter().position(|seen| *seen == next) {
                    walk.drain(..from);
                    walk.push(next);
                    break;
                }
                walk.push(next);
                at = next;
            }
            if !walk.iter().any(|member| reported.contains(member)) {
                let names: Vec<String> = walk
                    .iter()
                    .filter_map(|member| self.nodes.get(*member))
                    .map(|node| node.path.join("."))
                    .collect();
                errors.push(Diagnostic {
                    message: format!(
                        "rule {} is recursive: {}",
                        names.first().unwrap_or(&node.path.join(".")),
                        names.join(" -> ")
                    ),
                    code: "rego_recursion_error".to_owned(),
                    location: walk.first().and_then(|at| self.nodes.get(*at)).map(|n| n.at.clone()),
                });
            }
            reported.extend(walk);
            reported.insert(start);
        }
        errors
    }

    fn node(&mut self, rule: &RuleFacts) {
        let at = *self.by_path.entry(rule.path.clone()).or_insert(self.nodes.len());
        if at == self.nodes.len() {
            self.nodes.push(Node {
                path: rule.path.clone(),
                at: rule.at.clone(),
                function: false,
                needs: BTreeSet::new(),
                hides: None,
                value: None,
            });
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.function |= rule.form == RuleForm::Function;
            node.hides = node.hides.or_else(|| node.hidden_failure(rule));
            if !rule.default {
                node.value = Some(rule.constant.clone());
            }
        }
    }

    /// Why a decision rule may not run in the register machine: it or a rule that it needs can fail
    /// in a way that the machine takes for "undefined" (regorus 0.14.1).
    pub(crate) fn hides_failures(&self, path: &[String]) -> Option<String> {
        let mut pending = vec![*self.by_path.get(path)?];
        let mut seen = BTreeSet::new();
        while let Some(at) = pending.pop() {
            if !seen.insert(at) {
                continue;
            }
            let node = self.nodes.get(at)?;
            if let Some(why) = node.hides {
                return Some(format!("{} {why}", node.path.join(".")));
            }
            pending.extend(&node.needs);
        }
        None
    }

    /// The rules that a path can reach: those below it, and those that it goes into.
    fn matching(&self, path: &[Segment]) -> Vec<usize> {
        if !matches!(path.first(), Some(Segment::Field(root)) if root == "data") {
            return Vec::new();
        }
        let reaches = |node: &Node| {
            path.iter().zip(&node.path).all(|(segment, part)| match segment {
                Segment::Field(name) => name == part,
                Segment::Any => true,
            })
        };
        self.nodes.iter().enumerate().filter(|(_, n)| reaches(n)).map(|(at, _)| at).collect()
    }

    fn callee(&self, package: &[String], call: &Call) -> Option<usize> {
        let full: Vec<String> = if call.name.first().is_some_and(|first| first == "data") {
            call.name.clone()
        } else {
            package.iter().chain(&call.name).cloned().collect()
        };
        self.by_path.get(&full).copied()
    }

    fn replacement(
        &mut self,
        target: &[String],
        value: Option<&[String]>,
        needs: &mut BTreeSet<usize>,
    ) {
        let fields = |path: &[String]| -> Vec<Segment> {
            path.iter().cloned().map(Segment::Field).collect()
        };
        let values = value.map_or_else(Vec::new, |value| self.matching(&fields(value)));
        needs.extend(&values);
        for at in self.matching(&fields(target)) {
            if let Some(node) = self.nodes.get_mut(at) {
                node.needs.extend(&values);
            }
        }
    }
}
