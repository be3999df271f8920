//! A headless Chromium, driven by WebDriver as a person would use it.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use reqwest::blocking::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tools::skip;

/// Debian's names of both, from the packages `chromium` and `chromium-driver`.
const BROWSER: &str = "chromium";
const DRIVER: &str = "chromedriver";
/// How long the browser looks for what is not on its page yet.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often the driver is started until it finds a port.
const ATTEMPTS: usize = 20;

/// A browser with a profile of its own; ended when dropped.
pub(crate) struct Chromium {
    session: String,
    http: Client,
    _driver: Driver,
}

/// What a page shows on the browser's console, of any severity.
#[derive(Debug)]
pub(crate) struct Said {
    /// Where it comes from: `network` of what did not load, `security` of what was not allowed to run, ...
    pub(crate) source: String,
    pub(crate) text: String,
}

impl Chromium {
    /// Starts one; where there is none, the test is skipped.
    pub(crate) fn start(test: &str) -> Option<Self> {
        let runs = |program: &str| {
            let version = Command::new(program).arg("--version").output();
            version.is_ok_and(|output| output.status.success())
        };
        if let Some(missing) = [BROWSER, DRIVER].into_iter().find(|it| !runs(it)) {
            skip(
                test,
                &format!("no {missing}, of Debian's packages `chromium` and `chromium-driver`"),
            );
            return None;
        }
        let driver = Driver::start();
        // A browser may take its time on a busy machine; loopback never goes through a proxy.
        let http = Client::builder()
            .no_proxy()
            .timeout(2 * PATIENCE)
            .build()
            .unwrap();
        let arguments = [
            "--headless".to_owned(),
            // It shows only the pages of the tests, and its sandbox starts neither as root nor in most containers.
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            // Whatever else it would talk to does not exist.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1".to_owned(),
            format!("--user-data-dir={}", driver.folder.path().display()),
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "implicit": PATIENCE.as_millis() },
        } } });
        let sessions = format!("http://127.0.0.1:{}/session", driver.port);
        let value = value(http.post(&sessions).json(&wanted).send().unwrap());
        let id = value["sessionId"].as_str().unwrap();
        Some(Self {
            session: format!("{sessions}/{id}"),
            http,
            _driver: driver,
        })
    }

    /// Goes to a page, and waits until it has loaded.
    pub(crate) fn open(&self, url: &str) {
        self.post("url", &json!({ "url": url }));
    }

    /// The address of the page.
    pub(crate) fn url(&self) -> String {
        let value = value(self.http.get(self.of("url")).send().unwrap());
        value.as_str().unwrap().to_owned()
    }

    /// Waits for the first element at an `XPath`, on this page or the one that it leads to.
    pub(crate) fn wait_for(&self, path: &str) {
        self.find(path);
    }

    /// Presses what is at an `XPath`.
    pub(crate) fn press(&self, path: &str) {
        self.post(&format!("{}/click", self.find(path)), &json!({}));
    }

    /// Types into the field at an `XPath`.
    pub(crate) fn type_into(&self, path: &str, text: &str) {
        self.post(
            &format!("{}/value", self.find(path)),
            &json!({ "text": text }),
        );
    }

    /// What a script returns that is run in the page.
    pub(crate) fn evaluate(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Empties the field at an `XPath` and types into it.
    pub(crate) fn retype(&self, path: &str, text: &str) {
        let field = self.find(path);
        self.post(&format!("{field}/clear"), &json!({}));
        self.post(&format!("{field}/value"), &json!({ "text": text }));
    }

    /// Has the page shown on paper or on a screen, dark or light, as wide as that.
    pub(crate) fn emulate(&self, media: &str, scheme: &str, width: u32) {
        let scheme = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.protocol(
            "Emulation.setEmulatedMedia",
            &json!({ "media": media, "features": [scheme] }),
        );
        self.protocol(
            "Emulation.setDeviceMetricsOverride",
            &json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
        );
    }

    /// A command of the protocol of Chromium's developer tools.
    fn protocol(&self, command: &str, parameters: &Value) {
        self.post(
            "goog/cdp/execute",
            &json!({ "cmd": command, "params": parameters }),
        );
    }

    /// What pages have said on the console since it was last asked for.
    pub(crate) fn console(&self) -> Vec<Said> {
        let entries = self.post("se/log", &json!({ "type": "browser" }));
        let said = entries.as_array().unwrap().iter().map(|entry| Said {
            source: entry["source"].as_str().unwrap().to_owned(),
            text: entry["message"].as_str().unwrap().to_owned(),
        });
        said.collect()
    }

    fn find(&self, path: &str) -> String {
        let found = self.post("element", &json!({ "using": "xpath", "value": path }));
        let id = found.as_object().unwrap().values().next().unwrap();
        format!("element/{}", id.as_str().unwrap())
    }

    fn post(&self, command: &str, body: &Value) -> Value {
        value(self.http.post(self.of(command)).json(body).send().unwrap())
    }

    fn of(&self, command: &str) -> String {
        format!("{}/{command}", self.session)
    }
}

impl Drop for Chromium {
    /// Quits the browser; the driver ends after it.
    fn drop(&mut self) {
        self.http.delete(&self.session).send().ok();
    }
}

/// The value of an answer, which must be a success.
#[track_caller]
fn value(answer: reqwest::blocking::Response) -> Value {
    let status = answer.status();
    let mut body: Value = answer.json().unwrap();
    assert!(status.is_success(), "{body:#}");
    body["value"].take()
}

/// `chromedriver`, on a free port; killed when dropped.
struct Driver {
    child: Child,
    port: u16,
    /// The profile of its browser, and what else both of them write.
    folder: TempDir,
    /// Open as long as it runs.
    _stdout: BufReader<ChildStdout>,
}

impl Driver {
    /// It takes a port that is free in IPv6, and ends where the same one is not in IPv4: then another is tried.
    fn start() -> Self {
        let mut driver = Self::attempt();
        for _ in 1..ATTEMPTS {
            driver = driver.or_else(|_| Self::attempt());
        }
        driver.unwrap_or_else(|said| panic!("{DRIVER} does not start: {said}"))
    }

    /// Starts it, or gives what it said when it ended.
    fn attempt() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(DRIVER)
            .arg("--port=0")
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        match port(&mut stdout) {
            Ok(port) => Ok(Self {
                child,
                port,
                folder,
                _stdout: stdout,
            }),
            Err(said) => {
                child.wait().unwrap();
                Err(said)
            }
        }
    }
}

/// The port that the driver says it listens on, or what it says instead.
fn port(stdout: &mut BufReader<ChildStdout>) -> Result<u16, String> {
    let mut said = String::new();
    loop {
        let before = said.len();
        if stdout.read_line(&mut said).unwrap() == 0 {
            return Err(said);
        }
        let started = said[before..].split_once("started successfully on port ");
        if let Some((_, port)) = started {
            return Ok(port.trim_end().trim_end_matches('.').parse().unwrap());
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
