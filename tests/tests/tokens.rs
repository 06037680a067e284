//! Tokens from the command line: made, used, revoked, expired.

use ringback_tests::{
    api::{Api, id_of},
    command::ringback,
    database::Database,
    on_both_stores,
    server::Serve,
    stores::Store,
    until::until,
};
use serde_json::json;

on_both_stores! {
    async fn a_token_is_made_used_and_revoked_from_the_command_line(store: Store) {
        let database = Database::fresh(store).await;
        let server = Serve::on(&database).set("log", "trace").start().await;
        let printed = ringback(&database, &["token", "create", "--scope", "read", "--name", "grafana"]).await.done();
        let text = printed.trim_end_matches('\n');
        assert!(text.starts_with("rbk_") && !text.contains(char::is_whitespace), "{printed:?}");
        let api = server.api.with_token(text);
        api.get("/v1/ledger").await.expect(200);
        api.get("/v1/audit").await.expect_problem(403, "forbidden");

        let listed = || async { ringback(&database, &["token", "list", "--json"]).await.json()["items"].clone() };
        let used = until("its use is noted", async || Some(listed().await).filter(|it| !it[0]["last_used_at"].is_null()));
        let used = used.await;
        let of_it = json!({"scope": "read", "tenant": null, "name": "grafana", "expires_at": null, "revoked_at": null});
        for (name, value) in of_it.as_object().expect("an object") {
            assert_eq!(used[0][name], *value, "{name}: {used}");
        }
        let id = id_of(&used[0]);
        let table = ringback(&database, &["token", "list"]).await.done();
        assert!(table.contains(&id) && table.contains("grafana"), "{table}");

        // Another secret under the same id, and an id of nobody's.
        let (head, last) = text.split_at(text.len() - 1);
        let other = format!("{head}{}", if last == "0" { "1" } else { "0" });
        let nobodys = format!("rbk_{}{}", "0".repeat(32), &text[36..]);
        for wrong in [other.as_str(), &nobodys, head, "rbk_", &id] {
            server.api.with_token(wrong).get("/v1/ledger").await.expect_problem(401, "unauthorized");
        }

        let told = ringback(&database, &["token", "revoke", &id]).await.done();
        assert!(told.contains(&id), "{told}");
        refused_soon(&api).await;
        assert!(!listed().await[0]["revoked_at"].is_null());
        assert_eq!(ringback(&database, &["token", "revoke", "tok_x"]).await.code, 2);
        assert_eq!(ringback(&database, &["token", "revoke", &format!("tok_{}", "0".repeat(32))]).await.code, 3);

        let expiring =
            ringback(&database, &["token", "create", "--scope", "admin", "--tenant", "acme", "--expires", "1s"]).await;
        refused_soon(&server.api.with_token(expiring.done().trim())).await;
        for (wrong, names) in [
            (["--scope", "root"], "--scope"),
            (["--tenant", "a b"], "--tenant"),
            (["--expires", "0s"], "--expires"),
            (["--expires", "soon"], "--expires"),
            (["--name", ""], "--name"),
        ] {
            let scope = if wrong[0] == "--scope" { &[][..] } else { &["--scope", "read"][..] };
            let refused = ringback(&database, &[&["token", "create"], scope, &wrong].concat()).await;
            assert_eq!((refused.code, refused.err.contains(names)), (2, true), "{wrong:?}: {}", refused.err);
        }

        let dump = String::from_utf8_lossy(&database.dump().await).into_owned();
        assert!(dump.contains("grafana"), "a dump without the token's row would prove nothing");
        let secret = &text[37..];
        assert!(!dump.contains(secret) && !server.log().contains(secret), "its text is kept nowhere");
    }
}

/// Nobody may do anything with it any more.
async fn refused_soon(api: &Api) {
    until("the token is refused", async || (api.get("/v1/ledger").await.status == 401).then_some(())).await;
    api.get("/v1/ledger").await.expect_problem(401, "unauthorized");
}
