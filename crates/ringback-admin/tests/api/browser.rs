//! A browser without a screen: it keeps a cookie, fills in forms and presses buttons.

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use ringback::{delivery::DeadReason, id::DeliveryId, store::Settlement};
use tower::ServiceExt as _;

use crate::app::{App, options};

/// A browser that knows one site.
pub(crate) struct Browser {
    pub(crate) site: Router,
    pub(crate) host: &'static str,
    pub(crate) cookie: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
}

/// What it was answered.
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Seen {
    pub(crate) fn leads_to(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.headers[header::LOCATION].to_str().unwrap()
    }

    pub(crate) fn cookie(&self) -> &str {
        self.headers[header::SET_COOKIE].to_str().unwrap()
    }

    /// What the page's forms carry.
    pub(crate) fn form(&self) -> &str {
        let (_, rest) =
            self.text.split_once("name=\"form\" value=\"").unwrap_or_else(|| panic!("no form: {}", self.text));
        rest.split_once('"').unwrap().0
    }
}

impl Browser {
    pub(crate) fn at(site: Router) -> Self {
        Self { site, host: "127.0.0.1:8080", cookie: String::new(), headers: Vec::new() }
    }

    pub(crate) fn of(app: &App) -> Self {
        Self::at(ringback_admin::router(app.engine.clone(), options().dashboard()))
    }

    /// Logged in at the root of `app`.
    pub(crate) async fn with_token(app: &App, token: &str) -> Self {
        let mut browser = Self::of(app);
        browser.log_in("", token).await;
        browser
    }

    pub(crate) async fn log_in(&mut self, mount: &str, token: &str) -> Seen {
        let form = self.get(&format!("{mount}/login")).await.form().to_owned();
        let seen = self.post(&format!("{mount}/login"), &format!("form={form}&to=/&token={token}")).await;
        if seen.headers.contains_key(header::SET_COOKIE) {
            self.cookie = seen.cookie().split(';').next().unwrap().to_owned();
        }
        seen
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        self.send(Method::GET, path, String::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Seen {
        self.send(Method::POST, path, body.to_owned()).await
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: String) -> Seen {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, self.host);
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, format!("theme=dark; {}", self.cookie));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let response = self.site.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Seen { status: head.status, headers: head.headers, text }
    }
}

/// A dead letter, and the path of its button.
pub(crate) async fn dead_letter(app: &App) -> (DeliveryId, String) {
    app.endpoint("crm").await;
    let (_, id) = app.delivery().await;
    let dead = Settlement::Dead { reason: DeadReason::Exhausted, detail: None, blocks: false };
    app.settle(id, dead, 503).await;
    (id, format!("/deliveries/{id}/replay"))
}

pub(crate) async fn is_dead(app: &App, id: DeliveryId) -> bool {
    app.engine.delivery(id).await.unwrap().unwrap().due_at.is_none()
}
