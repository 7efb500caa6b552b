//! Where a throw-away server of the demo lives, and as whom its programs run: never as root.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::exit::Failure;

/// How much of a server's log is shown when it does not start.
const LOG_LINES_SHOWN: usize = 10;

/// A directory below the demo's, and the account that it belongs to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) home: PathBuf,
    /// `None` where we are not root and run the programs as ourselves.
    account: Option<Account>,
}

/// An account of the operating system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Account {
    uid: u32,
    gid: u32,
}

impl Place {
    /// Makes the directory and gives it to the account that the server will run as.
    ///
    /// # Errors
    /// Where it cannot be made, or nobody is there to run the server.
    pub(super) fn prepare(base: &Path, name: &str) -> Result<Self, Failure> {
        let home = base.join(name);
        let wrong = |error: std::io::Error| {
            Failure::other(format!("{} cannot be prepared: {error}", home.display()))
        };
        fs::create_dir(&home).map_err(wrong)?;
        // What we make belongs to us, so its owner tells whether we are root.
        let root = fs::metadata(&home).map_err(wrong)?.uid() == 0;
        let account = if root {
            // The account has to get through, and must see nothing else there.
            fs::set_permissions(base, fs::Permissions::from_mode(0o711)).map_err(wrong)?;
            Some(unprivileged_account()?)
        } else {
            None
        };
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).map_err(wrong)?;
        let place = Self { home, account };
        place.give(&place.home)?;
        Ok(place)
    }

    /// Gives a file to the account.
    ///
    /// # Errors
    /// Where that is not allowed.
    pub(super) fn give(&self, path: &Path) -> Result<(), Failure> {
        let Some(Account { uid, gid }) = self.account else { return Ok(()) };
        chown(path, Some(uid), Some(gid))
            .map_err(|error| Failure::other(format!("{} stays root's: {error}", path.display())))
    }

    /// A program, as the account, in a process group of its own so that a Ctrl-C reaches Jurat first.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.home).env("LC_ALL", "C").stdin(Stdio::null()).process_group(0);
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// Starts a server that writes to the log.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub(super) fn spawn(&self, mut server: Command) -> Result<Child, Failure> {
        let no_log = |error| Failure::other(format!("no log for the server: {error}"));
        let log = fs::File::create(self.log()).map_err(no_log)?;
        let errors = log.try_clone().map_err(no_log)?;
        server.stdout(log).stderr(errors).spawn().map_err(|error| {
            let program = server.get_program().display();
            Failure::other(format!("{program} cannot be run: {error}"))
        })
    }

    fn log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    /// The last lines of the log.
    pub(super) fn end_of_log(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let skipped = lines.len().saturating_sub(LOG_LINES_SHOWN);
        lines.into_iter().skip(skipped).collect::<Vec<_>>().join("\n")
    }
}

/// A port that nobody listens on at this moment.
pub(super) fn free_port() -> Result<u16, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| Failure::other(format!("no port is free: {error}")))
}

/// A password that nobody has to remember: 128 random bits.
pub(super) fn random_password() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_unspecified| Failure::other("the system gave no random bytes"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whom a server runs as where we are root: PostgreSQL and MariaDB refuse to run as root, and they are right.
fn unprivileged_account() -> Result<Account, Failure> {
    let accounts = fs::read_to_string("/etc/passwd")
        .map_err(|error| Failure::other(format!("/etc/passwd cannot be read: {error}")))?;
    find_account(&accounts).ok_or_else(|| {
        Failure::other("a database must not run as root, and no other account was found")
    })
}

/// `postgres`, `mysql`, or else `nobody`, in a text of the form of `/etc/passwd`.
fn find_account(accounts: &str) -> Option<Account> {
    ["postgres", "mysql", "nobody"].into_iter().find_map(|wanted| {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (name == wanted && uid != 0).then_some(Account { uid, gid })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{Account, find_account};

    #[test]
    fn the_server_gets_an_account_without_rights() {
        let nobody = "root:x:0:0::/:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n";
        assert_eq!(find_account(nobody), Some(Account { uid: 65534, gid: 65533 }));
        let both = format!("{nobody}postgres:x:101:102::/:/bin/sh");
        assert_eq!(find_account(&both), Some(Account { uid: 101, gid: 102 }));
        assert_eq!(find_account("root:x:0:0::/:/bin/sh\npostgres:x:0:0::/:/bin/sh"), None);
        assert_eq!(find_account("garbage\npostgres:x:"), None);
    }
}
