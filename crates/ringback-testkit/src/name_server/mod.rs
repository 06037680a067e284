//! A name server on real sockets that answers as a test scripts.
//!
//! It listens on UDP and TCP under one address, answers questions for addresses (A and AAAA) of any name, late, half
//! or not at all if told so, and remembers every question, so that a test can see what was asked. It knows no zones:
//! the script is asked for each question anew. Dropping it closes its sockets.
//!
//! ```no_run
//! # async fn example() {
//! use ringback::egress::{Resolve as _, SystemResolver};
//! use ringback_testkit::{Answer, Kind, NameServer};
//!
//! let server = NameServer::start(|question| match question.kind {
//!     Kind::A => Answer::addresses([[127, 0, 0, 1]]),
//!     _ => Answer::silence(),
//! })
//! .await;
//! let resolver = SystemResolver::asking(&[server.address()]).unwrap();
//! assert_eq!(resolver.resolve("half.example.com").await.unwrap().len(), 1);
//! # }
//! ```
//!
//! Panics when it cannot listen.

mod answer;
mod question;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use hickory_resolver::proto::op::Message;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinSet,
};

pub use self::{
    answer::Answer,
    question::{Kind, Question},
};

/// How often a port is looked for that is free for both protocols.
const BINDS_MAX: usize = 50;

/// Longest question over UDP, in bytes.
const DATAGRAM_MAX: usize = 4_096;

/// A scripted name server.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    // Dropping them ends them, and what they have spawned.
    _tasks: JoinSet<()>,
}

struct Shared {
    script: Box<dyn Fn(&Question) -> Answer + Send + Sync>,
    asked: Mutex<Vec<Question>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("asked", &self.asked).finish_non_exhaustive()
    }
}

impl NameServer {
    /// Starts one on a free port of 127.0.0.1.
    pub async fn start(script: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Self {
        let (udp, tcp) = bind().await;
        let address = udp.local_addr().expect("it is bound");
        let shared = Arc::new(Shared { script: Box::new(script), asked: Mutex::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, Arc::clone(&shared)));
        tasks.spawn(serve_tcp(tcp, Arc::clone(&shared)));
        Self { address, shared, _tasks: tasks }
    }

    /// Where it listens, for both protocols.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every question so far, in order of arrival.
    #[must_use]
    pub fn asked(&self) -> Vec<Question> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often `name` was asked for, for addresses of either family.
    #[must_use]
    pub fn times_asked(&self, name: &str) -> usize {
        self.asked().iter().filter(|question| question.name == name).count()
    }
}

impl Shared {
    /// The script's answer to a message, and the question it is to; `None` for what is no question.
    fn judge(&self, bytes: &[u8], over_tcp: bool) -> Option<(Message, Question, Answer)> {
        let message = Message::from_vec(bytes).ok()?;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let question = Question::of(message.queries.first()?, over_tcp, &asked);
        asked.push(question.clone());
        drop(asked);
        let answer = (self.script)(&question);
        Some((message, question, answer))
    }
}

/// TCP takes the number that UDP got, if it is free there, too.
async fn bind() -> (UdpSocket, TcpListener) {
    for _ in 0..BINDS_MAX {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a local port is free");
        let address = udp.local_addr().expect("it is bound");
        if let Ok(tcp) = TcpListener::bind(address).await {
            return (udp, tcp);
        }
    }
    panic!("no local port is free for both protocols");
}

async fn serve_udp(socket: UdpSocket, shared: Arc<Shared>) {
    let socket = Arc::new(socket);
    let mut answers = JoinSet::new();
    let mut buffer = vec![0; DATAGRAM_MAX];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        let Some((message, question, answer)) = shared.judge(&buffer[..length], false) else { continue };
        let socket = Arc::clone(&socket);
        // Each on its own, so that a late answer keeps no other back.
        answers.spawn(async move {
            if let Some(bytes) = answer.ready(&message, &question).await {
                // Who asked may have gone meanwhile.
                let _ = socket.send_to(&bytes, from).await;
            }
        });
    }
}

async fn serve_tcp(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve_connection(stream, Arc::clone(&shared)));
    }
}

/// Question after question, each with its length before it (RFC 1035 §4.2.2), until the other side has gone.
async fn serve_connection(mut stream: TcpStream, shared: Arc<Shared>) {
    while let Ok(length) = stream.read_u16().await {
        let mut bytes = vec![0; length.into()];
        if stream.read_exact(&mut bytes).await.is_err() {
            return;
        }
        let Some((message, question, answer)) = shared.judge(&bytes, true) else { continue };
        let Some(bytes) = answer.ready(&message, &question).await else { continue };
        let length = u16::try_from(bytes.len()).expect("an answer of a test is short");
        if stream.write_u16(length).await.is_err() || stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
