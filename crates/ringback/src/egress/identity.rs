//! Who an endpoint's connections are towards a receiver, and whom they trust beside everyone else's authorities.
//!
//! A connection is opened under one identity and serves no other: a receiver may decide by the certificate who speaks.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::time::Timestamp;

/// Most certificates in one PEM text: a chain has three or four, a bundle of authorities some more.
pub(crate) const CERTIFICATES_MAX: usize = 32;

/// A client certificate with its key, certificate authorities beside those of the host, or both.
pub struct Identity {
    certificate: Option<Arc<CertifiedKey>>,
    authorities: Vec<CertificateDer<'static>>,
    fingerprint: [u8; 32],
    /// Made by the first connection: it holds the host's authorities, too.
    config: OnceLock<Arc<ClientConfig>>,
}

/// What is wrong with a PEM text, in words that follow the name of the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusablePem {
    /// It has no certificate, or none that can be read.
    #[error("must be one or more certificates in PEM: -----BEGIN CERTIFICATE----- and what follows")]
    NoCertificate,
    /// It has more certificates than any chain.
    #[error("has more than {CERTIFICATES_MAX} certificates")]
    TooMany,
    /// It has no key, or none that can be used.
    #[error(
        "must be the certificate's private key in PEM (PKCS#8, PKCS#1 or SEC1): RSA of 2048 bits or more, P-256, P-384 or \
         Ed25519"
    )]
    NoKey,
    /// Its key needs a passphrase.
    #[error("is encrypted: give the key without a passphrase; it is sealed before it is stored")]
    Encrypted,
    /// The key is another's.
    #[error("is not the key of the first certificate in client_certificate")]
    OtherKey,
}

/// From when to when one certificate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

impl Identity {
    /// The identity of a certificate with its key, and of further authorities.
    pub(crate) fn of(certificate: Option<CertifiedKey>, authorities: Vec<CertificateDer<'static>>) -> Self {
        let mut hash = Sha256::new();
        let chain = certificate.iter().flat_map(|certified| &certified.cert);
        for (kind, der) in chain.map(|der| (1_u8, der)).chain(authorities.iter().map(|der| (2, der))) {
            hash.update([kind]);
            hash.update(u64::try_from(der.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(der);
        }
        let (certificate, fingerprint) = (certificate.map(Arc::new), hash.finalize().into());
        Self { certificate, authorities, fingerprint, config: OnceLock::new() }
    }

    /// What a receiver gets if it asks for a certificate.
    pub(crate) fn certificate(&self) -> Option<Arc<CertifiedKey>> {
        self.certificate.clone()
    }

    /// The same for the same certificates, so that connections can be told apart by it.
    pub(crate) const fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }

    /// Its authorities beside those of `host`.
    pub(crate) fn roots(&self, host: &RootCertStore) -> RootCertStore {
        let mut roots = host.clone();
        roots.add_parsable_certificates(self.authorities.iter().cloned());
        roots
    }

    /// What its connections are made with; `make` says how, the first time.
    pub(crate) fn config(&self, make: impl FnOnce() -> Arc<ClientConfig>) -> &Arc<ClientConfig> {
        self.config.get_or_init(make)
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificate.is_some())
            .field("authorities", &self.authorities.len())
            .finish_non_exhaustive()
    }
}

/// The certificates of a PEM text, each readable, in their order.
///
/// # Errors
/// What is wrong with the text.
pub fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, UnusablePem> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| UnusablePem::NoCertificate)?;
        if found.len() == CERTIFICATES_MAX {
            return Err(UnusablePem::TooMany);
        }
        validity(&certificate).ok_or(UnusablePem::NoCertificate)?;
        found.push(certificate);
    }
    if found.is_empty() { Err(UnusablePem::NoCertificate) } else { Ok(found) }
}

/// A certificate with its chain and its key.
///
/// # Errors
/// What is wrong with the key.
pub(crate) fn certified(chain: Vec<CertificateDer<'static>>, key: &str) -> Result<CertifiedKey, UnusablePem> {
    if key.contains("ENCRYPTED") {
        return Err(UnusablePem::Encrypted);
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| UnusablePem::NoKey)?;
    let key = ring::sign::any_supported_type(&key).map_err(|_| UnusablePem::NoKey)?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(|_| UnusablePem::OtherKey)?;
    Ok(certified)
}

/// From when to when a certificate counts; `None` if it cannot be read.
pub(crate) fn validity(certificate: &CertificateDer<'_>) -> Option<Validity> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let time = |seconds: i64| Timestamp::from_millis(seconds.saturating_mul(1_000));
    let validity = certificate.validity();
    Some(Validity { from: time(validity.not_before.timestamp()), until: time(validity.not_after.timestamp()) })
}
