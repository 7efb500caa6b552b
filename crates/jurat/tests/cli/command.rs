//! Runs the built binary, for the tests of this crate.

use std::{
    fmt,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// What a run of the binary left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\n{}{}", self.code, self.stdout, self.stderr)
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// The binary, deaf to the environment of whoever runs the tests.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jurat"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("JURAT_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

pub(crate) fn jurat(arguments: &[&str]) -> Run {
    jurat_in(Path::new("."), arguments)
}

/// With a directory in front of the PATH.
pub(crate) fn jurat_on_path(bin: Option<&Path>, arguments: &[&str]) -> Run {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = bin.map(Path::to_path_buf).into_iter().chain(std::env::split_paths(&path));
    let path = std::env::join_paths(dirs).unwrap();
    command().env("PATH", path).args(arguments).output().unwrap().into()
}

pub(crate) fn jurat_in(dir: &Path, arguments: &[&str]) -> Run {
    command().current_dir(dir).args(arguments).output().unwrap().into()
}

pub(crate) fn jurat_with_input(arguments: &[&str], input: &str) -> Run {
    let mut child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A `jurat run` that is ended whatever happens.
pub(crate) struct Server {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Server {
    pub(crate) fn start(dir: &Path) -> Self {
        let mut child =
            command().current_dir(dir).arg("run").stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Reads the log until a line has `word`.
    pub(crate) fn wait_for(&mut self, word: &str) {
        let mut seen = String::new();
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            let count = self.log.read_line(&mut line).unwrap();
            assert!(count > 0, "it ended without `{word}`:\n{seen}");
            seen.push_str(&line);
        }
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Asks for an orderly end and gives the exit code.
    pub(crate) fn end(&mut self) -> Option<i32> {
        self.signal("TERM");
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless a test failed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
