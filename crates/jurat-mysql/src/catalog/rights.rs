//! Whose triggers the server shows: those of tables on which the account has the right TRIGGER. Of all others it
//! says nothing, which must not be taken for "there are none".
//!
//! MySQL can take a right on everything back for single databases (`partial_revokes`; MySQL 9 reference manual,
//! "Privilege Restriction Using Partial Revokes"). Only `SHOW GRANTS` says so to the account itself.

use jurat_types::{Catalog, Engine, Relation, RelationKind, RelationName, Trigger};

use super::INFORMATION_SCHEMA;

/// Databases of the server's own, on which nobody makes triggers.
const OWN: [&str; 4] = [INFORMATION_SCHEMA, "mysql", "performance_schema", "sys"];

/// On what the account has the right TRIGGER.
#[derive(Debug, Default)]
pub(super) struct Rights {
    /// The account as the server writes it where it lists rights: `'app'@'10.0.0.%'`.
    account: String,
    everywhere: bool,
    /// Patterns as in LIKE.
    databases: Vec<String>,
    tables: Vec<RelationName>,
    /// Databases on which a right on everything does not hold.
    taken_back: Vec<String>,
    /// Whether the server says that it takes no right back for single databases. Where it does, a right on databases
    /// has a name and no pattern.
    patterns: bool,
}

impl Rights {
    /// Takes the account as `CURRENT_USER()` has it: `app@10.0.0.%`.
    pub(super) fn of(account: &str) -> Self {
        let (user, host) = account.rsplit_once('@').unwrap_or((account, ""));
        Self { account: format!("'{user}'@'{host}'"), ..Self::default() }
    }

    /// Takes one right: on one table, on all of databases of a pattern, or on everything. Rights of others, which
    /// accounts with many rights are shown as well, count for nothing; so do those of roles.
    pub(super) fn granted(&mut self, to: &str, database: Option<&str>, table: Option<&str>) {
        if to != self.account {
            return;
        }
        match (database, table) {
            (None, _) => self.everywhere = true,
            (Some(database), None) => self.databases.push(database.to_owned()),
            (Some(database), Some(table)) => {
                self.tables.push(RelationName::new(database, table));
            }
        }
    }

    /// Takes one line of `SHOW GRANTS` for the account itself. Of interest is what was taken back again:
    /// ``REVOKE SELECT, TRIGGER ON `shop`.* FROM `app`@`10.0.0.%` ``. One that cannot be read takes all back.
    pub(super) fn line(&mut self, line: &str) {
        let Some(revoked) = line.strip_prefix("REVOKE ") else { return };
        match taken_back(revoked) {
            Some((rights, database)) => {
                if ["TRIGGER", "ALL", "ALL PRIVILEGES"].iter().any(|right| rights.contains(right)) {
                    self.taken_back.push(database);
                }
            }
            None => self.everywhere = false,
        }
    }

    /// Takes the setting by which rights can be taken back for single databases.
    pub(super) fn partial_revokes(&mut self, value: &str) {
        self.patterns = value == "OFF";
    }

    fn shows(&self, name: &RelationName, folds: bool, engine: Engine) -> bool {
        let same = |one: &str, other: &str| {
            if folds { one.to_lowercase() == other.to_lowercase() } else { one == other }
        };
        let patterns = self.patterns || engine == Engine::Mariadb;
        let everywhere =
            self.everywhere && !self.taken_back.iter().any(|database| same(database, &name.schema));
        everywhere
            || self.databases.iter().any(|pattern| {
                let (pattern, schema) = if folds {
                    (pattern.to_lowercase(), name.schema.to_lowercase())
                } else {
                    (pattern.clone(), name.schema.clone())
                };
                if patterns {
                    fits(pattern.as_bytes(), schema.as_bytes())
                } else {
                    pattern.replace("\\_", "_").replace("\\%", "%") == schema
                }
            })
            || self
                .tables
                .iter()
                .any(|table| same(&table.schema, &name.schema) && same(&table.name, &name.name))
    }

    /// Puts a trigger that runs something unknown on each table whose triggers are not shown: a write is then
    /// refused by what refuses unknown functions, and its name says which right is missing. Gives how many tables
    /// there are.
    pub(super) fn complete(&self, catalog: &mut Catalog) -> usize {
        let hidden = |relation: &&Relation| {
            relation.kind == RelationKind::Table
                && !OWN.contains(&relation.name.schema.as_str())
                && !self.shows(&relation.name, catalog.folds_table_names, catalog.engine)
        };
        let unknown: Vec<Trigger> = catalog
            .relations
            .iter()
            .filter(hidden)
            .map(|relation| unknown(&relation.name))
            .collect();
        let count = unknown.len();
        catalog.triggers.extend(unknown);
        count
    }
}

fn unknown(relation: &RelationName) -> Trigger {
    let schema = &relation.schema;
    let name = format!("unknown triggers (GRANT TRIGGER ON {schema}.* shows them to jurat)");
    Trigger {
        relation: relation.clone(),
        name: name.clone(),
        function: RelationName::new(schema.clone(), name),
    }
}

/// The rights and the database of a line that takes rights back, behind its first word.
fn taken_back(line: &str) -> Option<(Vec<&str>, String)> {
    let (rights, rest) = line.split_once(" ON ")?;
    // Neither half can be found inside of the quoted name of the database, because an account follows.
    let (database, _account) = rest.rsplit_once(".* FROM ")?;
    let database = match database.strip_prefix('`') {
        Some(quoted) => quoted.strip_suffix('`')?.replace("``", "`"),
        // The session may have asked for names without quotes.
        None => database.to_owned(),
    };
    Some((rights.split(", ").collect(), database))
}

/// Whether a name fits a pattern in which `%` stands for anything, `_` for one character, and what is behind a
/// backslash for itself. Rights are given on databases by such patterns. Takes as many steps as the product of
/// both lengths at most.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where the last `%` stands, and what of the name it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let (literal, width) = match (pattern.get(at), pattern.get(at.saturating_add(1))) {
            (Some(b'\\'), Some(next)) => (Some(*next), 2),
            (Some(b'%'), _) => {
                star = Some((at, place));
                at = at.saturating_add(1);
                continue;
            }
            (Some(b'_'), _) if place < name.len() => (None, 1),
            (Some(byte), _) => (Some(*byte), 1),
            (None, _) if place == name.len() => return true,
            (None, _) => (None, 0),
        };
        let taken = match (literal, name.get(place)) {
            (_, None) => return false,
            (Some(literal), Some(byte)) => literal == *byte,
            (None, Some(_)) => width > 0,
        };
        if taken {
            (at, place) = (at.saturating_add(width), place.saturating_add(1));
        } else if let Some((begin, took)) = star {
            let took = took.saturating_add(1);
            star = Some((begin, took));
            (at, place) = (begin.saturating_add(1), took);
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use jurat_types::{Catalog, Engine, Relation, RelationKind, RelationName};

    use super::{Rights, fits};

    #[test]
    fn patterns_are_those_of_grant() {
        for (pattern, name, expected) in [
            ("shop", "shop", true),
            ("shop", "shop2", false),
            ("shop%", "shop2", true),
            ("%", "", true),
            ("sh_p", "shop", true),
            ("sh_p", "shp", false),
            ("sh\\_p", "shop", false),
            ("sh\\_p", "sh_p", true),
            ("%a%b", "xaxbxb", true),
            ("%a%b", "xaxbxc", false),
            ("%_", "", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_table_whose_triggers_are_not_shown_has_an_unknown_one() {
        let table = |schema: &str, name: &str| Relation {
            name: RelationName::new(schema, name),
            kind: RelationKind::Table,
            columns: Vec::new(),
            oid: 0,
            reads: Vec::new(),
            definition: None,
            parents: Vec::new(),
        };
        let relations = || {
            let names =
                [("shop", "orders"), ("shop", "notes"), ("crm", "people"), ("mysql", "user")];
            names.map(|(schema, name)| table(schema, name)).to_vec()
        };
        type Grants<'g> = [(&'g str, Option<&'g str>, Option<&'g str>)];
        let told = |grants: &Grants<'_>, lines: &[&str], partial: bool| {
            let mut rights = Rights::of("app@10.%");
            for (to, database, name) in grants {
                rights.granted(to, *database, *name);
            }
            for line in lines {
                rights.line(line);
            }
            rights.partial_revokes(if partial { "ON" } else { "OFF" });
            let mut catalog = Catalog { relations: relations(), ..Catalog::default() };
            catalog.engine = Engine::Mysql;
            let count = rights.complete(&mut catalog);
            assert_eq!(count, catalog.triggers.len());
            let names = catalog.triggers.iter().map(|trigger| trigger.relation.to_string());
            names.collect::<Vec<_>>().join(" ")
        };
        let hidden = |grants: &Grants<'_>| told(grants, &[], false);
        let app = "'app'@'10.%'";
        assert_eq!(hidden(&[]), "shop.orders shop.notes crm.people");
        assert_eq!(hidden(&[(app, None, None)]), "");
        assert_eq!(hidden(&[("'root'@'localhost'", None, None)]), hidden(&[]), "somebody else's");
        assert_eq!(hidden(&[(app, Some("sh%"), None)]), "crm.people");
        assert_eq!(hidden(&[(app, Some("shop"), Some("notes"))]), "shop.orders crm.people");
        // What was taken back again.
        let all = [(app, None, None)];
        let revoke = |what: &str| format!("REVOKE {what} FROM `app`@`10.%`");
        for (line, expected) in [
            ("SELECT, TRIGGER ON `shop`.*", "shop.orders shop.notes"),
            ("TRIGGER ON shop.*", "shop.orders shop.notes"),
            ("ALL ON `crm`.*", "crm.people"),
            ("INSERT ON `shop`.*", ""),
            ("TRIGGER ON `an ON ``other`.*", ""),
            ("what nobody understands", "shop.orders shop.notes crm.people"),
        ] {
            let grant = "GRANT TRIGGER ON *.* TO `app`@`10.%`";
            assert_eq!(told(&all, &[grant, &revoke(line)], true), expected, "{line}");
        }
        // Where rights can be taken back so, a database is named and not described.
        assert_eq!(told(&[(app, Some("sh%"), None)], &[], true), hidden(&[]));
        assert_eq!(told(&[(app, Some("shop"), None)], &[], true), "crm.people");
    }
}
