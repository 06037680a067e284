//! A connection that gives all refusals a body, and makes sure that they arrive.
//!
//! hyper itself answers heads that are too large or no HTTP, with only a status; such an answer is replaced on its way out
//! by one in the form of all other refusals. And after a refusal the connection reads for a moment what its client still
//! sends: closing a socket with unread bytes resets it, and the client would lose the answer.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use http::StatusCode;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::ours::Outgoing;

/// How long a client may go on sending after it was refused.
const LINGER: Duration = Duration::from_secs(1);

/// A stream that replaces hyper's refusals and lingers after a refusal.
pub(super) struct Refusing<S> {
    stream: S,
    outgoing: Arc<Outgoing>,
    /// The rest of the bytes to write in place of hyper's.
    instead: Option<Bytes>,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl<S> Refusing<S> {
    pub(super) const fn new(stream: S, outgoing: Arc<Outgoing>) -> Self {
        Self { stream, outgoing, instead: None, lingering: None }
    }

    /// The replacement for an answer of hyper itself. `None` for bytes of a Ringback answer, whatever they look like.
    fn better(&self, bytes: &[u8]) -> Option<Bytes> {
        if self.outgoing.is_ours() { None } else { better(bytes) }
    }
}

/// A header line that every answer of hyper itself has.
const NO_BODY: &[u8] = b"\r\ncontent-length: 0\r\n";

/// The replacement for an answer of hyper itself; `None` for all others. Ringback's answers with these statuses have a body.
fn better(answer: &[u8]) -> Option<Bytes> {
    let (status, code, detail) = match answer.strip_prefix(b"HTTP/1.")?.get(2..5)? {
        b"400" => (StatusCode::BAD_REQUEST, "malformed_request", "This is no request of HTTP/1.1."),
        b"414" | b"431" => (
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_large",
            "The head of a request may have at most 32 KiB and 100 headers.",
        ),
        _ => return None,
    };
    let has_no_body = answer.ends_with(b"\r\n\r\n") && answer.windows(NO_BODY.len()).any(|it| it == NO_BODY);
    if !has_no_body {
        return None;
    }
    let (head, body) = ringback_admin::refusal(status, code, detail, None).into_parts();
    let mut text = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len()).into_bytes();
    for (name, value) in &head.headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    text.extend_from_slice(&body);
    Some(text.into())
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusing<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Refusing<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.instead.is_none() {
            this.instead = this.better(bytes);
        }
        let Some(instead) = &mut this.instead else { return Pin::new(&mut this.stream).poll_write(context, bytes) };
        this.outgoing.refuse();
        while instead.has_remaining() {
            let wrote = ready!(Pin::new(&mut this.stream).poll_write(context, instead))?;
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            instead.advance(wrote);
        }
        this.instead = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // An answer of hyper itself is only a head, so it is the first slice.
        match slices.first() {
            Some(first) if self.instead.is_some() || self.better(first).is_some() => self.poll_write(context, first),
            _ => Pin::new(&mut self.stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.outgoing.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        if !this.outgoing.is_refused() {
            return Poll::Ready(Ok(()));
        }
        let lingering = this.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        let mut scrap = [0; 4096];
        while lingering.as_mut().poll(context).is_pending() {
            let mut buffer = ReadBuf::new(&mut scrap);
            let read = ready!(Pin::new(&mut this.stream).poll_read(context, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, response::Response};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
        time::{Instant, timeout},
    };

    use super::*;

    /// Longer than anything here waits for.
    const BOUND: Duration = Duration::from_secs(10);

    /// What a client reads up to the end of a refusal, or of the connection.
    async fn refusal(theirs: &mut DuplexStream) -> String {
        let mut told = Vec::new();
        while !told.ends_with(b"}") {
            let read = timeout(BOUND, theirs.read_buf(&mut told)).await.expect("an answer in time").unwrap();
            if read == 0 {
                break;
            }
        }
        String::from_utf8(told).unwrap()
    }

    #[test]
    fn only_answers_of_hypers_own_are_replaced() {
        let bare = |status: &str| {
            let text = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n");
            better(text.as_bytes()).map(|text| String::from_utf8(text.to_vec()).unwrap())
        };
        let refusal = bare("431 Request Header Fields Too Large").unwrap();
        let (head, body) = refusal.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{head}");
        for line in ["content-type: application/problem+json", "connection: close", "cache-control: no-store"] {
            assert!(head.lines().any(|it| it == line), "{line} is missing: {head}");
        }
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())) && body.contains("\"head_too_large\""));
        assert!(bare("414 URI Too Long").unwrap().contains("head_too_large"));
        assert!(bare("400 Bad Request").unwrap().contains("malformed_request"));
        assert_eq!(bare("204 No Content"), None);
        assert_eq!(bare("404 Not Found"), None);
        assert_eq!(better(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}"), None);
        assert_eq!(better(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 05\r\n\r\n"), None);
        assert_eq!(better(b"HTTP"), None);
    }

    #[tokio::test]
    async fn what_only_looks_like_hypers_own_goes_out_as_it_is() {
        const LOOKALIKE: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        // Each write ends where the next one looks like an answer.
        let (ours, mut theirs) = duplex(LOOKALIKE.len());
        let outgoing = Arc::new(Outgoing::default());
        let payload = LOOKALIKE.repeat(20);
        let response = outgoing.hand_over(Response::new(Body::from(payload.clone())));
        let mut stream = Refusing::new(ours, Arc::clone(&outgoing));
        let reading = tokio::spawn(async move {
            let mut read = vec![0; 20 * LOOKALIKE.len()];
            timeout(BOUND, theirs.read_exact(&mut read)).await.expect("all of it arrives").unwrap();
            (read, theirs)
        });
        stream.flush().await.unwrap();
        drop(response);
        stream.write_all(&payload).await.unwrap();
        let (read, mut theirs) = reading.await.unwrap();
        assert_eq!(read, payload);
        stream.flush().await.unwrap();
        let writing = tokio::spawn(async move { stream.write_all(LOOKALIKE).await });
        let told = refusal(&mut theirs).await;
        assert!(told.contains("malformed_request"), "hyper's own is replaced: {told}");
        writing.await.unwrap().unwrap();
    }

    /// A stream with its end at the client, whose own end takes no more than 8 bytes that nobody has read.
    fn connected() -> (Refusing<DuplexStream>, DuplexStream, Arc<Outgoing>) {
        let (ours, theirs) = duplex(8);
        let outgoing = Arc::new(Outgoing::default());
        (Refusing::new(ours, Arc::clone(&outgoing)), theirs, outgoing)
    }

    #[tokio::test]
    async fn what_a_refused_client_still_sends_is_read_for_a_moment_and_no_longer() {
        let (mut stream, mut theirs, outgoing) = connected();
        outgoing.refuse();
        let begun = Instant::now();
        let ending = tokio::spawn(async move {
            stream.shutdown().await.unwrap();
            stream
        });
        assert_eq!(theirs.read(&mut [0; 8]).await.unwrap(), 0, "the client is told at once that no more will come");
        let sent = timeout(BOUND, theirs.write_all(&[b'x'; 10_000])).await;
        sent.expect("what it sends is read").unwrap();
        assert!(!ending.is_finished(), "a client may go on for a while");
        timeout(BOUND, ending).await.expect("not for as long as it likes").unwrap();
        assert!(begun.elapsed() >= LINGER);
    }

    #[tokio::test]
    async fn a_connection_ends_at_once_with_its_client_and_without_a_refusal() {
        for is_refused in [true, false] {
            let (mut stream, theirs, outgoing) = connected();
            if is_refused {
                outgoing.refuse();
                drop(theirs);
            }
            let begun = Instant::now();
            timeout(BOUND, stream.shutdown()).await.expect("it ends").unwrap();
            assert!(begun.elapsed() < LINGER, "refused: {is_refused}");
        }
    }

    #[tokio::test]
    async fn a_refusal_of_hypers_own_is_replaced_in_a_vectored_write_too() {
        let (mut stream, mut theirs, outgoing) = connected();
        let head = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        let writing = tokio::spawn(async move { stream.write_vectored(&[io::IoSlice::new(head)]).await });
        let told = refusal(&mut theirs).await;
        assert!(told.contains("head_too_large"), "{told}");
        assert_eq!(writing.await.unwrap().unwrap(), head.len(), "hyper is told that its own was written");
        assert!(outgoing.is_refused());
    }
}
