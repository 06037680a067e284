//! From where a request comes, as far as that can be believed.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::request::Parts;

/// The address at the other end of the connection, if the server says it. Behind a proxy on this very machine it is
/// what the proxy says: the last address of `X-Forwarded-For`, which it has put there itself.
pub(super) fn address(request: &Parts) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions.get::<ConnectInfo<SocketAddr>>()?;
    let forwarded = || {
        let last = request.headers.get_all("x-forwarded-for").iter().next_back()?;
        last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
    };
    let peer = peer.ip().to_canonical();
    Some(if peer.is_loopback() { forwarded().unwrap_or(peer) } else { peer })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let sent = |peer: &str, forwarded: &[&str]| {
            let mut request = Request::builder().extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
            for value in forwarded {
                request = request.header("x-forwarded-for", *value);
            }
            address(&request.body(()).unwrap().into_parts().0).unwrap().to_string()
        };
        assert_eq!(sent("192.0.2.1:5000", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(sent("127.0.0.1:5000", &[]), "127.0.0.1");
        assert_eq!(sent("127.0.0.1:5000", &["10.0.0.1, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(sent("[::ffff:127.0.0.1]:5000", &["10.0.0.1", "2001:db8::1"]), "2001:db8::1");
        assert_eq!(sent("[::1]:5000", &["unknown"]), "::1");
    }
}
