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
    failure::{Failure, Result},
    measure::clock,
};

/// Where ports are looked for: below those that Linux gives to whoever connects, which a benchmark uses up by
/// thousands.
const LOWEST: u16 = 10_240;
const HIGHEST: u16 = 32_700;

/// Listens on `ports` free ports in a row, the same on each address; returns the first.
pub(super) async fn listen(addresses: u16, ports: u16, tally: &'static Tally) -> Result<u16> {
    let places = (HIGHEST - LOWEST) / ports;
    // Receivers that start one after the other look in different places first.
    let start = u16::try_from(std::process::id() % u32::from(places)).unwrap_or(0);
    for at in 0..places {
        let first = LOWEST + (start + at) % places * ports;
        if let Some(listeners) = all(addresses, first, ports).await {
            for listener in listeners {
                tokio::spawn(accept(listener, tally));
            }
            return Ok(first);
        }
    }
    Err(Failure::new(format!("there are no {ports} free ports in a row between {LOWEST} and {HIGHEST}")))
}

async fn all(addresses: u16, first: u16, ports: u16) -> Option<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for port in first..first.checked_add(ports)? {
        for address in 1..=addresses {
            let address = Ipv4Addr::from_bits(0x7f00_0000 + u32::from(address));
            listeners.push(TcpListener::bind((address, port)).await.ok()?);
        }
    }
    Some(listeners)
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
