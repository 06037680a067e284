//! A real PgBouncer before the tests' PostgreSQL.

use std::{
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::Stdio,
};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{cluster::is_root, database::Database, until::until};

/// A running one; killed when dropped.
pub struct Pgbouncer {
    url: String,
    _child: Child,
    _folder: TempDir,
}

impl Pgbouncer {
    /// Before this database, with this `pool_mode`.
    ///
    /// # Panics
    /// When there is none to be started: that is a broken set-up, never a reason to skip a test.
    pub async fn before(database: &Database, pool_mode: &str) -> Self {
        let program =
            std::env::var("RINGBACK_TEST_PGBOUNCER").expect("RINGBACK_TEST_PGBOUNCER is PgBouncer; tests/run finds it");
        let mut url = reqwest::Url::parse(database.url()).expect("a URL");
        let free =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|it| it.local_addr()).expect("the loopback has a free port");
        let (host, port) = (url.host_str().unwrap_or("127.0.0.1"), url.port().unwrap_or(5432));
        let settings = format!(
            "[databases]\n* = host={host} port={port} user={user}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\n\
             auth_type = any\npool_mode = {pool_mode}\ndefault_pool_size = 50\nunix_socket_dir =\n",
            user = url.username(),
            own = free.port(),
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file: PathBuf = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("the folder is writable");
        // It refuses to run as root, and whoever it runs as then has to read this.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=65534", "--regid=65534", "--clear-groups", &program]);
                command
            }
            false => Command::new(&program),
        };
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().expect("it starts");
        until("PgBouncer listens", async || TcpStream::connect(free).ok()).await;
        url.set_port(Some(free.port())).expect("a port");
        url.set_host(Some("127.0.0.1")).expect("a host");
        Self { url: url.into(), _child: child, _folder: folder }
    }

    /// The database's URL by way of it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
