//! What the functions of MySQL and MariaDB can do: the file `data/mysql_functions.txt`, read once.

use std::collections::HashMap;
use std::sync::LazyLock;

use jurat_types::{Engine, FunctionClass};

use crate::builtin;

const FUNCTIONS_TEXT: &str = include_str!("../../data/mysql_functions.txt");

static MYSQL: LazyLock<HashMap<&'static str, FunctionClass>> =
    LazyLock::new(|| listed(Engine::Mysql));
static MARIADB: LazyLock<HashMap<&'static str, FunctionClass>> =
    LazyLock::new(|| listed(Engine::Mariadb));

/// The class of a function that comes with the server; `name` is in lower case, with the schema before it
/// for a stored function (`sys.format_bytes`).
///
/// `None` means that the name is not on the allow-list, which is [`FunctionClass::Unknown`]. The servers look
/// their own functions up before stored ones, so a name that is not qualified means this one; in a version
/// that has not got it yet, it can be a stored function of the database in use, or a loadable one.
pub(crate) fn class(name: &str, engine: Engine) -> Option<FunctionClass> {
    match engine {
        Engine::Mysql => MYSQL.get(name).copied(),
        Engine::Mariadb => MARIADB.get(name).copied(),
        Engine::Postgres => None,
    }
}

/// Every name on the allow-list of a server, in no particular order.
#[cfg(test)]
fn names(engine: Engine) -> impl Iterator<Item = &'static str> {
    let classes: Option<&HashMap<&'static str, FunctionClass>> = match engine {
        Engine::Mysql => Some(&MYSQL),
        Engine::Mariadb => Some(&MARIADB),
        Engine::Postgres => None,
    };
    classes.into_iter().flat_map(|classes| classes.keys().copied())
}

fn listed(engine: Engine) -> HashMap<&'static str, FunctionClass> {
    builtin::lines(FUNCTIONS_TEXT)
        .filter_map(line)
        .filter(|(server, _, _)| server.is_none_or(|server| server == engine))
        .flat_map(|(_, class, names)| names.map(move |name| (name, class)))
        .collect()
}

/// Reads `server class name name …`; no server stands for both. A line that does not read is left out, so its
/// names are unknown; a test sees to it that there is none.
fn line(
    line: &'static str,
) -> Option<(Option<Engine>, FunctionClass, impl Iterator<Item = &'static str>)> {
    let (server, rest) = line.split_once(' ')?;
    let (class, names) = rest.split_once(' ')?;
    let server = match server {
        "both" => None,
        "mariadb" => Some(Engine::Mariadb),
        "mysql" => Some(Engine::Mysql),
        _ => return None,
    };
    Some((server, builtin::class_named(class)?, names.split(' ')))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jurat_types::{Engine, FunctionClass};

    use super::{FUNCTIONS_TEXT, class, line, names};
    use crate::builtin::lines;

    #[test]
    fn every_line_reads_and_no_function_is_listed_twice() {
        let mut seen = HashSet::new();
        for text in lines(FUNCTIONS_TEXT) {
            let (server, _, names) = line(text).unwrap_or_else(|| panic!("not read: {text}"));
            let servers = [Engine::Mysql, Engine::Mariadb]
                .into_iter()
                .filter(|engine| server.is_none_or(|server| server == *engine));
            let servers: Vec<Engine> = servers.collect();
            for name in names {
                let plain = name.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte)
                });
                assert!(plain && !name.is_empty(), "{name:?} in: {text}");
                for server in &servers {
                    assert!(seen.insert((format!("{server:?}"), name)), "{name} is listed twice");
                }
            }
        }
        assert_eq!(seen.len(), names(Engine::Mysql).count() + names(Engine::Mariadb).count(),);
        assert_eq!(names(Engine::Postgres).count(), 0);
    }

    #[test]
    fn functions_have_the_class_of_the_worst_they_can_do() {
        use FunctionClass::{Admin, Catalog, File, Pure, Settings, Volatile};
        for (name, mysql, mariadb) in [
            ("lower", Some(Pure), Some(Pure)),
            ("group_concat", Some(Pure), Some(Pure)),
            ("extractvalue", Some(Pure), Some(Pure)),
            ("json_table", Some(Pure), Some(Pure)),
            ("st_geohash", Some(Pure), None),
            ("nvl2", None, Some(Pure)),
            ("column_get", None, Some(Pure)),
            ("now", Some(Volatile), Some(Volatile)),
            ("uuid", Some(Volatile), Some(Volatile)),
            ("rand", Some(Volatile), Some(Volatile)),
            ("last_insert_id", Some(Volatile), Some(Volatile)),
            ("nextval", None, Some(Volatile)),
            ("setval", None, Some(Admin)),
            ("load_file", Some(File), Some(File)),
            ("sleep", Some(Admin), Some(Admin)),
            ("benchmark", Some(Admin), Some(Admin)),
            ("get_lock", Some(Admin), Some(Admin)),
            ("master_pos_wait", Some(Admin), Some(Admin)),
            ("version", Some(Catalog), Some(Catalog)),
            ("sys.format_bytes", Some(Pure), Some(Pure)),
            ("sys.sys_get_config", Some(Settings), Some(Settings)),
            ("sys.ps_thread_stack", Some(Admin), Some(Admin)),
            // What the server keeps for its own views, what is loaded into it, and what is no function.
            ("internal_table_rows", None, None),
            ("sys_exec", None, None),
            ("sys.execute_prepared_stmt", None, None),
            ("Lower", None, None),
            ("", None, None),
        ] {
            assert_eq!(class(name, Engine::Mysql), mysql, "{name}");
            assert_eq!(class(name, Engine::Mariadb), mariadb, "{name}");
            assert_eq!(class(name, Engine::Postgres), None, "{name}");
        }
    }
}
