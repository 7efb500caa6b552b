//! MariaDB or MySQL: where they differ as programs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::harness::cluster::{Owner, PASSWORD, UPSTREAM};

/// Which server the tests over MySQL's protocol run on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Mariadb,
    Mysql,
}

/// What both are started with, besides the places of their files. Small, and careless about a power cut.
const BOTH: &[&str] = &[
    "--innodb-buffer-pool-size=16M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--key-buffer-size=1M",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--local-infile=1",
];

const MARIADB: &[&str] = &[
    "--performance-schema=0",
    "--innodb-log-file-size=8M",
    "--innodb-data-file-path=ibdata1:10M:autoextend",
    "--innodb-temp-data-file-path=ibtmp1:1M:autoextend",
    "--innodb-undo-tablespaces=0",
    "--aria-pagecache-buffer-size=8M",
];

const MYSQL: &[&str] = &[
    "--innodb-redo-log-capacity=8M",
    "--table-open-cache=200",
    "--skip-log-bin",
    "--mysqlx=0",
    // Files may be anywhere, as they may with MariaDB.
    "--secure-file-priv=",
];

impl Kind {
    /// MySQL where the variable says where it is, which is what `scripts/ensure-mysql` prints.
    pub(crate) fn of_this_run() -> Self {
        if mysql_bin().is_some() { Self::Mysql } else { Self::Mariadb }
    }

    /// Its name in the configuration and in the table of tiers.
    pub(crate) const fn tier(self) -> &'static str {
        match self {
            Self::Mariadb => "mariadb",
            Self::Mysql => "mysql",
        }
    }

    pub(super) fn settings(self) -> impl Iterator<Item = &'static str> {
        let own = match self {
            Self::Mariadb => MARIADB,
            Self::Mysql => MYSQL,
        };
        BOTH.iter().chain(own).copied()
    }

    /// The databases, and the users of Jurat and of the tests, one statement a line.
    pub(super) fn users(self) -> String {
        let databases = "CREATE DATABASE shop CHARACTER SET utf8mb4;\n\
             CREATE DATABASE archive CHARACTER SET utf8mb4;\n";
        let user = |name: &str, password: &str| {
            format!(
                "CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{password}';\n\
                 GRANT ALL ON *.* TO {name}@'127.0.0.1' WITH GRANT OPTION;\n"
            )
        };
        let jurat = user(UPSTREAM, PASSWORD);
        match self {
            Self::Mariadb => format!("FLUSH PRIVILEGES;\n{databases}{jurat}"),
            Self::Mysql => format!("{databases}{jurat}{}", user(super::ADMIN, "")),
        }
    }

    /// Further arguments of the first start, in which MySQL makes the users.
    pub(super) fn first_start(self, first: bool, base: &Path) -> Option<String> {
        (first && self == Self::Mysql)
            .then(|| format!("--init-file={}", base.join("users.sql").display()))
    }
}

fn mysql_bin() -> Option<PathBuf> {
    let said = env::var_os("JURAT_TEST_MYSQL_BIN").filter(|said| !said.is_empty())?;
    let dir = PathBuf::from(said);
    assert!(dir.join("mysqld").exists(), "JURAT_TEST_MYSQL_BIN holds no mysqld");
    Some(dir)
}

/// The program that is the server.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
}

impl Program {
    /// The program where the server's user may run it: where it is, or copied. A cache folder below the home of
    /// root is closed to everybody else.
    pub(super) fn reachable(kind: Kind, mariadb: &Path, base: &Path, owner: Option<Owner>) -> Self {
        let (found, name) = match kind {
            Kind::Mariadb => (mariadb.to_path_buf(), "mariadbd"),
            Kind::Mysql => (mysql_bin().unwrap(), "mysqld"),
        };
        let mut command = Command::new(found.join(name));
        command.arg("--version").current_dir(base).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some((uid, gid)) = owner {
            std::os::unix::process::CommandExt::uid(&mut command, uid);
            std::os::unix::process::CommandExt::gid(&mut command, gid);
        }
        if command.status().is_ok_and(|status| status.success()) {
            return Self { path: found.join(name) };
        }
        let copy = base.join("server");
        let copied = Command::new("cp").arg("-R").arg(found.parent().unwrap()).arg(&copy).status();
        assert!(copied.unwrap().success(), "{} cannot be copied", found.display());
        Self { path: copy.join("bin").join(name) }
    }

    /// The folder of MariaDB's own files.
    pub(super) fn share(&self) -> PathBuf {
        self.path.parent().unwrap().join("share")
    }

    /// The scripts that make MariaDB's system tables.
    pub(super) fn system_tables(&self) -> String {
        let mut script = String::from("CREATE DATABASE mysql;\nUSE mysql;\n");
        for part in [
            "mysql_system_tables.sql",
            "mysql_performance_tables.sql",
            "mysql_system_tables_data.sql",
            "maria_add_gis_sp_bootstrap.sql",
        ] {
            script += &fs::read_to_string(self.share().join(part)).unwrap();
        }
        script
    }
}
