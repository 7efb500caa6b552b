//! What the programs share: where to connect, and how cases are told.

use std::{env, path::PathBuf, time::Duration};

/// Refused in every environment, and harmless to the other cases where it runs.
pub(crate) const DENIED: &str = "DELETE FROM payments";

/// How long anything may take before it is called hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where to connect.
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
    pub(crate) certificate: PathBuf,
    pub(crate) foreign_certificate: PathBuf,
    pub(crate) encrypted: bool,
}

impl Place {
    pub(crate) fn told() -> Self {
        let told = |name: &str| env::var(format!("MATRIX_{name}")).unwrap();
        Self {
            host: told("HOST"),
            port: told("PORT").parse().unwrap(),
            user: told("USER"),
            password: told("PASSWORD"),
            database: told("DATABASE"),
            certificate: told("CA").into(),
            foreign_certificate: told("FOREIGN_CA").into(),
            encrypted: told("TLS") == "verify",
        }
    }

    pub(crate) async fn case(&self, name: &str, run: impl AsyncFn(&Self) -> &'static str) {
        eprintln!("running {name}");
        println!("{} {name}", in_time(name, run(self)).await);
    }
}

/// The version of a crate in the lock file.
pub(crate) fn version(name: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let (_, package) = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).unwrap();
    package.split('"').next().unwrap()
}

pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} hangs"))
}

/// What is told about the address of the customer 7.
pub(crate) fn mask_word(email: &str) -> &'static str {
    if email == "canary7@leak.example" {
        return "open";
    }
    assert!(email.ends_with("@leak.example") && !email.contains("canary"), "{email}");
    "ok"
}
