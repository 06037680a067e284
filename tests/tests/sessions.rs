//! Sessions of the dashboard end when somebody logs out or their token is worth nothing: on every node, for every copy of
//! the cookie.

use reqwest::{Client, Response, redirect};
use ringback_tests::{
    command::ringback,
    database::Database,
    on_both_stores,
    server::{Serve, Server},
    stores::Store,
    until::until,
};

/// A browser without a memory: who it is, is said with each request.
struct Pages(Client);

impl Pages {
    fn new() -> Self {
        Self(Client::builder().redirect(redirect::Policy::none()).build().expect("a client"))
    }

    async fn get(&self, node: &Server, path: &str, cookie: &str) -> Response {
        let request = self.0.get(format!("{}{path}", node.api.base())).header("cookie", cookie);
        request.send().await.expect("the server answers")
    }

    async fn post(&self, node: &Server, path: &str, cookie: &str, form: &str) -> Response {
        let request = self.0.post(format!("{}{path}", node.api.base())).header("cookie", cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned());
        request.send().await.expect("the server answers")
    }

    /// The cookie of a new session.
    async fn log_in(&self, node: &Server, token: &str) -> String {
        let form = form_of(self.get(node, "/login", "").await).await;
        let answer = self.post(node, "/login", "", &format!("form={form}&to=/&token={token}")).await;
        let cookie = answer.headers()["set-cookie"].to_str().expect("text");
        cookie.split(';').next().expect("a cookie").to_owned()
    }

    async fn is_in(&self, node: &Server, cookie: &str) -> bool {
        self.get(node, "/", cookie).await.status() == 200
    }
}

/// What the forms of a page carry.
async fn form_of(page: Response) -> String {
    let page = page.text().await.expect("a page");
    let (_, rest) = page.split_once("name=\"form\" value=\"").expect("a form");
    rest.split_once('"').expect("an end").0.to_owned()
}

/// A cookie's name holds the port of the node that made it; another node on this machine knows it by its own.
fn at(node: &Server, cookie: &str) -> String {
    let (_, port) = node.api.base().rsplit_once(':').expect("a port");
    let (_, session) = cookie.split_once('=').expect("a value");
    format!("ringback-session-{port}={session}")
}

on_both_stores! {
    async fn a_session_ends_on_every_node(store: Store) {
        let database = Database::fresh(store).await;
        let mut nodes = vec![Serve::on(&database).start().await];
        if store == Store::Postgres {
            nodes.push(Serve::on(&database).start().await);
        }
        let pages = Pages::new();
        let create = ["token", "create", "--scope", "read"];
        let token = ringback(&database, &create).await.done().trim().to_owned();
        let mine = pages.log_in(&nodes[0], &token).await;
        let other = pages.log_in(&nodes[0], &token).await;
        for node in &nodes {
            assert!(pages.is_in(node, &at(node, &mine)).await);
        }

        let form = form_of(pages.get(&nodes[0], "/", &mine).await).await;
        pages.post(&nodes[0], "/logout", &mine, &format!("form={form}")).await;
        for node in &nodes {
            assert!(!pages.is_in(node, &at(node, &mine)).await, "a copy of the cookie is worth nothing");
            assert!(pages.is_in(node, &at(node, &other)).await, "another session goes on");
        }
        // It is not forgotten with the process.
        nodes.remove(0).terminate().await;
        nodes.insert(0, Serve::on(&database).start().await);
        assert!(!pages.is_in(&nodes[0], &at(&nodes[0], &mine)).await);
        assert!(pages.is_in(&nodes[0], &at(&nodes[0], &other)).await);

        let (id, _) = token.trim_start_matches("rbk_").split_at(32);
        let told = ringback(&database, &["token", "revoke", &format!("tok_{id}")]).await.done();
        assert!(told.contains(id), "{told}");
        for node in &nodes {
            let cookie = at(node, &other);
            until("the session of a revoked token ends", async || (!pages.is_in(node, &cookie).await).then_some(())).await;
        }

        let expiring = ["token", "create", "--scope", "read", "--expires", "5s"];
        let token = ringback(&database, &expiring).await.done().trim().to_owned();
        let cookie = pages.log_in(&nodes[0], &token).await;
        let gone = async || (!pages.is_in(&nodes[0], &cookie).await).then_some(());
        until("the session of an expired token ends", gone).await;
    }
}
