//! The receiver's sockets and answers.

use std::{convert::Infallible, net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use super::{behaviour::Behaviour, tally::Tally};
use crate::{
    failure::{Result, While as _},
    measure::clock,
};

/// Listens on a free port, the same on each address; returns it.
pub(super) async fn listen(addresses: u8, tally: &'static Tally) -> Result<u16> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    for last in 2..=addresses {
        let address = Ipv4Addr::new(127, 0, 0, last);
        listeners.push(TcpListener::bind((address, port)).await.during(&format!("listening on {address}:{port}"))?);
    }
    for listener in listeners {
        tokio::spawn(accept(listener, tally));
    }
    Ok(port)
}

async fn accept(listener: TcpListener, tally: &'static Tally) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, tally));
            }
            // For want of files, as a rule: some will be closed.
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn serve(stream: TcpStream, tally: &'static Tally) {
    let _ = stream.set_nodelay(true);
    let _open = tally.connected();
    let answer = service_fn(|request| answer(request, tally));
    // Senders that go away in the middle are part of the play.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn answer(
    request: Request<Incoming>,
    tally: &'static Tally,
) -> std::result::Result<Response<Empty<Bytes>>, Infallible> {
    let arrived = clock::monotonic_ns();
    let behaviour = Behaviour::of(request.uri().path());
    tally.arrived(behaviour, arrived);
    let mut body = request.into_body();
    let mut is_first = true;
    while let Some(Ok(frame)) = body.frame().await {
        if let (true, Some(data)) = (is_first, frame.data_ref()) {
            tally.read(behaviour, arrived, data);
            is_first = false;
        }
    }
    let status = match behaviour {
        Behaviour::Healthy => StatusCode::NO_CONTENT,
        Behaviour::Hanging(ms) | Behaviour::Slow(ms) => {
            sleep(Duration::from_millis(ms)).await;
            StatusCode::NO_CONTENT
        }
        Behaviour::Flapping(ms) if (arrived / 1_000_000 / ms.max(1)) % 2 == 1 => StatusCode::INTERNAL_SERVER_ERROR,
        Behaviour::Flapping(_) => StatusCode::NO_CONTENT,
        Behaviour::Busy => StatusCode::TOO_MANY_REQUESTS,
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    if behaviour == Behaviour::Busy {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    Ok(response)
}
