//! What a receiver does with a request: a few steps, well-behaved or not.
//!
//! Unless its last step ends the connection, the receiver waits for the next request afterwards.

use std::time::Duration;

use bytes::Bytes;
use tokio::{
    io::{AsyncWriteExt, copy, sink},
    time::sleep,
};

use super::wire::Wire;
use crate::gate::Gate;

/// The steps of one reply.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
enum Step {
    Answer { status: u16, headers: Vec<(String, String)>, body: Bytes },
    Send(Bytes),
    Drip { bytes: Bytes, every: Duration },
    Flood(Bytes),
    Wait(Duration),
    Await(Gate),
    Hang,
    Close,
    Reset,
}

impl Reply {
    /// A proper answer with this status; without body until [`Reply::body`] gives it one.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { steps: vec![Step::Answer { status, headers: Vec::new(), body: Bytes::new() }] }
    }

    /// These very bytes, whatever they are.
    #[must_use]
    pub fn raw(bytes: impl Into<Bytes>) -> Self {
        Self { steps: vec![Step::Send(bytes.into())] }
    }

    /// Nothing at all, while the connection stays open.
    #[must_use]
    pub fn hang() -> Self {
        Self::default().then_hang()
    }

    /// The end of the connection without an answer.
    #[must_use]
    pub fn close() -> Self {
        Self::default().then_close()
    }

    /// A reset of the connection without an answer.
    #[must_use]
    pub fn reset() -> Self {
        Self::default().then_reset()
    }

    /// One byte at a time.
    #[must_use]
    pub fn drip(bytes: impl Into<Bytes>, every: Duration) -> Self {
        Self::default().then_drip(bytes, every)
    }

    /// The same bytes again and again, for as long as they are taken.
    #[must_use]
    pub fn flood(bytes: impl Into<Bytes>) -> Self {
        Self::default().then_flood(bytes)
    }

    /// Adds a header to the answer.
    ///
    /// # Panics
    /// When the last step is not an answer by [`Reply::status`].
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.answer().0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives the answer a body.
    ///
    /// # Panics
    /// When the last step is not an answer by [`Reply::status`].
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        *self.answer().1 = bytes.into();
        self
    }

    /// Does all this only after a while.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.steps.insert(0, Step::Wait(delay));
        self
    }

    /// Does all this only once `gate` is open.
    #[must_use]
    pub fn once(mut self, gate: &Gate) -> Self {
        self.steps.insert(0, Step::Await(gate.clone()));
        self
    }

    /// Then these bytes.
    #[must_use]
    pub fn then(self, bytes: impl Into<Bytes>) -> Self {
        self.and(Step::Send(bytes.into()))
    }

    /// Then one byte at a time.
    #[must_use]
    pub fn then_drip(self, bytes: impl Into<Bytes>, every: Duration) -> Self {
        self.and(Step::Drip { bytes: bytes.into(), every })
    }

    /// Then the same bytes again and again, for as long as they are taken.
    #[must_use]
    pub fn then_flood(self, bytes: impl Into<Bytes>) -> Self {
        self.and(Step::Flood(bytes.into()))
    }

    /// Then a pause.
    #[must_use]
    pub fn then_wait(self, pause: Duration) -> Self {
        self.and(Step::Wait(pause))
    }

    /// Then nothing more, while the connection stays open.
    #[must_use]
    pub fn then_hang(self) -> Self {
        self.and(Step::Hang)
    }

    /// Then the end of the connection.
    #[must_use]
    pub fn then_close(self) -> Self {
        self.and(Step::Close)
    }

    /// Then a reset of the connection.
    #[must_use]
    pub fn then_reset(self) -> Self {
        self.and(Step::Reset)
    }

    /// Takes all steps; whether the connection is to be read on.
    pub(super) async fn play(self, wire: &mut Wire) -> bool {
        for step in self.steps {
            if !step.take(wire).await {
                return false;
            }
        }
        true
    }

    fn and(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn answer(&mut self) -> (&mut Vec<(String, String)>, &mut Bytes) {
        match self.steps.last_mut() {
            Some(Step::Answer { headers, body, .. }) => (headers, body),
            _ => panic!("only an answer by Reply::status takes headers and a body"),
        }
    }
}

impl Step {
    async fn take(self, wire: &mut Wire) -> bool {
        match self {
            Self::Answer { status, headers, body } => send(wire, &answer(status, &headers, &body)).await,
            Self::Send(bytes) => send(wire, &bytes).await,
            Self::Drip { bytes, every } => drip(wire, &bytes, every).await,
            Self::Flood(bytes) => {
                while send(wire, &bytes).await {}
                false
            }
            Self::Wait(pause) => {
                sleep(pause).await;
                true
            }
            Self::Await(gate) => {
                gate.passed().await;
                true
            }
            Self::Hang => {
                // Until the other side is done with us.
                let _ = copy(wire, &mut sink()).await;
                false
            }
            Self::Close => {
                let _ = wire.shutdown().await;
                false
            }
            Self::Reset => {
                wire.reset_on_drop();
                false
            }
        }
    }
}

async fn send(wire: &mut Wire, bytes: &[u8]) -> bool {
    wire.write_all(bytes).await.is_ok() && wire.flush().await.is_ok()
}

async fn drip(wire: &mut Wire, bytes: &[u8], every: Duration) -> bool {
    for byte in bytes {
        if !send(wire, &[*byte]).await {
            return false;
        }
        sleep(every).await;
    }
    true
}

fn answer(status: u16, headers: &[(String, String)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Scripted\r\n");
    if !matches!(status, 100..=199 | 204 | 304) {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
