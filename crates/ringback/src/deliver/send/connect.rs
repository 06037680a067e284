//! From vetted addresses to an open connection.
//!
//! Addresses are tried in order, the families in turns. Each gets a head start of 250 ms before the
//! next is tried beside it, so that a dead address costs a moment and not the deadline.

use std::{io, net::SocketAddr, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{net::TcpStream, time::timeout};

use crate::{attempt::ErrorClass, egress::Egress};

/// How long an address is tried alone; the value RFC 8305 recommends.
const HEAD_START: Duration = Duration::from_millis(250);

/// Most addresses of one name that are dialled. A name with more is a trap, not a receiver.
const ADDRESSES_MAX: usize = 16;

/// Connects to the first of `addresses` that answers.
///
/// # Errors
/// `connect_refused` if any address refused, `connect` if all failed otherwise; `dns` if there were too
/// many to try.
pub(super) async fn dial(addresses: &[SocketAddr], egress: &Egress) -> Result<TcpStream, ErrorClass> {
    let stream = match addresses {
        [only] => TcpStream::connect(only).await.map_err(|error| class(&error))?,
        several if several.len() <= ADDRESSES_MAX => race(several).await?,
        many => race(&many[..ADDRESSES_MAX]).await.map_err(|_| ErrorClass::Dns)?,
    };
    let peer = stream.peer_addr().map_err(|_| ErrorClass::Connect)?;
    // Every address was vetted before it was dialled; this second check guards against a defect of Ringback.
    egress.permits(peer)?;
    stream.set_nodelay(true).map_err(|_| ErrorClass::Connect)?;
    Ok(stream)
}

async fn race(addresses: &[SocketAddr]) -> Result<TcpStream, ErrorClass> {
    let mut waiting = in_turns(addresses).into_iter();
    let mut dialled = FuturesUnordered::new();
    let mut failed = ErrorClass::Connect;
    loop {
        if let Some(next) = waiting.next() {
            dialled.push(TcpStream::connect(next));
        }
        let ended = if waiting.len() > 0 {
            match timeout(HEAD_START, dialled.next()).await {
                Ok(ended) => ended,
                Err(_head_start_over) => continue,
            }
        } else {
            dialled.next().await
        };
        match ended {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) if class(&error) == ErrorClass::ConnectRefused => failed = ErrorClass::ConnectRefused,
            Some(Err(_)) => {}
            None => return Err(failed),
        }
    }
}

/// One address of each family by turns, beginning with the family that the resolver put first.
fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses.iter().partition(|address| address.is_ipv4() == first_is_v4);
    let mut second = second.into_iter();
    let mut turns: Vec<SocketAddr> = first.into_iter().flat_map(|one| [Some(one), second.next()]).flatten().collect();
    turns.extend(second);
    turns
}

fn class(error: &io::Error) -> ErrorClass {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ErrorClass::ConnectRefused,
        io::ErrorKind::TimedOut => ErrorClass::Timeout,
        _ => ErrorClass::Connect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<SocketAddr>>();
        assert_eq!(
            in_turns(&addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"])),
            addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"])
        );
        assert_eq!(
            in_turns(&addresses(&["1.1.1.1:1", "[::1]:1", "[::2]:1"])),
            addresses(&["1.1.1.1:1", "[::1]:1", "[::2]:1"])
        );
    }
}
