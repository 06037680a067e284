//! The story of `ringback demo` comes out as told, and says so when it does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
};

use support::{complained, ringback, run, said};

#[test]
fn the_story_comes_out_as_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["demo", "--once"]);
    let story = said(&output);
    assert_eq!(output.status.code(), Some(0), "{story}\n{}", complained(&output));
    for part in [
        "CALL_ENDED",
        "phone_call.ended",
        "replay",
        "X-Levrage-Signature fits",
        "svix-signature fits",
        "dead (exhausted)",
        "both lines add up",
        "the destination is held",
    ] {
        assert!(story.contains(part), "{part} is missing from:\n{story}");
    }
    for part in ["curl", "RINGBACK_TOKEN", "dashboard  http"] {
        assert!(!story.contains(part), "{part} is of no use when all of it has ended:\n{story}");
    }
    assert!(!story.contains('\u{1b}'), "colours are for terminals");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it left something behind");
}

#[test]
fn a_story_that_keeps_running_ends_on_a_dashboard_with_something_to_look_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut demo = ringback(folder.path()).arg("demo").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut story = String::new();
    while !story.contains("dashboard  http://127.0.0.1:") {
        let Some(line) = lines.next() else { panic!("it ended early:\n{story}") };
        story += &(line.unwrap() + "\n");
    }
    let variable = |name: &str| {
        let (_, value) = story.split_once(name).unwrap_or_else(|| panic!("{name} is missing from:\n{story}"));
        value.split_whitespace().next().unwrap().to_owned()
    };
    let (url, token) = (variable("RINGBACK_URL="), variable("RINGBACK_TOKEN="));
    assert_eq!(story.matches(&token).count(), 1, "the token is told once:\n{story}");
    let asked = |command: &[&str]| {
        let mut asked = ringback(folder.path());
        said(&asked.args(command).env("RINGBACK_URL", &url).env("RINGBACK_TOKEN", &token).output().unwrap())
    };
    let dead = asked(&["dead-letters"]);
    assert!(dead.contains("night-shift") && dead.contains("call-3001"), "{dead}");
    let pending = asked(&["deliveries", "--status", "pending"]);
    assert!(pending.contains("held: failing") && pending.contains("call-3003"), "{pending}");
    let ended = Command::new("kill").args(["-s", "INT", &demo.id().to_string()]).status().unwrap();
    assert!(ended.success() && demo.wait().unwrap().success());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it left something behind");
}

/// All three at once: each waits until the story's patience ends.
#[test]
fn a_story_without_one_of_its_receivers_does_not_end_well() {
    std::thread::scope(|scope| {
        for receiver in ["healthy", "flaky", "refusing"] {
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let output = run(folder.path(), &["demo", "--once", "--without", receiver]);
                assert_eq!(output.status.code(), Some(1), "without {receiver}:\n{}", said(&output));
                assert!(said(&output).contains("NOT AS TOLD"), "without {receiver}:\n{}", said(&output));
            });
        }
    });
}
