//! The byte budget of one response, enforced where the bytes come in.
//!
//! Everything a receiver sends is counted below TLS and below HTTP, so that no flood of interim
//! answers, of headers or of empty records can keep a core busy until the deadline. The same place
//! counts what was written: an attempt that wrote nothing cannot have been processed.
//!
//! A failed write is not reported. The receiver may have answered before it closed, and that answer
//! can still be read; if there is none, reading reports the loss.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Most bytes read for one response, including interim responses and TLS records.
pub(super) const RESPONSE_MAX: u64 = 256 * 1024;

/// A response used up its budget.
#[derive(Debug, thiserror::Error)]
#[error("the answer is larger than is read")]
pub(super) struct Spent;

/// Counts what went over a connection since its current request began. The connection's task writes the counts, the
/// attempt reads them.
#[derive(Debug, Default)]
pub(super) struct Meter {
    read: AtomicU64,
    written: AtomicU64,
    answered: AtomicU64,
    write_failed: AtomicBool,
}

impl Meter {
    /// Starts the budget anew for the next request.
    pub(super) fn reset(&self) {
        self.read.store(0, Relaxed);
        self.written.store(0, Relaxed);
        self.answered.store(0, Relaxed);
    }

    /// Bytes handed to the network.
    pub(super) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// Bytes of HTTP that came back.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Counts bytes of HTTP that came back.
    pub(super) fn count_answered(&self, bytes: usize) {
        self.answered.fetch_add(bytes as u64, Relaxed);
    }

    /// Whether part of a request could not be written; the connection is of no further use.
    pub(super) fn write_failed(&self) -> bool {
        self.write_failed.load(Relaxed)
    }

    fn left(&self) -> usize {
        usize::try_from(RESPONSE_MAX.saturating_sub(self.read.load(Relaxed))).unwrap_or(usize::MAX)
    }
}

/// A TCP stream that counts and stops at the budget.
#[derive(Debug)]
pub(super) struct Metered {
    stream: TcpStream,
    meter: Arc<Meter>,
}

impl Metered {
    pub(super) const fn new(stream: TcpStream, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }

    fn wrote(&self, written: io::Result<usize>, offered: usize) -> usize {
        if let Ok(written) = written {
            self.meter.written.fetch_add(written as u64, Relaxed);
            return written;
        }
        self.meter.write_failed.store(true, Relaxed);
        offered
    }
}

impl AsyncRead for Metered {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let left = self.meter.left();
        if left == 0 {
            return Poll::Ready(Err(io::Error::other(Spent)));
        }
        let before = buffer.filled().len();
        if left >= buffer.remaining() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        } else {
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(left));
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut part))?;
            let filled = part.filled().len();
            buffer.advance(filled);
        }
        self.meter.read.fetch_add((buffer.filled().len() - before) as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.meter.write_failed() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        Poll::Ready(Ok(self.wrote(written, bytes.len())))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let offered = slices.iter().map(|slice| slice.len()).sum();
        if self.meter.write_failed() {
            return Poll::Ready(Ok(offered));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        Poll::Ready(Ok(self.wrote(written, offered)))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A TCP socket has nothing to flush.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
