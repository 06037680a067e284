//! Which certificate authorities are trusted to say who a receiver is.

use rustls::{Error, RootCertStore, pki_types::CertificateDer};

/// The certificate authorities whose certificates receivers may have.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Roots {
    /// The host's own; those of Mozilla's programme if it has none.
    #[default]
    System,
    /// These and no others.
    Certificates(Vec<CertificateDer<'static>>),
}

/// A root certificate that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a root certificate cannot be used: {0}")]
pub struct UnusableRoots(#[source] pub(crate) Error);

impl Roots {
    /// Reads the certificates.
    pub(crate) fn load(self) -> Result<RootCertStore, UnusableRoots> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Certificates(certificates) => {
                for certificate in certificates {
                    store.add(certificate).map_err(UnusableRoots)?;
                }
            }
            Self::System => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if store.is_empty() {
                    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                }
            }
        }
        Ok(store)
    }
}
