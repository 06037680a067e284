//! A request as it came in, byte for byte.

use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

/// A request that a receiver was sent.
#[derive(Debug, Clone)]
pub struct Received {
    /// How many requests this receiver has got, this one included.
    pub nth: usize,
    /// Which of the receiver's connections it came over, counted from 1.
    pub connection: usize,
    /// `POST`.
    pub method: String,
    /// Path and query as they were written.
    pub path: String,
    /// Names as they were written with their values, in order.
    pub headers: Vec<(String, String)>,
    /// The request line and the headers as they were written, with the empty line.
    pub head: Bytes,
    /// The body as it was written; empty for a receiver that reads no bodies.
    pub body: Bytes,
    /// When it had been read.
    pub at: SystemTime,
}

impl Received {
    /// The value of the first header of that name, in whatever case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    /// A receiver that reads nothing has only this to show.
    pub(super) fn unread(connection: usize) -> Self {
        Self {
            nth: 0,
            connection,
            method: String::new(),
            path: String::new(),
            headers: Vec::new(),
            head: Bytes::new(),
            body: Bytes::new(),
            at: SystemTime::now(),
        }
    }

    /// The next request of a connection; `None` when there is none. What was read beyond it stays in `buffer`.
    pub(super) async fn read<S>(
        stream: &mut S,
        buffer: &mut BytesMut,
        connection: usize,
        with_body: bool,
    ) -> Option<Self>
    where
        S: AsyncRead + Unpin,
    {
        let head_length = loop {
            if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            more(stream, buffer).await?;
        };
        let head = buffer.split_to(head_length).freeze();
        let mut received = Self { head, ..Self::unread(connection) };
        received.parse_head();
        if with_body {
            let length = received.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
            while buffer.len() < length {
                more(stream, buffer).await?;
            }
            received.body = buffer.split_to(length).freeze();
        }
        received.at = SystemTime::now();
        Some(received)
    }

    fn parse_head(&mut self) {
        let text = String::from_utf8_lossy(&self.head).into_owned();
        let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
        let mut line = lines.next().unwrap_or_default().split(' ');
        self.method = line.next().unwrap_or_default().to_owned();
        self.path = line.next().unwrap_or_default().to_owned();
        self.headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
    }
}

async fn more<S: AsyncRead + Unpin>(stream: &mut S, buffer: &mut BytesMut) -> Option<()> {
    match stream.read_buf(buffer).await {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(()),
    }
}
