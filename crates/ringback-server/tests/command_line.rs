//! What the command line refuses, and how: one line that says what is wrong and what would be right. Wrong values of every
//! flag are tried by the workspace's `tests/tests/bad_flags.rs`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::path::Path;

use support::{complained, ringback, run, said};

#[test]
fn usage_and_configuration_errors_end_with_2_and_name_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &[&str]); 9] = [
        (&["serve", "--bnid", "127.0.0.1:0"], &["--bnid", "--bind"]),
        (&["serve", "--bind", "8080"], &["bind", "--bind", "127.0.0.1:8080"]),
        (&["serve", "--lease", "1s"], &["lease", "--lease", "3s"]),
        (&["serve", "--config", "absent.toml"], &["absent.toml"]),
        (&["serve", "--bind", "0.0.0.0:0"], &["admin_token", "RINGBACK_ADMIN_TOKEN"]),
        (&["serve", "--database-url", "postgres://127.0.0.1:1/x"], &["RINGBACK_ADMIN_TOKEN", "openssl rand"]),
        (&["find", "k", "--url", "ftp://x", "--token", "t"], &["--url", "http://127.0.0.1:8080"]),
        (&["replay"], &["--endpoint-id", "--status"]),
        (&["demo", "--without", "everyone"], &["healthy", "flaky", "refusing"]),
    ];
    for (arguments, words) in cases {
        let output = run(folder.path(), arguments);
        let told = complained(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(words.iter().all(|word| told.contains(word)), "{arguments:?}: {told}");
        assert!(!told.contains("panicked"), "{told}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn an_unknown_key_of_the_file_stops_and_an_unknown_variable_only_warns() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ringback.toml"), "[retention]\nevent = \"3d\"\n").unwrap();
    let output = run(folder.path(), &["migrate"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(complained(&output).contains("retention.event ") && complained(&output).contains("retention.events"));

    std::fs::write(folder.path().join("ringback.toml"), "schema = \"fine\"\n").unwrap();
    let variables = [("RINGBACK_BNID", "x"), ("RINGBACK_TEST_ANYTHING", "x")];
    let output = ringback(folder.path()).arg("migrate").envs(variables).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
    assert!(complained(&output).contains("RINGBACK_BNID") && !complained(&output).contains("RINGBACK_TEST_ANYTHING"));
}

#[test]
fn commands_that_only_look_make_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["find", "call-1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(complained(&output).contains("ringback serve"), "{}", complained(&output));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_printed_configuration_is_complete_and_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let printed = said(&run(folder.path(), &["serve", "--print-config"]));
    std::fs::write(folder.path().join("ringback.toml"), printed).unwrap();
    let output = run(folder.path(), &["migrate"]);
    assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
}

#[test]
fn a_printed_schema_brings_nothing_into_being() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["migrate", "--print"]);
    assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
    assert!(said(&output).contains("CREATE TABLE"));
    let url = "postgres://127.0.0.1:1/nowhere";
    let output = run(folder.path(), &["migrate", "--print", "--database-url", url, "--schema", "hooks"]);
    assert!(said(&output).contains("CREATE SCHEMA") && said(&output).contains("hooks."), "{}", said(&output));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn help_teaches_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let commands = [
        "serve",
        "demo",
        "emit",
        "find",
        "explain",
        "events",
        "payload",
        "deliveries",
        "dead-letters",
        "tail",
        "top",
        "replay",
        "discard",
        "ledger",
        "audit",
        "nodes",
        "endpoints",
        "verify",
        "listen",
        "token",
        "migrate",
        "check-config",
        "doctor",
        "completions",
    ];
    let of_endpoints = ["list", "get", "create", "update", "delete", "test", "pause", "resume", "rotate-secret"];
    let commands = commands.map(|command| vec![command]).into_iter();
    let of_endpoints = of_endpoints.map(|command| vec!["endpoints", command]);
    let of_tokens = ["create", "list", "revoke"].map(|command| vec!["token", command]);
    for command in commands.chain(of_endpoints).chain(of_tokens) {
        let output = run(folder.path(), &[&command[..], &["--help"]].concat());
        assert_eq!(output.status.code(), Some(0));
        assert!(said(&output).contains("Examples:"), "{command:?}: {}", said(&output));
    }
}

#[test]
fn commands_about_this_machine_take_no_url() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["serve", "demo", "token", "migrate", "check-config", "doctor", "verify", "listen", "completions"] {
        let help = said(&run(folder.path(), &[command, "--help"]));
        assert!(!help.contains("--url") && !help.contains("RINGBACK_TOKEN"), "{command}: {help}");
        let output = run(folder.path(), &[command, "--url", "http://127.0.0.1:1"]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(complained(&output).contains("--url"), "{command}: {}", complained(&output));
    }
}

#[test]
fn every_shell_gets_its_completions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = run(folder.path(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(said(&output).contains("_RINGBACK_COMPLETE"), "{shell}: {}", said(&output));
    }
    assert_eq!(run(folder.path(), &["completions", "cmd"]).status.code(), Some(2));
}

/// Asks a real bash what it would offer for the last of these words.
fn offered(folder: &Path, words: &[&str]) -> Vec<String> {
    const SCRIPT: &str = r#"
        source /dev/stdin <<<"$(ringback completions bash)"
        COMP_WORDS=(ringback "$@")
        COMP_CWORD=$#
        COMP_TYPE=9
        _clap_complete_ringback ringback "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let program = Path::new(env!("CARGO_BIN_EXE_ringback")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", SCRIPT, "bash"]).args(words).current_dir(folder);
    let output = bash.env("PATH", format!("{}:{path}", program.display())).output().unwrap();
    assert!(output.status.success(), "{}", complained(&output));
    said(&output).lines().map(str::to_owned).collect()
}

#[test]
fn what_only_the_store_knows_is_completed_too() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(offered(folder.path(), &["dead"]), ["dead-letters"]);
    assert!(offered(folder.path(), &["endpoints", "get", "--key", ""]).concat().is_empty(), "there is no store");
    assert!(!folder.path().join("ringback.db").exists(), "and none is made");
    assert_eq!(run(folder.path(), &["migrate"]).status.code(), Some(0));
    for (tenant, key) in [("acme", "crm"), ("globex", "erp")] {
        let create = ["endpoints", "create", "https://example.com/hook", "--event-types", "*", "--tenant", tenant];
        let output = run(folder.path(), &[&create[..], &["--key", key]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", complained(&output));
    }
    assert_eq!(offered(folder.path(), &["endpoints", "get", "--key", ""]), ["crm", "erp"]);
    assert_eq!(offered(folder.path(), &["deliveries", "--tenant", "gl"]), ["globex"]);
    let ids = offered(folder.path(), &["endpoints", "pause", "ep_"]);
    assert!(ids.len() == 2 && ids.iter().all(|id| id.starts_with("ep_")), "{ids:?}");
    assert_eq!(offered(folder.path(), &["replay", "--endpoint-id", &ids[1]]), [ids[1].clone()]);
    assert_eq!(offered(folder.path(), &["emit", "call.ended", "--endpoint-keys", "c"]), ["crm"]);
    assert!(offered(folder.path(), &["deliveries", "--key", ""]).concat().is_empty(), "these are keys of calls");
}

/// Nobody asks for colours in a pipe, unless by variable; `NO_COLOR` goes before all.
#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let colours = |variables: &[(&str, &str)]| {
        let mut command = ringback(folder.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        let output = command.envs(variables.iter().copied()).arg("check-config").output().unwrap();
        said(&output).contains("\u{1b}[32mok")
    };
    assert!(!colours(&[]));
    assert!(colours(&[("CLICOLOR_FORCE", "1")]));
    assert!(!colours(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}
