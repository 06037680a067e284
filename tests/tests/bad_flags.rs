//! A slip on the command line is refused by the name of what was typed, with status 2, and changes nothing: every flag
//! and argument of every command, as `--help` names them.

use std::collections::HashMap;

use ringback_tests::{
    api::{Api, id_of},
    command::ringback,
    database::Database,
    help::Help,
    on_both_stores,
    server::Serve,
    slips,
    stores::Store,
};
use serde_json::{Value, json};

/// Flags whose values nobody may repeat, in an error least of all.
const SECRET: [&str; 5] = ["--admin-token", "--master-key", "--old-master-keys", "--secret", "--token"];

/// A slip is refused before a store is opened. So SQLite sees all of them, and PostgreSQL every so-manyth, to see that it
/// stays as it was.
const SAMPLED: usize = 8;

/// What a command line could change.
async fn state(api: &Api) -> Vec<Value> {
    let mut state = vec![api.get("/v1/ledger").await.expect(200)];
    for list in ["endpoints", "events", "audit"] {
        state.push(api.get(&format!("/v1/{list}?limit=1000")).await.expect(200));
    }
    state
}

on_both_stores! {
    async fn every_flag_and_argument_of_every_command_is_refused_by_its_name(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).start().await;
        let endpoint = json!({"url": "https://example.com/h", "event_types": []});
        let endpoint = id_of(&server.api.endpoint(endpoint).await);
        std::fs::write(database.folder().join("body.json"), "{}").expect("the folder is writable");
        let before = state(&server.api).await;
        let sampled = if store == Store::Postgres { SAMPLED } else { 1 };
        let (mut complaints, mut known, mut tried) = (Vec::new(), 0_usize, 0);
        let mut commands_with = HashMap::<_, usize>::new();
        let mut all = Help::of_all().await;
        // Commands that only open the store take every key of the configuration, and show three.
        let of_serve = Help::of(&["serve"]).await.flags;
        let deliveries = all.iter_mut().find(|(command, _)| command == "deliveries").expect("a command");
        deliveries.1.flags.extend(of_serve);
        for (command, help) in all {
            let arguments = help.arguments.iter().enumerate().map(|(place, name)| (name, Some(place)));
            for (name, place) in arguments.chain(help.flags.iter().map(|flag| (flag, None))) {
                let Some(values) = slips::values(&command, name) else {
                    complaints.push(format!("no wrong value is known for {name} of {command}"));
                    continue;
                };
                // The first command that has it sees every wrong value of a flag, each other one the next of them.
                let seen = commands_with.entry((name.clone(), values.clone())).or_default();
                let (skipped, taken) = if *seen == 0 { (0, values.len()) } else { (*seen, 1) };
                *seen += 1;
                let these: Vec<_> = values.iter().cycle().skip(skipped).take(taken).cloned().collect();
                for value in these {
                    known += 1;
                    if !known.is_multiple_of(sampled) {
                        continue;
                    }
                    let line = slips::line(&command, &endpoint, name, &value, place);
                    let finished = ringback(&database, &line.iter().map(String::as_str).collect::<Vec<_>>()).await;
                    let told = format!("{}{}", finished.out, finished.err);
                    // What is wrong inside a file is told with the file's name, and where to by the name in --help.
                    let names = told.contains(name.as_str())
                        || name == "--to" && told.contains("DESTINATION")
                        || name == "--config" && told.contains(&value);
                    let repeats = SECRET.contains(&name.as_str()) && value.len() > 4 && told.contains(&value);
                    if finished.code != 2 || !names || repeats || told.contains("panicked") || told.len() > 4_096 {
                        let (line, told): (String, String) = (line.join(" ").chars().take(150).collect(), told.chars().take(300).collect());
                        complaints.push(format!("{line}: {} {told}", finished.code));
                    }
                    tried += 1;
                }
            }
        }
        assert!(complaints.is_empty(), "{} of {tried}:\n{}", complaints.len(), complaints.join("\n"));
        assert!(tried > 300 / sampled, "only {tried} command lines");
        assert_eq!(state(&server.api).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_command_takes_is_refused_everywhere() {
    let database = Database::fresh(Store::Sqlite).await;
    for (command, _) in Help::of_all().await {
        let words: Vec<_> = command.split_whitespace().collect();
        for slip in ["--nonsense", "--nonsense=1", "-x"] {
            let refused = ringback(&database, &[&words[..], &[slip]].concat()).await;
            assert_eq!(refused.code, 2, "{command} {slip}: {}", refused.err);
            assert!(refused.err.contains(slip.trim_end_matches("=1")), "{command} {slip}: {}", refused.err);
        }
    }
    for line in
        [&["nonsense"][..], &["endpoints", "nonsense"], &["token", "nonsense"], &["find", "a", "b"], &["serve", "now"]]
    {
        let refused = ringback(&database, line).await;
        assert_eq!(refused.code, 2, "{line:?}: {}", refused.err);
        assert!(refused.err.contains(line[line.len() - 1]), "{line:?}: {}", refused.err);
    }
    let names: Vec<_> = std::fs::read_dir(database.folder()).expect("a folder").collect();
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_read_are_named() {
    let database = Database::fresh(Store::Sqlite).await;
    let _ = ringback(&database, &["migrate"]).await.done();
    let endpoint = ["endpoints", "create", "https://example.com/h", "--event-types", "*", "--json"];
    let endpoint = id_of(&ringback(&database, &endpoint).await.json());
    let write = |name: &str, bytes: &[u8]| std::fs::write(database.folder().join(name), bytes).expect("writable");
    write("body.json", b"{}");
    write("half.json", b"{\"a\":");
    write("two.json", b"{} {}");
    write("empty.json", b"");
    write("bytes.json", b"\"\xff\"");
    let verify = ["verify", "--scheme", "levrage", "--secret", "s"];
    let (body, header) = (["--body", "body.json"], ["--header", "x-levrage-signature: 00"]);
    for (name, status) in
        [("half.json", 2), ("two.json", 2), ("empty.json", 2), ("bytes.json", 2), ("absent.json", 1), (".", 1)]
    {
        let lines: [Vec<&str>; 3] = [
            vec!["emit", "t", name],
            vec!["endpoints", "test", &endpoint, "--payload", name],
            [&verify[..], &body, &["--headers", name]].concat(),
        ];
        for line in lines {
            if line[0] == "verify" && ["two.json", "empty.json"].contains(&name) {
                continue; // As headers these are an object followed by something, and none at all.
            }
            let refused = ringback(&database, &line).await;
            assert_eq!(refused.code, status, "{line:?}: {}", refused.err);
            assert!(refused.err.contains(name) && !refused.err.contains("panicked"), "{line:?}: {}", refused.err);
        }
    }
    let absent = ringback(&database, &[&verify[..], &header, &["--body", "absent.json"]].concat()).await;
    assert!(absent.code == 1 && absent.err.contains("absent.json"), "{}", absent.err);
    assert_eq!(ringback(&database, &["find", "call-1"]).await.code, 3, "nothing was emitted");
}
