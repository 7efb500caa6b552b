//! Promise: what the functions of a server can do is known for every one that a client can call.

use std::collections::BTreeSet;

use crate::harness::{
    MyShop, MyWire,
    cluster::{PASSWORD, UPSTREAM},
    mariadb::{Kind, Server},
};

/// The allow-list.
const CLASSES: &str = include_str!("../../../../crates/jurat-sql/data/mysql_functions.txt");

/// What the server lists and no client calls: another spelling in SHOW.
const NO_FUNCTIONS: [&str; 1] = ["schemas"];

/// How names of MySQL's begin that only its own views may call (ER_NO_ACCESS_TO_NATIVE_FCT).
const INTERNAL: [&str; 8] = [
    "can_access_",
    "convert_cpu_",
    "convert_interval_",
    "get_dd_",
    "get_jdv_",
    "internal_",
    "is_visible_dd_",
    "remove_dd_",
];

#[test]
fn every_function_of_the_server_has_a_class() {
    let Some(server) = Server::start() else { return };
    let own = format!("{} ", server.kind().tier());
    let listed: BTreeSet<&str> = CLASSES
        .lines()
        .filter(|line| line.starts_with("both ") || line.starts_with(&own))
        .flat_map(|line| line.split(' ').skip(2))
        .collect();
    let names: Vec<String> = match server.kind() {
        Kind::Mariadb => {
            let query = "SELECT LOWER(`FUNCTION`) FROM information_schema.SQL_FUNCTIONS";
            server.admin().rows(query).concat()
        }
        Kind::Mysql => known_to(&server),
    };
    assert!(names.len() > 200, "{}", names.len());
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !listed.contains(name.as_str()) && !NO_FUNCTIONS.contains(&name.as_str()))
        .filter(|name| !INTERNAL.iter().any(|begin| name.starts_with(begin)))
        .collect();
    assert!(missing.is_empty(), "without a class in mysql_functions.txt: {missing:?}");
}

/// The functions of a MySQL, which lists them nowhere: every word of the program is called without arguments, and a
/// function of the server's answers otherwise than a name that there is not.
fn known_to(server: &Server) -> Vec<String> {
    // A script starts the one of another distribution, in whose folder the program itself is.
    let begun = server.program();
    let behind = begun.parent().unwrap().join("../root/usr/sbin/mysqld");
    let program = std::fs::read(if behind.exists() { &behind } else { begun }).unwrap();
    let part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let words: BTreeSet<&[u8]> = program
        .split(|byte| !part(byte))
        .filter(|word| (2..=40).contains(&word.len()) && word[0].is_ascii_uppercase())
        .collect();
    let mut session = MyWire::log_in(server.port, UPSTREAM, PASSWORD, Some("shop")).unwrap();
    let mut known = |name: &str| match session.query(&format!("SELECT {name}()")) {
        Ok(_) => true,
        // There is no such function; it is a word of the grammar; it is loadable, and not loaded.
        Err(error) => ![1305, 1064, 1630].contains(&error.code),
    };
    let names = words.into_iter().map(|word| String::from_utf8_lossy(word).to_lowercase());
    names.filter(|name| known(name)).collect()
}

#[test]
fn what_holds_the_server_up_or_reads_its_files_is_denied() {
    let Some(shop) = MyShop::usual() else { return };
    let cli = shop.cli("ana");
    for call in [
        "SLEEP(0)",
        "BENCHMARK(1, 1)",
        "GET_LOCK('x', 0)",
        "MASTER_POS_WAIT('x', 4, 0)",
        "LOAD_FILE('/etc/hostname')",
        "sys_exec('id')",
    ] {
        let error = cli.error(&format!("SELECT {call}"));
        assert!(error.contains("jurat denied"), "{call}: {error}");
    }
    assert_eq!(
        cli.rows("SELECT LOWER('A'), NOW() > '2000-01-01', IFNULL(NULL, 2)")[0],
        ["a", "1", "2"]
    );
    for relation in [
        "mysql.user",
        "mysql.global_priv",
        "mysql.column_stats",
        "mysql.general_log",
        "mysql.innodb_index_stats",
        "information_schema.user_variables",
        "information_schema.optimizer_trace",
    ] {
        let error = cli.error(&format!("SELECT * FROM {relation}"));
        assert!(error.contains("jurat denied"), "{relation}: {error}");
    }
    // Everybody's statements run under one account.
    let texts = cli.rows("SELECT INFO FROM information_schema.processlist");
    assert!(texts.iter().flatten().all(|text| text == "NULL"), "{texts:?}");
    shop.close();
}
