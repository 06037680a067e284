//! A file of certificate authorities.

use std::path::PathBuf;

use ringback::egress::certificates;
use rustls::pki_types::CertificateDer;

use super::super::value::Value;

/// A PEM file and the certificates in it, as they were when the configuration was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuthorityFile {
    pub(crate) path: PathBuf,
    pub(crate) certificates: Vec<CertificateDer<'static>>,
}

impl Value for AuthorityFile {
    const NAME: &'static str = "FILE";

    fn expected() -> String {
        "a file that can be read and has one or more certificates in PEM".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let pem = std::fs::read_to_string(text).ok()?;
        Some(Self { path: text.into(), certificates: certificates(&pem).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An authority that nobody has the key of.
    const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUUMjP/QdzlGLCzGBGOcafPrgg1zwwCgYIKoZIzj0EAwIw
JTEjMCEGA1UEAwwaQSByZWNlaXZlcidzIG93biBhdXRob3JpdHkwIBcNMjYxMTMw
MjI0MDQ4WhgPMjEyNjExMDYyMjQwNDhaMCUxIzAhBgNVBAMMGkEgcmVjZWl2ZXIn
cyBvd24gYXV0aG9yaXR5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOSfeOSLj
LTJSEAZrPyZAwj6RcgjMFvbcglNCMtQiiW6MqNcNE4CKBZeErDfch5DS8+eR5Mm/
sD6JoqKxiftE6aNTMFEwHQYDVR0OBBYEFKkjrcgMQ1u2l2iaBb7wZXtqAGubMB8G
A1UdIwQYMBaAFKkjrcgMQ1u2l2iaBb7wZXtqAGubMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgFWgtm5CN5Sh7I6opK/vgFnWeo7XLKI9ooEcUdqJ/
kmMCIB4/kAUidBGa37QyPUCuf6/VrONNiNr+MIwHge7hCZwM
-----END CERTIFICATE-----
";

    #[test]
    fn a_file_without_a_certificate_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let text = path.to_str().unwrap();
        assert_eq!(AuthorityFile::parse(text), None, "it is not there");
        for wrong in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&path, wrong).unwrap();
            assert_eq!(AuthorityFile::parse(text), None, "{wrong}");
        }
        std::fs::write(&path, AUTHORITY.repeat(2)).unwrap();
        assert_eq!(AuthorityFile::parse(text).map(|file| file.certificates.len()), Some(2));
    }
}
