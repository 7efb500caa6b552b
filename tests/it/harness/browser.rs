//! A real browser without a screen: Chromium, driven by its DevTools protocol over a pair of pipes.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{tiers, until};

/// A browser with one page.
#[derive(Debug)]
pub(crate) struct Browser {
    child: Child,
    write: ChildStdin,
    read: BufReader<ChildStdout>,
    /// The page, as the protocol calls it.
    page: String,
    next: u64,
    /// What the page has complained of: violations of its policy, errors of scripts.
    pub(crate) complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Nothing where there is no Chromium.
    pub(crate) fn start() -> Option<Self> {
        let Some(chromium) = env::var_os("JURAT_TEST_CHROMIUM") else {
            tiers::missing("chromium", "run scripts/test, which brings Chromium");
            return None;
        };
        let version = Command::new(&chromium).arg("--version").output().unwrap();
        tiers::met("chromium", &String::from_utf8_lossy(&version.stdout));
        let profile = tempfile::tempdir().unwrap();
        // It reads commands from its descriptor 3 and answers on 4.
        let script = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null";
        let mut child = Command::new("/bin/sh")
            .args(["-c", script])
            .arg(&chromium)
            .args(["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"])
            .args(["--no-first-run", "--disable-dev-shm-usage", "--disable-background-networking"])
            .args(["--window-size=1280,900", "--hide-scrollbars", "--force-color-profile=srgb"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let write = child.stdin.take().unwrap();
        let read = BufReader::new(child.stdout.take().unwrap());
        let page = String::new();
        let complaints = Vec::new();
        let mut browser = Self { child, write, read, page, next: 0, complaints, _profile: profile };
        let target = browser.ask("Target.createTarget", &json!({"url": "about:blank"}));
        let id = target["targetId"].as_str().unwrap().to_owned();
        let attached =
            browser.ask("Target.attachToTarget", &json!({"targetId": id, "flatten": true}));
        browser.page = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.ask(domain, &json!({}));
        }
        Some(browser)
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.page.is_empty() {
            message["sessionId"] = json!(self.page);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.write.write_all(&bytes).unwrap();
        self.write.flush().unwrap();
        loop {
            let mut bytes = Vec::new();
            self.read.read_until(0, &mut bytes).unwrap();
            assert!(bytes.pop().is_some(), "the browser has ended");
            let message: Value = serde_json::from_slice(&bytes).unwrap();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
            self.note(&message);
        }
    }

    fn note(&mut self, event: &Value) {
        let entry = &event["params"]["entry"];
        if event["method"] == "Log.entryAdded" && entry["level"] == "error" {
            self.complaints.push(entry["text"].to_string());
        }
        if event["method"] == "Runtime.exceptionThrown" {
            self.complaints.push(event["params"]["exceptionDetails"].to_string());
        }
    }

    /// Pages run no script of their own from now on.
    pub(crate) fn without_scripts(&mut self) {
        self.ask("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
    }

    /// What an expression is in the page.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        self.ask("Runtime.evaluate", &parameters)["result"]["value"].clone()
    }

    pub(crate) fn open(&mut self, url: &str) {
        self.ask("Page.navigate", &json!({"url": url}));
        self.wait("document.readyState === 'complete'");
    }

    /// Waits until an expression is true. While a page gives way to the next one there is nothing to ask.
    pub(crate) fn wait(&mut self, expression: &str) {
        until(expression, || (self.eval(expression) == true).then_some(()));
    }

    /// Whether the page shows a text.
    pub(crate) fn shows(&mut self, text: &str) -> bool {
        self.eval(&format!("document.body.innerText.includes({})", json!(text))) == true
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        self.wait(&format!("document.body && document.body.innerText.includes({})", json!(text)));
    }

    /// Fills in a field and presses a button of its page, as a person would.
    pub(crate) fn fill(&mut self, selector: &str, text: &str) {
        self.eval(&format!("document.querySelector({}).focus()", json!(selector)));
        self.ask("Input.insertText", &json!({"text": text}));
    }

    pub(crate) fn click(&mut self, selector: &str) {
        let found = self.eval(&format!(
            "(() => {{ const one = document.querySelector({}); one?.click(); return !!one }})()",
            json!(selector)
        ));
        assert_eq!(found, true, "there is no {selector}: {}", self.eval("document.body.innerHTML"));
    }

    /// Light or dark, and how wide.
    pub(crate) fn look(&mut self, scheme: &str, width: u32) {
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", &media);
        let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Puts a picture of the page into the directory that `JURAT_TEST_PICTURES` names, where it names one.
    pub(crate) fn picture(&mut self, name: &str) {
        use base64::Engine as _;
        let Some(dir) = env::var_os("JURAT_TEST_PICTURES") else { return };
        let data = self.ask("Page.captureScreenshot", &json!({"format": "png"}));
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(data["data"].as_str().unwrap())
            .unwrap();
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(Path::new(&dir).join(format!("{name}.png")), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
