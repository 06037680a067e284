//! Customers who share no code with Ringback: the programs of `tests/receivers`.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::until::{BOUND, until};

/// One of the programs of `tests/receivers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Customer {
    /// PyPI `standardwebhooks`.
    StandardPython,
    /// npm `standardwebhooks`.
    StandardNode,
    /// PyPI `cloudevents`, verified by `standardwebhooks`.
    CloudEventsPython,
    /// npm `cloudevents`, verified by `standardwebhooks`.
    CloudEventsNode,
    /// PyPI `svix`.
    SvixPython,
    /// npm `svix`.
    SvixNode,
    /// The Levrage document's own check, in Flask.
    LevrageFlask,
    /// The body alone.
    ExternalUrl,
    /// The generic document, API key.
    GenericApiKey,
    /// The generic document, HMAC.
    GenericHmac,
    /// The generic document, Basic.
    GenericBasic,
    /// The generic document, Bearer.
    GenericBearer,
    /// PyPI `Authlib`: no receiver, but a token server that receivers trust.
    TokenServer,
}

impl Customer {
    const fn script(self) -> &'static str {
        match self {
            Self::StandardPython => "standard_python.py",
            Self::StandardNode => "standard_node.cjs",
            Self::CloudEventsPython => "cloudevents_python.py",
            Self::CloudEventsNode => "cloudevents_node.cjs",
            Self::SvixPython => "svix_python.py",
            Self::SvixNode => "svix_node.cjs",
            Self::LevrageFlask => "levrage_flask.py",
            Self::ExternalUrl => "external_url.py",
            Self::GenericApiKey => "generic_api_key.py",
            Self::GenericHmac => "generic_hmac.py",
            Self::GenericBasic => "generic_basic.py",
            Self::GenericBearer => "generic_bearer.py",
            Self::TokenServer => "oauth_server.py",
        }
    }

    /// The path that the vendor's document shows.
    const fn path(self) -> &'static str {
        match self {
            Self::LevrageFlask => "/webhook/levrage",
            Self::TokenServer => "/token",
            _ => "/webhook_url",
        }
    }

    fn command(self) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("receivers").join(self.script());
        let mut command = if self.script().ends_with(".cjs") {
            let mut command = Command::new("node");
            command.env("NODE_PATH", needed("RINGBACK_TEST_NODE_MODULES"));
            command
        } else {
            Command::new(needed("RINGBACK_TEST_PYTHON"))
        };
        command.arg(script);
        command
    }
}

fn needed(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set; tests/run sets it"))
}

/// One line of a receiver's journal.
#[derive(Debug, Clone)]
pub struct Line(Value);

impl Line {
    /// Whether the customer would trust this request.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.0["ok"] == true
    }

    /// The idempotency key that the vendor's document tells its readers to use.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0["id"].as_str().unwrap_or_default()
    }

    /// `ringback-id`: the event's id, which comes with every scheme.
    #[must_use]
    pub fn event(&self) -> &str {
        self.0["event"].as_str().unwrap_or_default()
    }

    /// SHA-256 of the body in hex.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.0["sha256"].as_str().unwrap_or_default()
    }

    /// `ringback-attempt`.
    #[must_use]
    pub fn attempt(&self) -> &str {
        self.0["attempt"].as_str().unwrap_or_default()
    }

    /// What else it wrote down.
    #[must_use]
    pub fn other(&self, name: &str) -> &Value {
        &self.0[name]
    }

    /// Whether it came as a replay.
    #[must_use]
    pub fn is_replay(&self) -> bool {
        self.0["replay"] == true
    }
}

/// How a receiver is to be started.
pub struct Started<'a> {
    /// Which one.
    pub customer: Customer,
    /// What the customer was given.
    pub secret: &'a str,
    /// 500 to the first so many requests of each body.
    pub fail_first: u32,
    /// The only bodies that are expected, for [`Customer::ExternalUrl`].
    pub bodies: &'a [Vec<u8>],
    /// Listens with TLS under the certificate of this authority.
    pub tls: Option<&'a Authority>,
}

impl<'a> Started<'a> {
    /// Without TLS, answering everything at once.
    #[must_use]
    pub const fn new(customer: Customer, secret: &'a str) -> Self {
        Self { customer, secret, fail_first: 0, bodies: &[], tls: None }
    }

    /// Starts it and waits until it listens.
    pub async fn start(self) -> Outside {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = self.customer.command();
        let secret = folder.path().join("secret");
        std::fs::write(&secret, self.secret).expect("the folder is writable");
        command.arg("--secret-file").arg(&secret).args(["--fail-first", &self.fail_first.to_string()]);
        if let Some(authority) = self.tls {
            command.arg("--tls-certificate").arg(&authority.certificate).arg("--tls-key").arg(&authority.key);
        }
        if !self.bodies.is_empty() {
            command.arg("--bodies").args(write_bodies(&folder, self.bodies));
        }
        // Its standard input is the leash: when this process is gone, however it went, the receiver ends.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the interpreter starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let complaints = gather(child.stderr.take().expect("piped"));
        let first = tokio::time::timeout(BOUND, lines.next_line()).await.ok().and_then(Result::ok).flatten();
        let Some(url) = first.as_deref().and_then(|line| line.strip_prefix("listening on ")) else {
            panic!("{:?} does not listen: {first:?}\n{}", self.customer, complaints.lock().expect("unpoisoned"))
        };
        let url = format!("{url}{}", self.customer.path());
        let journal = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn(read(lines, Arc::clone(&journal)));
        Outside { url, journal, complaints, secret, _folder: folder, _child: child }
    }
}

fn write_bodies(folder: &TempDir, bodies: &[Vec<u8>]) -> Vec<PathBuf> {
    let write = |(index, body): (usize, &Vec<u8>)| {
        let path = folder.path().join(format!("body-{index}"));
        std::fs::write(&path, body).expect("the folder is writable");
        path
    };
    bodies.iter().enumerate().map(write).collect()
}

async fn read(mut lines: Lines<BufReader<ChildStdout>>, journal: Arc<Mutex<Vec<Line>>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let line = serde_json::from_str(&line).expect("a journal holds one JSON object a line");
        journal.lock().expect("unpoisoned").push(Line(line));
    }
}

fn gather(stderr: tokio::process::ChildStderr) -> Arc<Mutex<String>> {
    let complaints = Arc::new(Mutex::new(String::new()));
    let gathered = Arc::clone(&complaints);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut text = gathered.lock().expect("unpoisoned");
            text.push_str(&line);
            text.push('\n');
        }
    });
    complaints
}

/// A receiver that listens; it ends when dropped.
pub struct Outside {
    url: String,
    journal: Arc<Mutex<Vec<Line>>>,
    complaints: Arc<Mutex<String>>,
    secret: PathBuf,
    _folder: TempDir,
    _child: Child,
}

impl Outside {
    /// What the customer registers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Gives the customer another secret, from the next request on.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn is_given(&self, secret: &str) {
        std::fs::write(&self.secret, secret).expect("the folder is writable");
    }

    /// What it has written down so far.
    #[must_use]
    pub fn journal(&self) -> Vec<Line> {
        self.journal.lock().expect("unpoisoned").clone()
    }

    /// The first `count` lines, as soon as there are so many.
    pub async fn wait_for(&self, count: usize) -> Vec<Line> {
        let what = format!("{count} lines in the journal of {}", self.url);
        until(&what, async || Some(self.journal()).filter(|lines| lines.len() >= count)).await
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the receiver at {}: {:#?}", self.url, self.journal());
            eprintln!("{}---", self.complaints.lock().expect("unpoisoned"));
        }
    }
}

/// A certificate authority of our own, and a certificate of it for `127.0.0.1`.
pub struct Authority {
    certificate: PathBuf,
    key: PathBuf,
    root: PathBuf,
    _folder: TempDir,
}

impl Authority {
    /// A fresh one.
    ///
    /// # Panics
    /// When keys cannot be made.
    #[must_use]
    pub fn fresh() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root_key = rcgen::KeyPair::generate().expect("a key");
        let mut root = rcgen::CertificateParams::new(Vec::<String>::new()).expect("no names to refuse");
        root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        root.distinguished_name.push(rcgen::DnType::CommonName, "Ringback tests");
        let root_certificate = root.self_signed(&root_key).expect("a certificate");
        let issuer = rcgen::Issuer::new(root, root_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address is a name");
        let certificate = names.signed_by(&key, &issuer).expect("a certificate");
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("the folder is writable");
            path
        };
        Self {
            certificate: write("certificate.pem", certificate.pem()),
            key: write("key.pem", key.serialize_pem()),
            root: write("root.pem", root_certificate.pem()),
            _folder: folder,
        }
    }

    /// What `SSL_CERT_FILE` names, to trust it.
    ///
    /// # Panics
    /// When the temporary folder has a name that is not text.
    #[must_use]
    pub fn root(&self) -> &str {
        self.root.to_str().expect("temporary folders have plain names")
    }
}
