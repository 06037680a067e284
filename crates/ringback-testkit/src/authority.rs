//! A certificate authority of the test's own, and servers with good and bad certificates of it.
//!
//! Panics when a certificate cannot be made: a test cannot go on without it.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    date_time_ymd,
};
use std::sync::Arc;
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};

/// Both versions that servers speak unless told otherwise.
pub const TLS_VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13, &TLS12];

/// Issues certificates. Trust its [`Authority::certificate`] and what it issues is trusted.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, ready to serve with.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    pem: (String, String),
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new one that nobody trusts yet.
    #[must_use]
    pub fn new() -> Self {
        let mut params = names(&[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Ringback test authority");
        Self { issuer: CertifiedIssuer::self_signed(params, new_key()).expect("these parameters make a certificate") }
    }

    /// What a client must trust.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// The same in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A valid certificate for names and addresses.
    #[must_use]
    pub fn valid(&self, for_names: &[&str]) -> Identity {
        self.issue(names(for_names))
    }

    /// One whose time is over.
    #[must_use]
    pub fn expired(&self, for_names: &[&str]) -> Identity {
        let mut params = names(for_names);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.issue(params)
    }

    /// One whose time has not come.
    #[must_use]
    pub fn not_yet_valid(&self, for_names: &[&str]) -> Identity {
        let mut params = names(for_names);
        params.not_before = date_time_ymd(3000, 1, 1);
        params.not_after = date_time_ymd(3001, 1, 1);
        self.issue(params)
    }

    /// One that may identify clients but not servers.
    #[must_use]
    pub fn for_clients_only(&self, for_names: &[&str]) -> Identity {
        let mut params = names(for_names);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    /// One that has its host as common name only, as certificates did twenty years ago.
    #[must_use]
    pub fn with_common_name_only(&self, name: &str) -> Identity {
        let mut params = names(&[]);
        params.distinguished_name.push(DnType::CommonName, name);
        self.issue(params)
    }

    /// A verifier's view: a server that demands certificates which this authority issued.
    #[must_use]
    pub fn demanding(&self, identity: Identity, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
        let mut trusted = RootCertStore::empty();
        trusted.add(self.certificate()).expect("it is a certificate");
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(trusted), Arc::clone(&provider))
            .build()
            .expect("it trusts one authority");
        ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .expect("ring supports both versions")
            .with_client_cert_verifier(verifier)
            .with_single_cert(identity.chain, identity.key)
            .expect("the key belongs to the certificate")
    }

    fn issue(&self, params: CertificateParams) -> Identity {
        let key = new_key();
        let certificate = params.signed_by(&key, &self.issuer).expect("these parameters make a certificate");
        Identity::new(&certificate, &key)
    }
}

impl Identity {
    fn new(certificate: &Certificate, key: &KeyPair) -> Self {
        let pem = (certificate.pem(), key.serialize_pem());
        Self { chain: vec![certificate.der().clone()], key: private(key), pem }
    }

    /// One that vouches for itself and says that it is an authority, as many home-made ones do.
    #[must_use]
    pub fn self_signed_authority(for_names: &[&str]) -> Self {
        let mut params = names(for_names);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = new_key();
        let certificate = params.self_signed(&key).expect("these parameters make a certificate");
        Self::new(&certificate, &key)
    }

    /// The certificate and its key in PEM, as a client is given them.
    #[must_use]
    pub fn pem(&self) -> (&str, &str) {
        (&self.pem.0, &self.pem.1)
    }

    /// The certificate itself, to be trusted directly.
    #[must_use]
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.chain[0].clone()
    }

    /// A server with this certificate that speaks any version.
    #[must_use]
    pub fn server(self) -> ServerConfig {
        self.server_speaking(TLS_VERSIONS)
    }

    /// A server with this certificate that speaks only some versions.
    #[must_use]
    pub fn server_speaking(self, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("ring supports both versions")
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)
            .expect("the key belongs to the certificate")
    }
}

fn names(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    CertificateParams::new(names).expect("tests give names that certificates can hold")
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the system gives random bytes")
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(key.serialize_der().into())
}
