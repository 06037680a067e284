//! Every route of the API, walked with curl as a person would: `tests/walk/every_route.sh`. Beside it the walk is made
//! to fail, so that its success means something.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use ringback_tests::{
    database::Database,
    on_both_stores,
    receiver::Receiver,
    server::{Serve, Server, TOKEN},
    stores::Store,
    until::BOUND,
};
use tokio::process::Command;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("walk")
}

async fn walk(script: &Path, server: &Server, token: &str, receiver: &Receiver) -> Output {
    let mut command = Command::new("bash");
    command.arg(script).args([server.api.base(), token, &receiver.url()]);
    let running = command.stdin(Stdio::null()).kill_on_drop(true).output();
    tokio::time::timeout(BOUND * 2, running).await.expect("the walk ends in time").expect("bash is there")
}

/// What a walk complains about that does not end well.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

on_both_stores! {
    async fn every_documented_route_answers_as_documented(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let receiver = Receiver::healthy().await;
        // A second walk finds what the first one left.
        for _ in 0..2 {
            let output = walk(&folder().join("every_route.sh"), &server, TOKEN, &receiver).await;
            let (told, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{told}\n{complained}");
            assert!(told.ends_with(" routes, each answered as documented\n"), "{told}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_is_left_out_or_answers_otherwise_fails_the_walk() {
    let database = Database::fresh(Store::Sqlite).await;
    let server = Serve::on(&database).start().await;
    let receiver = Receiver::healthy().await;
    let script = folder().join("every_route.sh");
    let refused = complaint(&walk(&script, &server, "not-the-token-of-this-server", &receiver).await);
    assert!(refused.contains("POST /v1/endpoints answers 401 instead of 201"), "{refused}");

    let whole = std::fs::read_to_string(&script).expect("the walk is there");
    let steps = whole.split("\nstep ").filter(|step| !step.contains("ask GET '/v1/audit?"));
    std::fs::write(database.folder().join("without.sh"), steps.collect::<Vec<_>>().join("\nstep ")).expect("writable");
    std::fs::copy(folder().join("asking.sh"), database.folder().join("asking.sh")).expect("writable");
    let left_out = complaint(&walk(&database.folder().join("without.sh"), &server, TOKEN, &receiver).await);
    assert!(left_out.contains("the walk does not call GET /metrics"), "{left_out}");
}
