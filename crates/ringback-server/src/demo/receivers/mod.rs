//! Three receivers on this machine, each a plain HTTP server with a temper (how it answers) and a rule (how it checks
//! requests, by its vendor's document). They get secrets as customers do: from the platform, when it shows them once.

mod rule;
mod temper;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{Router, extract::State};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri};
use tokio::{net::TcpListener, sync::mpsc};

pub(super) use self::rule::Rule;
pub(crate) use self::temper::Temper;
use crate::failure::{Failure, Result};

/// A request that reached a receiver, with the check's result and the answer.
#[derive(Debug)]
pub(super) struct Arrival {
    /// The receiver.
    pub(super) receiver: Temper,
    /// The path, which stands for one endpoint.
    pub(super) path: String,
    /// The headers as they came.
    pub(super) headers: HeaderMap,
    /// What was answered.
    pub(super) status: StatusCode,
    /// What the check found: which signature fits, or what is wrong.
    pub(super) check: Result<String, String>,
    /// When.
    pub(super) at: Instant,
}

impl Arrival {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A receiver that listens, or only its address, where nobody listens (`--without`).
#[derive(Debug)]
pub(super) struct Receiver {
    /// Where it is.
    pub(super) address: SocketAddr,
    door: Arc<Door>,
}

#[derive(Debug)]
struct Door {
    temper: Temper,
    mood: temper::Mood,
    rules: Mutex<HashMap<String, Rule>>,
    arrivals: mpsc::UnboundedSender<Arrival>,
}

impl Receiver {
    /// Opens a receiver; `absent` leaves its address with nobody listening.
    ///
    /// # Errors
    /// When this machine has no free port on loopback.
    pub(super) async fn open(temper: Temper, absent: bool, arrivals: mpsc::UnboundedSender<Arrival>) -> Result<Self> {
        let no_port = |error| Failure::failed(format!("no receiver can listen on 127.0.0.1: {error}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(no_port)?;
        let address = listener.local_addr().map_err(no_port)?;
        let door = Arc::new(Door { temper, mood: temper::Mood::default(), rules: Mutex::default(), arrivals });
        if !absent {
            let router = Router::new().fallback(answer).with_state(Arc::clone(&door));
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        Ok(Self { address, door })
    }

    /// The URL of one of its paths, after telling it what to check there.
    pub(super) fn expect(&self, path: &str, rule: Rule) -> String {
        self.door.rules.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), rule);
        self.url(path)
    }

    /// The URL of one of its paths.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on it answers 200.
    pub(super) fn repair(&self) {
        self.door.mood.repair();
    }
}

/// Checks, answers by temper, and reports.
async fn answer(
    State(door): State<Arc<Door>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let rule = door.rules.lock().unwrap_or_else(PoisonError::into_inner).get(uri.path()).cloned();
    let check = match rule {
        Some(rule) if method == Method::POST => rule.check(&headers, &body),
        Some(_) => Err(format!("came by {method}")),
        None => Err("nobody here expects anything".to_owned()),
    };
    // A request that does not fit its rule is refused by every receiver, whatever its temper.
    let (status, words) = match &check {
        Ok(_) => door.mood.answer(door.temper),
        Err(_) => (StatusCode::UNAUTHORIZED, r#"{"error":"the signature does not fit"}"#),
    };
    let path = uri.path().to_owned();
    let arrival = Arrival { receiver: door.temper, path, headers, status, check, at: Instant::now() };
    // Fails if the story is over.
    let _ = door.arrivals.send(arrival);
    (status, words)
}
