//! TLS towards receivers: rustls with an explicit provider, only HTTP/1.1 in ALPN, and its errors as [`ErrorClass`].
//!
//! No provider is installed for the whole process; a host may use another one.

use std::{cell::Cell, fmt, io, net::SocketAddr, sync::Arc};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, RootCertStore, SignatureScheme,
    client::ResolvesClientCert, crypto::ring, pki_types::ServerName, sign::CertifiedKey,
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
    egress::{Identity, Roots, UnusableRoots, without_root},
};

/// A stream over which a request may be written, with its meter and peer.
pub(super) struct Secured {
    pub(super) stream: Stream,
    pub(super) meter: Arc<Meter>,
    pub(super) remote_addr: SocketAddr,
    /// The receiver asked for a client certificate.
    pub(super) wants_certificate: bool,
}

/// Secures connections to https URLs and leaves those to http URLs as they are.
pub(super) struct Tls {
    /// For requests without an identity of their own.
    connector: TlsConnector,
    roots: Arc<RootCertStore>,
}

impl Tls {
    pub(super) fn trusting(roots: Roots) -> Result<Self, UnusableRoots> {
        let roots = Arc::new(roots.load()?);
        let config = config(Arc::clone(&roots), Certificate(None)).map_err(UnusableRoots)?;
        Ok(Self { connector: TlsConnector::from(config), roots })
    }

    /// What connections under this identity are made with. Sessions are resumed under the same one only.
    fn connector(&self, identity: Option<&Identity>) -> TlsConnector {
        let Some(identity) = identity else { return self.connector.clone() };
        let make = || {
            let roots = Arc::new(identity.roots(&self.roots));
            // The versions are those of the connector that could be made when this was.
            config(roots, Certificate(identity.certificate())).unwrap_or_else(|_| Arc::clone(self.connector.config()))
        };
        TlsConnector::from(Arc::clone(identity.config(make)))
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
        identity: Option<&Identity>,
        stream: TcpStream,
        remote_addr: SocketAddr,
    ) -> Result<Secured, ErrorClass> {
        let name = server_name(url).ok_or(ErrorClass::TlsName)?;
        let meter = Arc::new(Meter::default());
        let metered = Metered::new(stream, Arc::clone(&meter));
        let (stream, wants_certificate) = ASKED
            .scope(Cell::new(false), async {
                let stream = self.connector(identity).connect(name, metered).await;
                (stream, ASKED.with(Cell::get))
            })
            .await;
        let stream = stream.map_err(|error| handshake_class(&error, wants_certificate))?;
        let stream = Stream::tls(stream, Arc::clone(&meter));
        Ok(Secured { stream, meter, remote_addr, wants_certificate })
    }
}

fn config(roots: Arc<RootCertStore>, certificate: Certificate) -> Result<Arc<ClientConfig>, Error> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
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

/// The client certificate, if there is one. It remembers that one was asked for: receivers that get none, or one that they
/// do not take, fail differently in each TLS version and library.
struct Certificate(Option<Arc<CertifiedKey>>);

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

impl ResolvesClientCert for Certificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // Fails outside of `secure`, where nobody asks for the answer.
        let _ = ASKED.try_with(|asked| asked.set(true));
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
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
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::DecryptError
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
