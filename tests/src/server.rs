//! A `ringback serve` process: started, stopped, frozen, killed.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
};

use crate::{api::Api, database::Database, stores::Store, until::BOUND};

/// The token that every test server is given.
pub const TOKEN: &str = "a-token-for-tests-only";

/// The key that PostgreSQL test servers seal secrets with. On SQLite the key file that `serve` makes is used.
const MASTER_KEY: &str = "5f3a1c77aa0e4b9d8c6f2e1d0b9a8877665544332211ffeeddccbbaa00998877";

/// The `ringback` program under test, built once if nobody has built it.
///
/// # Panics
/// When it cannot be built.
pub fn binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let path = BINARY.get_or_init(|| {
        if let Ok(path) = std::env::var("RINGBACK_TEST_BINARY") {
            return path.into();
        }
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "-p", "ringback-server", "--bin", "ringback"])
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the ringback binary does not build");
        let tests = std::env::current_exe().expect("a path of this test");
        tests.parent().and_then(|deps| deps.parent()).expect("target/debug/deps").join("ringback")
    });
    path.clone()
}

/// The settings of a server to be started.
pub struct Serve<'a> {
    database: &'a Database,
    settings: BTreeMap<String, String>,
    limits: Vec<String>,
}

impl<'a> Serve<'a> {
    /// On this database, allowed to dial receivers on the loopback.
    #[must_use]
    pub fn on(database: &'a Database) -> Self {
        Self::strictly_on(database).set("egress.allow", "127.0.0.0/8").set("egress.allow_http", "true")
    }

    /// As an operator would start it who has allowed nothing.
    #[must_use]
    pub fn strictly_on(database: &'a Database) -> Self {
        Self { database, settings: settings(database), limits: Vec::new() }
    }

    /// Sets a key of the configuration through its environment variable.
    #[must_use]
    pub fn set(self, key: &str, value: &str) -> Self {
        self.variable(&format!("RINGBACK_{}", key.to_uppercase().replace('.', "_")), value)
    }

    /// Sets any environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Lets the system give it no more than this, as an option of `prlimit` has it.
    #[must_use]
    pub fn limited_by(mut self, limit: &str) -> Self {
        self.limits.push(limit.to_owned());
        self
    }

    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// When it ends or stays silent instead; its log is in the message.
    pub async fn start(self) -> Server {
        let mut command = match self.limits.is_empty() {
            true => Command::new(binary()),
            // It takes the place of itself, and keeps the process id.
            false => {
                // A write beyond a limit fails; without this its signal would end the process instead.
                let mut command = Command::new("sh");
                command.args(["-c", "trap '' XFSZ; exec prlimit \"$@\"", "sh"]).args(&self.limits).arg(binary());
                command
            }
        };
        command.arg("serve").current_dir(self.database.folder()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        without_settings(&mut command).envs(&self.settings);
        let mut child = command.spawn().expect("the binary starts");

        let log = Log::default();
        log.follow(child.stdout.take().expect("piped"));
        log.follow(child.stderr.take().expect("piped"));
        let started = tokio::time::Instant::now();
        let url = loop {
            if let Some(url) = log.listening_on() {
                break url;
            }
            if let Some(status) = child.try_wait().expect("a child of ours") {
                tokio::time::sleep(Duration::from_millis(100)).await;
                panic!("serve ended with {status} before it listened:\n{}", log.text());
            }
            assert!(started.elapsed() < BOUND, "serve does not listen:\n{}", log.text());
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        Server { api: Api::new(&url, TOKEN), child, log }
    }
}

fn settings(database: &Database) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::from([
        ("RINGBACK_DATABASE_URL".to_owned(), database.url().to_owned()),
        ("RINGBACK_BIND".to_owned(), "127.0.0.1:0".to_owned()),
        ("RINGBACK_ADMIN_TOKEN".to_owned(), TOKEN.to_owned()),
    ]);
    if database.store() == Store::Postgres {
        settings.insert("RINGBACK_MASTER_KEY".to_owned(), MASTER_KEY.to_owned());
    }
    settings
}

/// Keeps what the person who runs the tests has configured away from the program under test.
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RINGBACK_")) {
        command.env_remove(name);
    }
    command
}

/// The variables that let a command work on the same database as [`Serve`].
#[must_use]
pub fn settings_of(database: &Database) -> BTreeMap<String, String> {
    settings(database)
}

/// A running server; killed when dropped.
pub struct Server {
    /// Its admin API, with the token.
    pub api: Api,
    child: Child,
    log: Log,
}

impl Server {
    /// All it has printed so far, standard output and standard error.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The same for later, also when it has ended.
    #[must_use]
    pub fn kept_log(&self) -> Log {
        self.log.clone()
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it has ended.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it is running")
    }

    /// `kill -9`: nothing of it runs afterwards.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child of ours");
    }

    /// SIGTERM, and the status that it ends with.
    pub async fn terminate(self) -> ExitStatus {
        self.signal("TERM");
        self.ended().await
    }

    /// The status that it ends with, once it has ended by itself.
    pub async fn ended(mut self) -> ExitStatus {
        tokio::time::timeout(BOUND, self.child.wait()).await.expect("it ends in time").expect("a child of ours")
    }

    /// SIGTERM, without waiting for what comes of it.
    pub fn tell_to_stop(&self) {
        self.signal("TERM");
    }

    /// Whether it has not ended yet.
    ///
    /// # Panics
    /// When the system does not tell.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child of ours").is_none()
    }

    /// SIGSTOP: it exists and does nothing, like a process on a machine that hangs.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// SIGCONT: it goes on as if no time had passed.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args([format!("-{name}"), self.pid().to_string()]).status();
        assert!(sent.expect("kill runs").success(), "SIG{name} could not be sent");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the server:\n{}---", self.log.text());
        }
    }
}

/// What a process prints, gathered as it comes.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<String>>);

impl Log {
    fn follow(&self, stream: impl AsyncRead + Unpin + Send + 'static) {
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let mut text = log.0.lock().expect("nobody panics with it");
                text.push_str(&String::from_utf8_lossy(&line));
                text.push('\n');
            }
        });
    }

    /// All of it so far.
    ///
    /// # Panics
    /// Never: nobody panics in the middle of writing.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.lock().expect("nobody panics with it").clone()
    }

    fn listening_on(&self) -> Option<String> {
        let text = self.text();
        let line = text.lines().find_map(|line| line.split_once("listening on "))?.1;
        line.split_whitespace().next().map(str::to_owned)
    }
}
