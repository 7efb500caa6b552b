//! Promise: `psql` works through Jurat: its backslash commands, masks, refusals, and Ctrl-C.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::harness::{Shop, canary, cluster::cluster, jurat::PASSWORD, tiers, until};

/// The program: beside the server's, else on the PATH.
pub(super) fn program() -> Option<PathBuf> {
    let beside = cluster()?.bin.join("psql");
    let found = if beside.is_file() { Some(beside) } else { Some(PathBuf::from("psql")) };
    let version = found.as_ref().and_then(|psql| Command::new(psql).arg("--version").output().ok());
    let Some(version) = version else {
        tiers::missing("psql", "install the package postgresql-client");
        return None;
    };
    tiers::met("psql", &String::from_utf8_lossy(&version.stdout).replace("psql (PostgreSQL) ", ""));
    found
}

fn psql(shop: &Shop, program: &PathBuf) -> Command {
    let mut command = Command::new(program);
    command
        .args(["-X", "-A", "-v", "VERBOSITY=default", "-d"])
        .arg(format!(
            "host=127.0.0.1 port={} user=ana dbname=shop sslmode=require",
            shop.jurat.port
        ))
        .env("PGPASSWORD", PASSWORD)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// The major version of the program.
fn version(program: &PathBuf) -> u32 {
    let said = Command::new(program).arg("--version").output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let number = said.trim_start_matches("psql (PostgreSQL) ");
    number.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// Feeds lines to one psql and returns what it prints, results and errors together.
fn run(shop: &Shop, program: &PathBuf, lines: &str) -> String {
    let mut child = psql(shop, program).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert_eq!(canary::find(&text), None);
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn backslash_commands_answer() {
    let Some(program) = program() else { return };
    let Some(shop) = Shop::usual().await else { return };
    let mut failed = Vec::new();
    for (command, words) in [
        (r"\d", &["customers", "orders", "contact", "notes_id_seq"][..]),
        (r"\dt", &["customers", "payments"]),
        (r"\dt *.*", &["archive", "pg_class"]),
        (r"\d customers", &["email", "ssn", "customers_pkey"]),
        (r"\d+ orders", &["customer_id", "numeric(10,2)", "ON DELETE CASCADE"]),
        (r"\d contact", &["reach_at"]),
        (r"\d notes_id_seq", &["integer"]),
        (r"\d orders_pkey", &["btree"]),
        (r"\l", &["fixture", "template1"]),
        (r"\dn", &["archive", "public"]),
        (r"\df", &["first_email", "wipe_notes"]),
        (r"\df+ first_email", &["first_email"]),
        (r"\du", &["app", "postgres"]),
        (r"\dv", &["contact", "open_orders"]),
        (r"\di", &["orders_pkey"]),
        (r"\dp", &["customers"]),
        (r"\ds", &["notes_id_seq"]),
        (r"\dT", &["List of data types"]),
        (r"\dx", &["plpgsql"]),
        (r"\db", &["pg_default"]),
        (r"\sv contact", &["SELECT"]),
        (r"\sf first_email", &["first_email"]),
        (r"\conninfo", &["shop"]),
    ] {
        let said = run(&shop, &program, &format!("{command}\n"));
        let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
        if said.contains("ERROR") || !missing.is_empty() {
            let error = said.lines().find(|line| line.contains("ERROR")).unwrap_or("no error");
            failed.push(format!("{command}: {missing:?} missing, {error}"));
        }
    }
    shop.close().await;
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What psql has learned since version 15.
#[tokio::test]
async fn commands_of_newer_versions_answer() {
    let Some(program) = program() else { return };
    let version = version(&program);
    let Some(shop) = Shop::usual().await else { return };
    for (since, lines, words) in [
        (15, r"\dconfig client_encoding", &["UTF8"][..]),
        (16, r"\drg", &["List of role grants"]),
        (16, r"SELECT $1 || $2 \bind 'with ' 'values' \g", &["with values"]),
        (
            18,
            "SELECT 'kept ' || $1 \\parse s\n\\bind_named s 'name' \\g\n\\close_prepared s\nSELECT 'closed';",
            &["kept name", "closed"],
        ),
        (
            18,
            "\\startpipeline\nSELECT 'one' \\bind \\sendpipeline\nSELECT email FROM customers WHERE id = $1 \\bind 7 \\sendpipeline\n\\flushrequest\n\\getresults\n\\syncpipeline\nSELECT 'two' \\bind \\sendpipeline\n\\endpipeline",
            &["one", "@leak.example", "two"],
        ),
        // A refusal in a pipeline ends it up to its synchronization point, and psql goes on.
        (
            18,
            "\\startpipeline\nDROP TABLE orders \\bind \\sendpipeline\nSELECT 'skipped' \\bind \\sendpipeline\n\\syncpipeline\nSELECT 'after' \\bind \\sendpipeline\n\\endpipeline",
            &["jurat denied DROP TABLE", "after"],
        ),
        (
            18,
            r"\conninfo",
            &["Protocol Version", "SSL Connection|true", "ALPN|postgresql", "Superuser"],
        ),
        (18, r"\dtx", &["customers"]),
        (18, r"\dAo+ btree integer_ops", &["Leakproof"]),
    ] {
        if since > version {
            continue;
        }
        let said = run(&shop, &program, &format!("{lines}\n"));
        for word in words {
            assert!(said.contains(word), "`{word}` is missing after {lines}: {said}");
        }
        assert!(!said.contains("skipped"), "{said}");
    }
    shop.close().await;
}

/// TLS from the first byte (libpq 17) and newer versions of the protocol (libpq 18).
#[tokio::test]
async fn ways_to_connect_of_newer_versions_work() {
    let Some(program) = program() else { return };
    let version = version(&program);
    let Some(shop) = Shop::usual().await else { return };
    let place = format!("host=127.0.0.1 port={} user=ana dbname=shop", shop.jurat.port);
    let connect = |more: &str| {
        let mut command = Command::new(&program);
        command.args(["-X", "-At", "-c", "SELECT 'connected'", "-d"]);
        command.arg(format!("{place} {more}")).env("PGPASSWORD", PASSWORD).env("LC_ALL", "C");
        let output = command.output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    let certificate = shop.jurat.home.path("tls.crt");
    let verified = format!("sslmode=verify-full sslrootcert={}", certificate.display());
    for (since, more) in [
        (15, "sslmode=disable"),
        (15, &verified),
        (15, "sslmode=require channel_binding=disable gssencmode=prefer"),
        (16, "sslmode=require require_auth=scram-sha-256"),
        (17, "sslmode=require sslnegotiation=direct"),
        (17, &format!("{verified} sslnegotiation=direct")),
        (18, "sslmode=require max_protocol_version=3.0"),
        (18, "sslmode=require max_protocol_version=3.2"),
        (18, "sslmode=require max_protocol_version=latest"),
        (18, "sslmode=require min_protocol_version=3.2 max_protocol_version=latest"),
        (
            18,
            "sslmode=require sslnegotiation=direct min_protocol_version=3.2 max_protocol_version=3.2",
        ),
    ] {
        if since <= version {
            assert_eq!(connect(more), "connected\n", "{more}");
        }
    }
    shop.close().await;
}

#[tokio::test]
async fn masks_and_refusals_look_as_they_should_and_the_session_goes_on() {
    let Some(program) = program() else { return };
    let Some(shop) = Shop::usual().await else { return };
    let said = run(
        &shop,
        &program,
        "SELECT id, email, card FROM customers WHERE id = 7;\n\
         DROP TABLE customers;\n\
         SELECT 'after the first';\n\
         DELETE FROM orders;\n\
         SELECT 'after the second';\n\
         BEGIN;\nDROP TABLE customers;\nSELECT 'in between';\nROLLBACK;\n\
         SELECT 'after the third';\n\
         \\echo done\n",
    );
    assert!(said.contains("@leak.example"), "{said}");
    for words in ["after the first", "after the second", "after the third", "done"] {
        assert!(said.contains(words), "{words} is missing: {said}");
    }
    assert!(!said.contains("in between"), "{said}");
    for words in [
        "ERROR:  jurat denied DROP TABLE on public.customers: ",
        "ERROR:  jurat denied DELETE on public.orders",
        "guardrails.ddl_in_production",
        "guardrails.write_without_where",
        "DETAIL:  {\"decision\":\"deny\"",
        "HINT:  ",
        "current transaction is aborted",
    ] {
        assert!(said.contains(words), "{words} is missing: {said}");
    }
    shop.close().await;
}

#[tokio::test]
async fn interrupting_psql_cancels_what_runs() {
    let Some(program) = program() else { return };
    let Some(shop) = Shop::usual().await else { return };
    let slow = "SELECT count(*) FROM numbers a, numbers b, numbers c";
    let mut command = psql(&shop, &program);
    // Where libpq knows it, with the longer keys of protocol 3.2.
    command.env("PGMAXPROTOCOLVERSION", "latest");
    let child = command.args(["-c", slow]).spawn().unwrap();
    until("the decision", || {
        shop.records().texts().iter().any(|text| text.contains("numbers")).then_some(())
    });
    let inspector = shop.inspector().await;
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND state = 'active' AND query LIKE '%numbers%'";
    let busy = async || {
        let row = inspector.query_one(running, &[&shop.database]).await.unwrap();
        row.get::<_, i64>(0) > 1
    };
    while !busy().await {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let interrupted =
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("canceling statement due to user request"), "{said}");
    let records = shop.close().await;
    assert_eq!(records.outcome(&records.decision_on("numbers")).unwrap()["sqlstate"], "57014");
}
