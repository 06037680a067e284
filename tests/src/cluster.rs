//! A PostgreSQL server of a test's own: what is stopped, killed, filled or promoted must be nobody else's.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

use crate::{faketime::Clock, until::until};

/// What a stopped server may take to end before it is killed.
const ENDS_WITHIN: Duration = Duration::from_secs(20);

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Clients are cut off, and everything is written down.
    Fast,
    /// Clients are cut off, and the next start recovers from the log.
    Immediate,
    /// `kill -9` of the first process.
    Kill,
}

/// A running or stopped server; it ends when dropped.
pub struct Cluster {
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
    variables: Vec<(&'static str, String)>,
    postmaster: Option<Child>,
}

impl Cluster {
    /// A fresh one that runs.
    pub async fn start() -> Self {
        Self::start_below(&std::env::temp_dir(), &[]).await
    }

    /// A fresh one in a folder below this one, with these settings (`name=value`).
    pub async fn start_below(folder: &Path, settings: &[&str]) -> Self {
        let mut cluster = Self::prepared(folder, settings);
        let mut initdb = cluster.program("initdb");
        initdb.args(["-U", "ringback", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]);
        initdb.arg("--data-checksums");
        succeed(initdb.arg("-D").arg(cluster.data()));
        cluster.go_on().await;
        cluster
    }

    /// Garbles the first page of a table, or of that of its partitions which is in use, as a disk would that loses its mind. The
    /// server is stopped for that, so that nothing knows the page any more, and goes on.
    ///
    /// # Panics
    /// When there is no such page.
    pub async fn garble(&mut self, schema: &str, table: &str) {
        let path = "WITH given AS (SELECT format('%I.%I', $1, $2)::regclass::oid AS id)
                    SELECT pg_relation_filepath(oid) FROM pg_class, given
                    WHERE (oid = id OR oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = id))
                      AND relkind = 'r' AND pg_relation_size(oid) > 0";
        let path = sqlx::query_scalar(path).bind(schema).bind(table).fetch_one(&mut self.connection().await).await;
        let path: String = path.expect("there is such a table, and something in it");
        self.stop(Stop::Fast);
        let file = std::fs::File::options().write(true).open(self.data().join(path)).expect("it has a file");
        std::os::unix::fs::FileExt::write_all_at(&file, &[0xa5; 4_096], 4_096).expect("it is ours");
        self.go_on().await;
    }

    /// A standby of this one that follows it.
    pub async fn standby(&self) -> Self {
        let mut standby = Self::prepared(&std::env::temp_dir(), &[]);
        let mut copy = standby.program("pg_basebackup");
        copy.args(["-X", "stream", "-c", "fast", "-R", "-d", &self.url()]);
        succeed(copy.arg("-D").arg(standby.data()));
        standby.go_on().await;
        standby
    }

    fn prepared(folder: &Path, settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("ringback-cluster").tempdir_in(folder);
        let folder = folder.expect("a temporary folder");
        if is_root() {
            succeed(Command::new("chown").arg(format!("{0}:{0}", user())).arg(folder.path()));
        }
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr());
        let port = free.expect("the loopback has a free port").port();
        let settings = settings.iter().map(ToString::to_string).collect();
        Self { folder, port, settings, variables: Vec::new(), postmaster: None }
    }

    /// Its only database but for templates, as a superuser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://ringback@{}/postgres", self.address())
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A connection to it.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.expect("the cluster answers")
    }

    /// Carries out one statement.
    pub async fn run(&self, statement: &'static str) {
        sqlx::raw_sql(statement).execute(&mut self.connection().await).await.expect(statement);
    }

    /// Starts it again, and waits until it answers.
    pub async fn go_on(&mut self) {
        until("the cluster answers", async || {
            // What a killed server leaves behind may keep its successor from starting for a moment.
            let ended = self.postmaster.as_mut().is_none_or(|it| it.try_wait().expect("a child of ours").is_some());
            if ended {
                self.postmaster = Some(self.spawn());
            }
            PgConnection::connect(&self.url()).await.ok()
        })
        .await;
    }

    /// Lets a library (see [`faketime`](crate::faketime)) show the server another time from its next start on: what stands in
    /// the file that is returned.
    ///
    /// # Panics
    /// When there is no such library.
    pub fn fake_its_clock(&mut self) -> Clock {
        let clock = Clock::below(self.folder.path());
        self.variables = clock.variables();
        clock
    }

    fn spawn(&self) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.path().join("log"));
        let mut command = self.program_with(&self.variables, "postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k"]).arg(self.folder.path());
        for setting in ["listen_addresses=127.0.0.1", "shared_buffers=32MB", "max_connections=60"]
            .into_iter()
            .chain(self.settings.iter().map(String::as_str))
        {
            command.args(["-c", setting]);
        }
        command.stdout(Stdio::null()).stderr(log.expect("the folder is writable"));
        command.spawn().expect("it starts")
    }

    /// Ends it and waits for that. Its database stays.
    ///
    /// # Panics
    /// When it does not run.
    pub fn stop(&mut self, how: Stop) {
        let mut postmaster = self.postmaster.take().expect("it runs");
        let signal = match how {
            Stop::Fast => "-INT",
            Stop::Immediate => "-QUIT",
            Stop::Kill => "-KILL",
        };
        succeed(Command::new("kill").args([signal, &postmaster.id().to_string()]));
        let begun = Instant::now();
        while postmaster.try_wait().expect("a child of ours").is_none() && begun.elapsed() < ENDS_WITHIN {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Nothing is left to be killed if it has ended.
        let _ = postmaster.kill();
        postmaster.wait().expect("a child of ours");
    }

    /// Makes a standby the server that takes writes, and waits until it does.
    pub async fn promote(&self) {
        self.run("SELECT pg_promote()").await;
    }

    /// All that it has said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A program of PostgreSQL, as somebody whom it accepts: it refuses to run as root.
    fn program(&self, name: &str) -> Command {
        self.program_with(&[], name)
    }

    /// The same with these variables. What runs it for root does not have them: a library that is loaded for them would make
    /// root's what the program itself must open.
    fn program_with(&self, variables: &[(&str, String)], name: &str) -> Command {
        let folder = std::env::var("RINGBACK_TEST_POSTGRES_PROGRAMS")
            .expect("RINGBACK_TEST_POSTGRES_PROGRAMS is the folder of initdb and postgres; tests/run finds it");
        let program = Path::new(&folder).join(name);
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={}", user()), format!("--regid={}", user())]);
                command.args(["--clear-groups", "env"]);
                command.args(variables.iter().map(|(name, value)| format!("{name}={value}"))).arg(program);
                command
            }
            false => {
                let mut command = Command::new(program);
                command.envs(variables.iter().map(|(name, value)| (name, value)));
                command
            }
        };
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the cluster:\n{}---", self.log());
        }
        if self.postmaster.is_some() {
            self.stop(Stop::Immediate);
        }
    }
}

/// Who runs PostgreSQL where root runs the tests: its own user, or the group and user of nobody by number.
fn user() -> &'static str {
    let there = Command::new("id").args(["-u", "postgres"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) { "postgres" } else { "65534" }
}

fn succeed(command: &mut Command) {
    let done = command.output().expect("the program is there");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Whether root runs the tests.
pub(crate) fn is_root() -> bool {
    let told = Command::new("id").arg("-u").output().expect("id runs");
    told.stdout.trim_ascii() == b"0"
}
