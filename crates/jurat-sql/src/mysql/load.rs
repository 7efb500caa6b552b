//! `LOAD DATA` and `LOAD XML`, read to the last word: where the rows come from, and where they go.
//!
//! Source: "LOAD DATA" and "LOAD XML" in the manuals of both servers.

use jurat_types::{FunctionClass, StatementClass};
use sqlparser::ast::ObjectName;

use super::form::{Form, Read};
use crate::scan::Kind;
use crate::statement::SessionEffect;
use crate::walk::{Stop, Walker};

/// What policies call rows of a file of the client's, and what they call those of a file of the server's.
const OF_CLIENT: &str = "load_data_local";
const OF_SERVER: &str = "load_data";

/// What such a statement says.
struct Load {
    /// The file is the client's.
    local: bool,
    file: String,
    table: ObjectName,
    /// Rows that are there already are replaced.
    replaces: bool,
    /// The columns that are named; empty where all are meant.
    columns: Vec<ObjectName>,
}

pub(super) fn read(walker: &mut Walker<'_>, form: &Form<'_>) -> Read {
    if form.at(0) != "load" {
        return None;
    }
    let mut words = Words { form, at: 1 };
    let load = words.load()?;
    if words.take("set") {
        return Some(Err(Stop::unsupported("SET in LOAD DATA")));
    }
    (words.at == form.len()).then(|| write_down(walker, load))
}

fn write_down(walker: &mut Walker<'_>, load: Load) -> Result<Option<String>, Stop> {
    let kind = if load.local { OF_CLIENT } else { OF_SERVER };
    walker.facts.set(kind, StatementClass::Write);
    walker.facts.function(kind, FunctionClass::File);
    if load.local {
        walker.facts.effect = SessionEffect::ClientFile { name: load.file };
    }
    walker.filled_table(&load.table, &load.columns, load.replaces)?;
    Ok(None)
}

/// Reads word by word; every step says `None` where the grammar does not go on.
struct Words<'f, 's> {
    form: &'f Form<'s>,
    at: usize,
}

impl Words<'_, '_> {
    fn load(&mut self) -> Option<Load> {
        let xml = self.take("xml");
        if !xml {
            self.needs("data")?;
        }
        let _priority = self.take("low_priority") || self.take("concurrent");
        let local = self.take("local");
        self.needs("infile")?;
        let file = self.form.string(self.at)?;
        self.step();
        let replaces = self.take("replace");
        if !replaces {
            self.take("ignore");
        }
        self.needs("into")?;
        self.needs("table")?;
        let table = self.name()?;
        if self.take("partition") {
            self.list()?;
        }
        if self.take("charset") || (self.take("character") && self.needs("set").is_some()) {
            self.step();
        }
        if xml && self.take("rows") {
            self.needs("identified")?;
            self.needs("by")?;
            self.constant()?;
        }
        if self.take("fields") || self.take("columns") {
            self.parts(&["terminated", "optionally", "enclosed", "escaped"])?;
        }
        if self.take("lines") {
            self.parts(&["starting", "terminated"])?;
        }
        if self.take("ignore") {
            self.step_if(self.kind() == Some(Kind::Number))?;
            let _unit = self.take("lines") || self.take("rows");
        }
        let columns = if self.is("(") { self.list()? } else { Vec::new() };
        Some(Load { local, file, table, replaces, columns })
    }

    /// `TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"'`, at least one of them.
    fn parts(&mut self, known: &[&str]) -> Option<()> {
        let start = self.at;
        while let Some(word) = known.iter().find(|word| self.is(word)) {
            self.step();
            if *word == "optionally" {
                self.needs("enclosed")?;
            }
            self.needs("by")?;
            self.constant()?;
        }
        (self.at > start).then_some(())
    }

    /// A string, or bytes in hexadecimal or binary digits.
    fn constant(&mut self) -> Option<()> {
        let constant = matches!(self.kind(), Some(Kind::Text | Kind::Prefixed | Kind::Number));
        self.step_if(constant)
    }

    /// Names in brackets. Variables of the session stand in for columns that are left out, and are not among them.
    fn list(&mut self) -> Option<Vec<ObjectName>> {
        let mut names = Vec::new();
        self.needs("(")?;
        loop {
            if self.variable().is_none() {
                names.push(self.name()?);
            }
            if self.take(")") {
                return Some(names);
            }
            self.needs(",")?;
        }
    }

    fn variable(&mut self) -> Option<()> {
        let (kind, text) = self.form.words.get(self.at)?;
        let own = *kind == Kind::Word && text.starts_with('@') && !text.starts_with("@@");
        self.step_if(own)
    }

    fn name(&mut self) -> Option<ObjectName> {
        let (name, end) = self.form.name(self.at)?;
        self.at = end;
        Some(name)
    }

    fn kind(&self) -> Option<Kind> {
        self.form.words.get(self.at).map(|(kind, _)| *kind)
    }

    fn is(&self, word: &str) -> bool {
        self.form.at(self.at) == word
    }

    /// Goes over a word if it comes next.
    fn take(&mut self, word: &str) -> bool {
        let found = self.is(word);
        self.step_if(found).is_some()
    }

    fn needs(&mut self, word: &str) -> Option<()> {
        self.take(word).then_some(())
    }

    fn step_if(&mut self, found: bool) -> Option<()> {
        self.at = self.at.saturating_add(usize::from(found));
        found.then_some(())
    }

    fn step(&mut self) {
        self.at = self.at.saturating_add(1);
    }
}
