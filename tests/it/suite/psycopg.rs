//! Promise: psycopg 3, with libpq below it, works through Jurat. The checks are in
//! `drivers/psycopg/test_psycopg.py`, written as a user of the driver would write them.

use std::{env, path::Path, process::Command};

use crate::harness::{Shop, canary, jurat::PASSWORD, tap::Tap, tiers};

#[tokio::test]
async fn psycopg_works() {
    let Some(python) = env::var_os("JURAT_TEST_PYTHON") else {
        tiers::missing("psycopg", "run scripts/ensure-python and set JURAT_TEST_PYTHON");
        return;
    };
    let Some(shop) = Shop::usual().await else { return };
    let tap = Tap::new(shop.jurat.port).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("drivers/psycopg/test_psycopg.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .env(
            "JURAT_DSN",
            format!("host=127.0.0.1 port={} dbname=shop password='{PASSWORD}'", tap.port),
        )
        .env("JURAT_CERTIFICATE", shop.jurat.home.path("tls.crt"));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    let version = said.lines().find_map(|line| line.strip_prefix("psycopg ")).expect("its version");
    tiers::met("psycopg", version);
    assert_eq!(canary::find(&tap.received()), None);
    shop.close().await;
}
