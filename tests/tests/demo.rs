//! `ringback demo`, the newcomer's first minute.

use ringback_tests::command::ringback_alone;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_tells_its_story_and_ends_well() {
    let demo = ringback_alone(&["demo", "--once"]).await;
    let told = format!("{}{}", demo.out, demo.err);
    assert_eq!(demo.code, 0, "{told}");
    for word in ["dead letter", "replay", "CALL_ENDED", "phone_call.ended"] {
        assert!(told.contains(word), "the story lacks “{word}”:\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_does_not_claim_what_did_not_happen() {
    for receiver in ["healthy", "flaky", "refusing"] {
        let demo = ringback_alone(&["demo", "--once", "--without", receiver]).await;
        assert_ne!(demo.code, 0, "without its {receiver} receiver:\n{}{}", demo.out, demo.err);
    }
}
