//! Promise: what the functions of a server can do is known for every one that a client can call.

use std::collections::BTreeSet;

use crate::harness::{
    MyShop,
    mariadb::{Kind, Server},
};

/// The allow-list.
const CLASSES: &str = include_str!("../../../../crates/jurat-sql/data/mysql_functions.txt");

/// What the server lists and no client calls: another spelling in SHOW.
const NO_FUNCTIONS: [&str; 1] = ["schemas"];

#[test]
fn every_function_of_the_server_has_a_class() {
    let Some(server) = Server::start() else { return };
    if server.kind() == Kind::Mysql {
        // It has no such list, and refuses what it does not know by itself.
        return;
    }
    let listed: BTreeSet<&str> = CLASSES
        .lines()
        .filter(|line| line.starts_with("both ") || line.starts_with("mariadb "))
        .flat_map(|line| line.split(' ').skip(2))
        .collect();
    let rows =
        server.admin().rows("SELECT LOWER(`FUNCTION`) FROM information_schema.SQL_FUNCTIONS");
    assert!(rows.len() > 200, "{}", rows.len());
    let missing: Vec<&String> = rows
        .iter()
        .flatten()
        .filter(|name| !listed.contains(name.as_str()) && !NO_FUNCTIONS.contains(&name.as_str()))
        .collect();
    assert!(missing.is_empty(), "without a class in mysql_functions.txt: {missing:?}");
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
