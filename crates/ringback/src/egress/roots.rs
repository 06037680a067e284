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
    /// Those of [`Roots::System`], and these.
    SystemAnd(Vec<CertificateDer<'static>>),
}

/// A root certificate that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a root certificate cannot be used: {0}")]
pub struct UnusableRoots(#[source] pub(crate) Error);

/// The certificate authorities of the host itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfHost {
    /// How many can be used. With none, those of Mozilla's programme are trusted.
    pub usable: usize,
    /// Why others could not be read.
    pub errors: Vec<String>,
}

impl Roots {
    /// Looks for the host's own certificates, as [`Roots::System`] does.
    #[must_use]
    pub fn of_host() -> OfHost {
        let (mut store, found) = (RootCertStore::empty(), rustls_native_certs::load_native_certs());
        let (usable, _) = store.add_parsable_certificates(found.certs);
        OfHost { usable, errors: found.errors.iter().map(ToString::to_string).collect() }
    }

    /// Reads the certificates.
    pub(crate) fn load(self) -> Result<RootCertStore, UnusableRoots> {
        let mut store = RootCertStore::empty();
        match self {
            Self::Certificates(certificates) => add(&mut store, certificates)?,
            Self::System => add_system(&mut store),
            Self::SystemAnd(certificates) => {
                add_system(&mut store);
                add(&mut store, certificates)?;
            }
        }
        Ok(store)
    }
}

fn add(store: &mut RootCertStore, certificates: Vec<CertificateDer<'static>>) -> Result<(), UnusableRoots> {
    certificates.into_iter().try_for_each(|certificate| store.add(certificate).map_err(UnusableRoots))
}

fn add_system(store: &mut RootCertStore) {
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
}
