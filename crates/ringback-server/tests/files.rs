//! The files of a SQLite database: who can read them, and what happens when one of them is missing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;
mod support;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use server::Server;
use support::{BOUND, complained, ringback, run, said};

/// A database that was served once, in `folder`.
fn served(folder: &Path) {
    let server = Server::start(ringback(folder), &[]);
    server.signal("TERM");
    let _ = server.end();
}

/// That a command refuses with status 2, says all of this, and does not make `file`.
fn refuses(folder: &Path, arguments: &[&str], told: &[&str], file: &str) {
    let output = run(folder, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", complained(&output));
    for part in told {
        assert!(complained(&output).contains(part), "{arguments:?}: {part} is missing from:\n{}", complained(&output));
    }
    assert!(!folder.join(file).exists(), "{arguments:?} made {file}");
}

fn names(folder: &Path) -> Vec<String> {
    modes(folder).into_iter().map(|(name, _)| name).collect()
}

/// What is left of a database that nobody has open.
const ONE_FILE: [&str; 4] = ["ringback.db", "ringback.db.key", "ringback.db.lock", "ringback.db.token"];

fn modes(folder: &Path) -> Vec<(String, u32)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut modes: Vec<_> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o777))
        .collect();
    modes.sort();
    modes
}

#[test]
fn a_lost_key_is_named_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    served(folder.path());
    let key = fs::read_to_string(folder.path().join("ringback.db.key")).unwrap();
    fs::remove_file(folder.path().join("ringback.db.key")).unwrap();
    let told = ["ringback.db.key", "put it back", "master_key", "--key-is-lost"];
    for arguments in [&["serve", "--bind", "127.0.0.1:0"][..], &["endpoints", "list"], &["rekey"]] {
        refuses(folder.path(), arguments, &told, "ringback.db.key");
    }
    let checked = run(folder.path(), &["check-config"]);
    assert!(checked.status.code() == Some(2) && said(&checked).contains("wrong    master_key"), "{}", said(&checked));
    // Given in another way it is as good.
    let checked = run(folder.path(), &["check-config", "--master-key", key.trim()]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[test]
fn a_key_that_is_lost_for_good_can_be_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path();
    assert!(run(database, &["migrate"]).status.success());
    let made = run(database, &["endpoints", "create", "https://example.com/h", "--event-types", "*"]);
    assert!(made.status.success(), "{}", complained(&made));
    fs::remove_file(database.join("ringback.db.key")).unwrap();
    let given_up = run(database, &["rekey", "--key-is-lost"]);
    assert_eq!(given_up.status.code(), Some(1), "one endpoint stays unreadable");
    assert!(complained(&given_up).contains("1 rows could not be opened"), "{}", complained(&given_up));
    let checked = run(database, &["check-config"]);
    assert!(checked.status.success() && said(&checked).contains("1 endpoint cannot be read"), "{}", said(&checked));
    let listed = run(database, &["endpoints", "list", "--json"]);
    assert!(said(&listed).contains(r#""disabled_reason":"unreadable""#), "{}", said(&listed));
}

#[test]
fn a_lost_token_is_named_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    served(folder.path());
    fs::remove_file(folder.path().join("ringback.db.token")).unwrap();
    let told = ["ringback.db.token", "--admin-token", "RINGBACK_ADMIN_TOKEN"];
    refuses(folder.path(), &["serve", "--bind", "127.0.0.1:0"], &told, "ringback.db.token");
    let checked = run(folder.path(), &["check-config"]);
    assert!(checked.status.code() == Some(2) && said(&checked).contains("wrong    admin_token"), "{}", said(&checked));
    let server = Server::start(ringback(folder.path()), &["--admin-token", "a-token-of-the-operators"]);
    assert_eq!(server.token, None, "a given token is not told");
}

#[test]
fn a_lost_database_is_not_made_anew_unless_that_is_meant() {
    for left in ["ringback.db.key", "ringback.db.lock", "ringback.db-wal"] {
        let folder = tempfile::tempdir().unwrap();
        served(folder.path());
        // As an unclean stop leaves it.
        fs::write(folder.path().join("ringback.db-wal"), "").unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != left {
                fs::remove_file(entry.path()).unwrap();
            }
        }
        let told = ["ringback.db", left, "--create"];
        for arguments in [&["serve", "--bind", "127.0.0.1:0"][..], &["migrate"], &["endpoints", "list"]] {
            refuses(folder.path(), arguments, &told, "ringback.db");
        }
        let checked = run(folder.path(), &["check-config"]);
        assert!(checked.status.code() == Some(2) && said(&checked).contains("--create"), "{}", said(&checked));
        let server = Server::start(ringback(folder.path()), &["--create"]);
        assert!(server.token.is_some(), "a new database gets a new token");
    }
}

#[test]
fn a_database_that_commands_worked_on_first_is_served() {
    let folder = tempfile::tempdir().unwrap();
    assert!(run(folder.path(), &["migrate"]).status.success());
    let made = run(folder.path(), &["endpoints", "create", "https://example.com/h", "--event-types", "*"]);
    assert!(made.status.success(), "{}", complained(&made));
    let server = Server::start(ringback(folder.path()), &[]);
    assert_eq!(
        server.token,
        Some(fs::read_to_string(folder.path().join("ringback.db.token")).unwrap().trim().to_owned())
    );
}

#[test]
fn what_holds_data_is_private_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    command.current_dir(folder.path()).env_clear().args([
        "-c",
        "umask 0; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_ringback"),
    ]);
    let server = Server::start(command, &[]);
    let names = ["", "-shm", "-wal", ".key", ".lock", ".token"].map(|ending| (format!("ringback.db{ending}"), 0o600));
    // The lock is taken by the first who sends, which may be after the first who listens.
    let started = Instant::now();
    while !folder.path().join("ringback.db.lock").exists() && started.elapsed() < BOUND {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(modes(folder.path()), names);
    drop(server);
    fs::set_permissions(folder.path().join("ringback.db"), Permissions::from_mode(0o664)).unwrap();
    let checked = run(folder.path(), &["check-config"]);
    assert!(checked.status.success(), "it may be meant");
    let warning = "ringback.db is open to others than its owner (mode 0664)";
    assert!(said(&checked).contains(warning), "{}", said(&checked));
    // It is told at every start, and left as it is.
    let told = starts_and_says(folder.path(), warning);
    assert!(told, "serve says nothing of it");
    assert_eq!(modes(folder.path())[0], ("ringback.db".to_owned(), 0o664));
}

#[test]
fn after_a_clean_stop_the_database_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    let token = server.token.clone().unwrap();
    fs::write(folder.path().join("event"), "{}").unwrap();
    let remote = ["--url", &server.url, "--token", &token];
    let emitted = run(folder.path(), &[&["emit", "t", "event", "--key", "call-1"][..], &remote].concat());
    assert!(emitted.status.success(), "{}", complained(&emitted));
    fs::remove_file(folder.path().join("event")).unwrap();
    server.signal("TERM");
    let (status, told) = server.end();
    assert_eq!(status, Some(0), "{told}");
    assert_eq!(names(folder.path()), ONE_FILE);
    // All of it is in that one.
    let elsewhere = tempfile::tempdir().unwrap();
    for name in ["ringback.db", "ringback.db.key"] {
        fs::copy(folder.path().join(name), elsewhere.path().join(name)).unwrap();
    }
    assert!(run(elsewhere.path(), &["find", "call-1"]).status.success());
}

#[test]
fn after_every_command_the_database_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    served(folder.path());
    let backup = tempfile::tempdir().unwrap();
    let backup = backup.path().join("copy.db");
    for (arguments, status) in [
        (&["migrate"][..], 0),
        (&["endpoints", "create", "https://example.com/h", "--event-types", "*"], 0),
        (&["endpoints", "list"], 0),
        (&["find", "nothing"], 3),
        (&["replay", "dlv_01a2254446c073dfa4837c3faabfb1af"], 3),
        (&["token", "list"], 3),
        (&["rekey"], 0),
        (&["check-config"], 0),
        (&["backup", backup.to_str().unwrap()], 0),
        (&["serve", "--bind", "203.0.113.1:80", "--admin-token", "a-token-of-the-operators"], 1),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {}", complained(&output));
        assert_eq!(names(folder.path()), ONE_FILE, "{arguments:?}");
    }
}

#[test]
fn a_backup_of_a_running_server_is_restored_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    fs::write(folder.path().join("event"), "{}").unwrap();
    let remote = ["--url", &server.url, "--token", server.token.as_deref().unwrap()];
    let made = ["endpoints", "create", "https://example.com/h", "--event-types", "nothing"];
    assert!(run(folder.path(), &[&made[..], &remote].concat()).status.success());
    let emitted = run(folder.path(), &[&["emit", "t", "event", "--key", "call-1"][..], &remote].concat());
    assert!(emitted.status.success(), "{}", complained(&emitted));
    let made = run(folder.path(), &["backup", "copy.db"]);
    assert!(made.status.success(), "{}", complained(&made));
    assert!(said(&made).contains("ringback.db.key"), "{}", said(&made));
    assert_eq!(fs::metadata(folder.path().join("copy.db")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(folder.path(), &["backup", "copy.db"]);
    assert_eq!(again.status.code(), Some(2), "{}", complained(&again));
    assert!(complained(&again).contains("copy.db"), "{}", complained(&again));
    let told = run(folder.path(), &["backup", "second.db", "--json"]);
    assert!(said(&told).contains(r#""file":"second.db""#) && said(&told).contains(r#""key_file":"ringback.db.key""#));
    let other = run(folder.path(), &["backup", "third.db", "--database-url", "postgres://localhost/x"]);
    assert_eq!(other.status.code(), Some(2), "{}", complained(&other));
    assert!(complained(&other).contains("pg_dump"), "{}", complained(&other));

    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join("copy.db"), elsewhere.path().join("ringback.db")).unwrap();
    fs::copy(folder.path().join("ringback.db.key"), elsewhere.path().join("ringback.db.key")).unwrap();
    assert!(run(elsewhere.path(), &["find", "call-1"]).status.success());
    let checked = run(elsewhere.path(), &["endpoints", "list", "--json"]);
    assert!(!said(&checked).contains("unreadable") && said(&checked).contains("example.com"), "{}", said(&checked));
}

#[test]
fn beside_a_running_server_a_command_leaves_its_log_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(ringback(folder.path()), &[]);
    assert_eq!(run(folder.path(), &["find", "nothing"]).status.code(), Some(3));
    assert!(folder.path().join("ringback.db-wal").exists() && folder.path().join("ringback.db-shm").exists());
    let made = run(folder.path(), &["endpoints", "create", "https://example.com/h", "--event-types", "*"]);
    assert!(made.status.success(), "{}", complained(&made));
    server.signal("TERM");
    let _ = server.end();
    assert_eq!(names(folder.path()), ONE_FILE);
    assert!(said(&run(folder.path(), &["endpoints", "list"])).contains("example.com"));
}

#[test]
fn a_server_whose_files_are_removed_or_replaced_ends_and_says_which() {
    for (file, how) in [
        ("ringback.db", "removed"),
        ("ringback.db", "replaced"),
        ("ringback.db", "overwritten"),
        ("ringback.db-wal", "removed"),
        ("ringback.db-shm", "replaced"),
        ("ringback.db.lock", "removed"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(ringback(folder.path()), &[]);
        let path = folder.path().join(file);
        let started = Instant::now();
        while !path.exists() && started.elapsed() < BOUND {
            thread::sleep(Duration::from_millis(10));
        }
        // The lock's file is there just before the lock is held.
        thread::sleep(Duration::from_secs(1));
        let copy = folder.path().join("copy");
        match how {
            "removed" => fs::remove_file(&path).unwrap(),
            "replaced" => {
                fs::copy(&path, &copy).unwrap();
                fs::rename(copy, &path).unwrap();
            }
            // As with `cp backup.db ringback.db`.
            _ => {
                assert!(run(folder.path(), &["backup", copy.to_str().unwrap()]).status.success());
                fs::copy(&copy, &path).unwrap();
            }
        }
        let (status, told) = server.end();
        assert_eq!(status, Some(1), "{file}: {told}");
        let why = told.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{file}: {told}"));
        assert!(why.contains(file) && why.contains(how), "{why}");
    }
}

/// Whether `serve` says this before it finds its port taken.
fn starts_and_says(folder: &Path, part: &str) -> bool {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = run(folder, &["serve", "--bind", &taken.local_addr().unwrap().to_string()]);
    complained(&output).contains(part)
}

fn check_with(folder: &Path, variables: &[(&str, &str)]) -> Output {
    ringback(folder).args(["check-config"]).envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn secrets_come_from_files_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    };
    write("token", "a-token-of-the-operators\n", 0o600);
    write("key", &format!("{}\n", "ab".repeat(32)), 0o644);
    let variables = [("RINGBACK_ADMIN_TOKEN_FILE", "token"), ("RINGBACK_MASTER_KEY_FILE", "key")];
    let checked = check_with(folder.path(), &variables);
    assert!(checked.status.success(), "{}", said(&checked));
    for part in [
        "RINGBACK_ADMIN_TOKEN_FILE: token",
        "RINGBACK_MASTER_KEY_FILE: key",
        "key is open to others than its owner (mode 0644)",
    ] {
        assert!(said(&checked).contains(part), "{part} is missing from:\n{}", said(&checked));
    }
    assert!(!said(&checked).contains("a-token-of") && !said(&checked).contains("abab"), "{}", said(&checked));
    assert!(!said(&checked).contains("token is open"), "{}", said(&checked));
    let mut command = ringback(folder.path());
    command.envs(variables);
    let server = Server::start(command, &[]);
    let token = ["find", "call-1", "--url", &server.url, "--token", "a-token-of-the-operators"];
    assert_eq!(run(folder.path(), &token).status.code(), Some(3), "the token of the file is the server's");
    assert!(!folder.path().join("ringback.db.key").exists() && !folder.path().join("ringback.db.token").exists());

    let both = [("RINGBACK_MASTER_KEY_FILE", "key"), ("RINGBACK_MASTER_KEY", "k")];
    let refused = check_with(folder.path(), &both);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        said(&refused).contains("is given by RINGBACK_MASTER_KEY and by RINGBACK_MASTER_KEY_FILE"),
        "{}",
        said(&refused)
    );
    let absent = check_with(folder.path(), &[("RINGBACK_DATABASE_URL_FILE", "nowhere")]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(
        said(&absent).contains("RINGBACK_DATABASE_URL_FILE") && said(&absent).contains("nowhere"),
        "{}",
        said(&absent)
    );
}
