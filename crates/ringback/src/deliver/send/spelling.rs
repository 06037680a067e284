//! Header names on the wire as they were spelled.
//!
//! To HTTP `X-Api-Key` and `x-api-key` are the same name, but some gateways tell them apart, and vendors' documents
//! promise a spelling. The `http` crate has names in lower case only. hyper writes another spelling if the request carries
//! a map that hyper's own parser creates when it is told to preserve spelling. The map has no constructor, so this module
//! has hyper parse an answer from memory, without a socket or a runtime, once for each destination. Every request carries
//! a copy of the map. Names in lower case need no map, so most requests carry none.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Extensions, Request};
use http_body_util::Empty;
use hyper::{
    client::conn::http1,
    rt::{Read, ReadBufCursor, Write},
};
use tokio::task::unconstrained;

use super::connection::Message;

/// How often both ends are polled in turn: once to write, once to read, and some to spare. Neither waits for anything.
const TURNS_MAX: usize = 8;

/// The header names that are not written in lower case.
#[derive(Debug, Clone, Default)]
pub struct Spelling(Option<Arc<Extensions>>);

impl Spelling {
    /// The spelling of `names`, each of which is a valid header name.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut lines = String::new();
        for name in names.into_iter().filter(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())) {
            lines.push_str(name);
            lines.push_str(": x\r\n");
        }
        if lines.is_empty() {
            return Self::default();
        }
        let map = parsed(format!("HTTP/1.1 204 No Content\r\n{lines}\r\n").into());
        debug_assert!(map.is_some(), "valid names make a head that can be parsed");
        Self(map.map(Arc::new))
    }

    /// Has the message written with this spelling.
    pub(super) fn put_on(&self, message: &mut Message) {
        if let Some(map) = &self.0 {
            *message.extensions_mut() = Extensions::clone(map);
        }
    }
}

/// What hyper keeps beside the headers of an answer: the spelling of their names.
fn parsed(answer: Bytes) -> Option<Extensions> {
    // The map holds slices of the read buffer, so the buffer is no larger than the answer.
    let (mut sender, mut connection) = http1::Builder::new()
        .preserve_header_case(true)
        .read_buf_exact_size(Some(answer.len()))
        .handshake(Scripted { answer, asked: false })
        .now_or_never()?
        .ok()?;
    let mut exchange = pin!(sender.send_request(Request::new(Empty::<Bytes>::new())));
    let mut ended = false;
    let turns = poll_fn(|cx| {
        for _ in 0..TURNS_MAX {
            if let Poll::Ready(response) = exchange.as_mut().poll(cx) {
                return Poll::Ready(response.ok());
            }
            ended = ended || Pin::new(&mut connection).poll(cx).is_ready();
            if ended {
                break;
            }
        }
        Poll::Ready(exchange.as_mut().now_or_never().and_then(Result::ok))
    });
    // Without tokio's task budget: once a busy task has used it up, polling would never return ready.
    unconstrained(turns).now_or_never().flatten().map(|response| response.into_parts().0.extensions)
}

/// A peer in memory: it takes any request, then gives its answer and ends.
struct Scripted {
    answer: Bytes,
    asked: bool,
}

impl Read for Scripted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.asked {
            return Poll::Pending;
        }
        let length = self.answer.len().min(buffer.remaining());
        buffer.put_slice(&self.answer.split_to(length));
        Poll::Ready(Ok(()))
    }
}

impl Write for Scripted {
    fn poll_write(mut self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.asked = true;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_lower_case_need_no_map() {
        assert!(Spelling::of([]).0.is_none());
        assert!(Spelling::of(["webhook-id", "x-retell-signature", "x_1"]).0.is_none());
    }

    #[test]
    fn any_set_of_names_is_parsed_without_a_runtime() {
        let many: Vec<_> = (0..48).map(|n| format!("X-Header-{n}")).collect();
        let long = format!("X-{}", "a".repeat(4_000));
        for names in [vec!["HTTP_SYNTHFLOW_SIGNATURE"], vec![long.as_str(), "B"], many.iter().map(|n| &**n).collect()] {
            let spelling = Spelling::of(names.iter().copied());
            assert_eq!(spelling.0.map(|map| map.len()), Some(1), "{names:?}");
        }
    }

    #[tokio::test]
    async fn names_are_parsed_in_a_task_that_has_used_up_its_budget() {
        // Every parse takes part of it, and nothing in here gives it back.
        for n in 0..1_000 {
            assert!(Spelling::of(["X-Api-Key"]).0.is_some(), "after {n} in one task");
        }
    }
}
