//! A real browser: headless Chromium with an empty profile, told what to do over WebDriver.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    process::Stdio,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::until::{BOUND, until};

/// How often a driver is started before that is an error.
const DRIVER_STARTS: usize = 5;

/// Without anything that speaks to the network by itself.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
];

/// What WebDriver calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A window of a browser; it closes when dropped.
pub struct Browser {
    client: reqwest::Client,
    port: u16,
    session: String,
    process: Option<u64>,
    log: Vec<Value>,
    _driver: Child,
    _profile: TempDir,
}

impl Browser {
    /// Opens one.
    ///
    /// # Panics
    /// When there is no browser to open.
    pub async fn open() -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let (driver, port) = start_driver(profile.path()).await;
        let client = reqwest::Client::builder().no_proxy().timeout(BOUND).build().expect("a client");
        let mut arguments: Vec<_> = ARGUMENTS.iter().map(ToString::to_string).collect();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let mut options = json!({"args": arguments});
        if let Ok(browser) = std::env::var("RINGBACK_TEST_CHROMIUM") {
            options["binary"] = browser.into();
        }
        // A dialog that a script opens fails the next command, and so the test.
        let wanted = json!({
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}, "unhandledPromptBehavior": "dismiss and notify",
        });
        let session = String::new();
        let mut browser =
            Self { client, port, session, process: None, log: Vec::new(), _driver: driver, _profile: profile };
        let session = browser.command("", json!({"capabilities": {"alwaysMatch": wanted}})).await;
        browser.session = session["sessionId"].as_str().expect("a session").to_owned();
        browser.process = session["capabilities"]["goog:processID"].as_u64();
        browser
    }

    /// Opens a page.
    pub async fn go(&self, url: &str) {
        self.command("/url", json!({ "url": url })).await;
    }

    /// Makes the window as wide as this, in CSS pixels: 390 is a phone.
    pub async fn resize(&self, width: u32) {
        self.command("/window/rect", json!({"width": width, "height": 900})).await;
    }

    /// Asks of the browser what WebDriver has no word for (the DevTools protocol).
    pub async fn devtools(&self, method: &str, parameters: Value) -> Value {
        self.command("/goog/cdp/execute", json!({"cmd": method, "params": parameters})).await
    }

    /// Lets no page run a script from now on.
    pub async fn without_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    /// Shows pages as a system does that is set to dark, or to light.
    pub async fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// A picture of what is seen of the page in a window of this size, as PNG.
    pub async fn picture_of(&self, width: u32, height: u32) -> Vec<u8> {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        self.devtools("Emulation.setScrollbarsHidden", json!({"hidden": true})).await;
        let taken = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": false})).await;
        self.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
        BASE64.decode(taken["data"].as_str().expect("a text")).expect("base64")
    }

    /// A picture of the whole page, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        let taken = self.devtools("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await;
        BASE64.decode(taken["data"].as_str().expect("a text")).expect("base64")
    }

    /// What axe finds wrong with the page for people who cannot see it, or not well: each rule with what breaks it.
    ///
    /// # Panics
    /// When axe is not among the Node modules that the tests use.
    pub async fn barriers(&self) -> Vec<String> {
        let modules = std::env::var("RINGBACK_TEST_NODE_MODULES").expect("tests/run brings the Node modules");
        let axe = std::fs::read_to_string(format!("{modules}/axe-core/axe.min.js")).expect("axe-core is among them");
        self.run(&axe).await;
        let told = "const done = arguments[0]; axe.run(document).then(found => done(found.violations.map(rule => \
                    rule.id + ': ' + rule.nodes.map(node => node.html).slice(0, 3).join(' '))))";
        let found = self.run_until_done(told).await;
        found.as_array().expect("a list").iter().map(|it| it.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Where it is.
    pub async fn address(&self) -> String {
        self.run("return location.href").await.as_str().expect("a text").to_owned()
    }

    /// What a person reads on the page, title included.
    pub async fn text(&self) -> String {
        self.run("return document.title + '\\n' + document.body.innerText").await.as_str().expect("a text").to_owned()
    }

    /// The text of the page, as soon as it holds this.
    pub async fn text_with(&self, wanted: &str) -> String {
        until(&format!("the page says “{wanted}”"), async || {
            Some(self.text().await).filter(|it| it.contains(wanted))
        })
        .await
    }

    /// Writes into the field that the selector names.
    pub async fn write(&self, selector: &str, text: &str) {
        let element = self.find(selector).await;
        self.command(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Clicks on what the selector names.
    pub async fn click(&self, selector: &str) {
        let element = self.find(selector).await;
        self.command(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Goes on inside the frame that the selector names.
    pub async fn enter_frame(&self, selector: &str) {
        let element = self.find(selector).await;
        self.command("/frame", json!({"id": {ELEMENT: element}})).await;
    }

    /// Goes on in the page itself.
    pub async fn leave_frame(&self) {
        self.command("/frame", json!({"id": null})).await;
    }

    /// What a script of the test's own comes to. The page's policy does not bind the driver.
    pub async fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// The same of a script that takes its time: what it gives to the last of its arguments.
    pub async fn run_until_done(&self, script: &str) -> Value {
        self.command("/execute/async", json!({"script": script, "args": []})).await
    }

    /// Everything that the browser has complained of so far: what a policy refused is among it.
    pub async fn complaints(&mut self) -> Vec<String> {
        let new = self.command("/se/log", json!({"type": "browser"})).await;
        self.log.extend(new.as_array().expect("a list").iter().cloned());
        self.log.iter().map(ToString::to_string).collect()
    }

    async fn find(&self, selector: &str) -> String {
        let found = self.command("/element", json!({"using": "css selector", "value": selector})).await;
        found[ELEMENT].as_str().expect("an element").to_owned()
    }

    async fn command(&self, command: &str, body: Value) -> Value {
        let session = if self.session.is_empty() { String::new() } else { format!("/{}", self.session) };
        let url = format!("http://127.0.0.1:{}/session{session}{command}", self.port);
        let response = self.client.post(url).json(&body).send().await.expect("the driver answers");
        let answer: Value = response.json().await.expect("the driver speaks JSON");
        assert!(answer["value"]["error"].is_null(), "{command} {body}: {}", answer["value"]);
        answer["value"].clone()
    }
}

/// Starts a driver. It takes a free port of IPv6 and ends if the same one of IPv4 is somebody else's.
async fn start_driver(home: &std::path::Path) -> (Child, u16) {
    for _ in 0..DRIVER_STARTS {
        if let Some(started) = try_to_start_driver(home).await {
            return started;
        }
    }
    panic!("chromedriver ended {DRIVER_STARTS} times before it listened")
}

/// `None` if it has ended.
async fn try_to_start_driver(home: &std::path::Path) -> Option<(Child, u16)> {
    let program = std::env::var("RINGBACK_TEST_CHROMEDRIVER").unwrap_or_else(|_| "chromedriver".to_owned());
    let mut command = Command::new(program);
    command
        .arg("--port=0")
        .env("HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut driver = command.spawn().expect("chromedriver starts; tests/run installs it or says what is missing");
    let mut lines = BufReader::new(driver.stdout.take().expect("piped")).lines();
    let port = async {
        loop {
            let line = lines.next_line().await.expect("text")?;
            if let Some((_, port)) = line.split_once("successfully on port ") {
                return Some(port.trim_end_matches('.').parse().expect("a port"));
            }
        }
    };
    let port = tokio::time::timeout(BOUND, port).await.expect("it starts in time")?;
    // Whatever else it says is read and forgotten, so that it never waits for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Some((driver, port))
}

impl Drop for Browser {
    /// The driver takes its browser down when it is asked to, and not when it is killed. On a busy machine it may give
    /// up too early.
    fn drop(&mut self) {
        let Ok(mut driver) = TcpStream::connect(("127.0.0.1", self.port)) else { return };
        let _ = driver.set_read_timeout(Some(Duration::from_secs(20)));
        let session = &self.session;
        let request = format!("DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let _ = driver.write_all(request.as_bytes());
        let _ = driver.read(&mut [0; 64]);
        if let Some(process) = self.process {
            let _ =
                std::process::Command::new("kill").args(["-KILL", &process.to_string()]).stderr(Stdio::null()).status();
        }
    }
}
