//! TLS towards receivers: rustls with an explicit provider, only HTTP/1.1 in ALPN, and its errors as [`ErrorClass`].
//!
//! No provider is installed for the whole process; a host may use another one.

use std::{cell::Cell, fmt, io, net::SocketAddr, sync::Arc};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, SignatureScheme, client::ResolvesClientCert, crypto::ring,
    pki_types::ServerName, sign::CertifiedKey,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::{
    budget::{Meter, Metered},
    stream::Stream,
};
use crate::{
    attempt::ErrorClass,
    egress::{Roots, UnusableRoots, without_root},
};

/// A stream over which a request may be written, with its meter and peer.
pub(super) struct Secured {
    pub(super) stream: Stream,
    pub(super) meter: Arc<Meter>,
    pub(super) remote_addr: SocketAddr,
    /// The receiver asked for a client certificate; Ringback has none.
    pub(super) wants_certificate: bool,
}

/// Secures connections to https URLs and leaves those to http URLs as they are.
pub(super) struct Tls {
    connector: TlsConnector,
}

impl Tls {
    pub(super) fn trusting(roots: Roots) -> Result<Self, UnusableRoots> {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(UnusableRoots)?
            .with_root_certificates(roots.load()?)
            .with_client_cert_resolver(Arc::new(NoCertificate));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// The stream of an http URL.
    pub(super) fn plain(stream: TcpStream, remote_addr: SocketAddr) -> Secured {
        let meter = Arc::new(Meter::default());
        let stream = Stream::plain(Metered::new(stream, Arc::clone(&meter)), Arc::clone(&meter));
        Secured { stream, meter, remote_addr, wants_certificate: false }
    }

    /// The handshake of an https URL, within a byte budget of its own.
    pub(super) async fn secure(
        &self,
        url: &Url,
        stream: TcpStream,
        remote_addr: SocketAddr,
    ) -> Result<Secured, ErrorClass> {
        let name = server_name(url).ok_or(ErrorClass::TlsName)?;
        let meter = Arc::new(Meter::default());
        let metered = Metered::new(stream, Arc::clone(&meter));
        let (stream, wants_certificate) = ASKED
            .scope(Cell::new(false), async {
                let stream = self.connector.connect(name, metered).await;
                (stream, ASKED.with(Cell::get))
            })
            .await;
        let stream = stream.map_err(|error| handshake_class(&error, wants_certificate))?;
        let stream = Stream::tls(stream, Arc::clone(&meter));
        Ok(Secured { stream, meter, remote_addr, wants_certificate })
    }
}

fn server_name(url: &Url) -> Option<ServerName<'static>> {
    match url.host()? {
        Host::Domain(name) => ServerName::try_from(without_root(name).to_owned()).ok(),
        Host::Ipv4(ip) => Some(ServerName::from(std::net::IpAddr::V4(ip))),
        Host::Ipv6(ip) => Some(ServerName::from(std::net::IpAddr::V6(ip))),
    }
}

tokio::task_local! {
    /// Whether the receiver of the handshake under way asked for a client certificate.
    static ASKED: Cell<bool>;
}

/// Has no certificate, but remembers that one was asked for: receivers that get none fail differently in each TLS version
/// and library.
struct NoCertificate;

impl fmt::Debug for NoCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoCertificate")
    }
}

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // Fails outside of `secure`, where nobody asks for the answer.
        let _ = ASKED.try_with(|asked| asked.set(true));
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

fn handshake_class(error: &io::Error, wants_certificate: bool) -> ErrorClass {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(error) => class(error, wants_certificate),
        None if error.kind() == io::ErrorKind::TimedOut => ErrorClass::Timeout,
        // Closed, reset, or more bytes than any handshake needs.
        None => ErrorClass::TlsProtocol,
    }
}

/// What a TLS error says about the receiver.
pub(super) fn class(error: &Error, wants_certificate: bool) -> ErrorClass {
    match error {
        Error::InvalidCertificate(reason) => certificate_class(reason),
        Error::AlertReceived(AlertDescription::CertificateRequired) => ErrorClass::TlsClientAuth,
        // The same from receivers without the alert above: TLS 1.2, and older libraries.
        Error::AlertReceived(
            AlertDescription::HandshakeFailure
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied
            | AlertDescription::UnknownCA,
        ) if wants_certificate => ErrorClass::TlsClientAuth,
        _ => ErrorClass::TlsProtocol,
    }
}

fn certificate_class(reason: &CertificateError) -> ErrorClass {
    match reason {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => ErrorClass::TlsExpired,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => ErrorClass::TlsName,
        // An unknown issuer, a purpose other than a server's, a CA certificate used as a server's (which has no variant of
        // its own), a revoked one: in each case no trusted authority vouches for the receiver.
        _ => ErrorClass::TlsUntrusted,
    }
}
