//! The story of `ringback demo` comes out as told, and says so when it does not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{complained, run, said};

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
        "curl",
        "dashboard  http://127.0.0.1:",
    ] {
        assert!(story.contains(part), "{part} is missing from:\n{story}");
    }
    assert!(!story.contains('\u{1b}'), "colours are for terminals");
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
