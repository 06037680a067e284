//! Whether receivers can be reached from here: certificates to know them by, and name servers to find them.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use ringback::{
    Directory,
    egress::{Egress, Resolve, ResolveError, Roots, SystemResolver},
};
use tokio::task::JoinSet;
use url::Url;

use super::Finding;

/// Most names that are looked up, so that a host without name servers is not waited for long: they are asked at once.
const NAMES_MAX: usize = 50;

/// The certificate authorities of this machine.
pub(super) fn certificates() -> Finding {
    let host = Roots::of_host();
    let remedy = "install the system's ca-certificates, or let SSL_CERT_FILE name a file that can be read";
    match (host.usable, host.errors.first()) {
        (0, error) => {
            let why = error.map(|error| format!(" ({error})")).unwrap_or_default();
            let told = format!("this machine has no usable CA file{why}: those that this program was built with count");
            Finding::warning(Some("certificates"), told).remedy(remedy)
        }
        (usable, Some(error)) => {
            let told =
                format!("{usable} certificate authorities of this machine are trusted, others cannot be read: {error}");
            Finding::warning(Some("certificates"), told).remedy(remedy)
        }
        (usable, None) => {
            Finding::fine("certificates", format!("{usable} certificate authorities of this machine are trusted"))
        }
    }
}

/// Looks up the names that live endpoints send to.
pub(super) async fn names(directory: &Directory, egress: &Egress) -> Vec<Finding> {
    let urls =
        directory.all().filter(|endpoint| endpoint.enabled).filter_map(|endpoint| Url::parse(&endpoint.spec.url).ok());
    let names: BTreeSet<_> =
        urls.filter_map(|url| Some((url.domain()?.to_owned(), url.port_or_known_default()?))).take(NAMES_MAX).collect();
    if names.is_empty() {
        return vec![Finding::fine("name servers", "no endpoint has a name to look up")];
    }
    let resolver = match SystemResolver::new() {
        Ok(resolver) => Arc::new(resolver),
        Err(error) => return vec![Finding::wrong("name servers", error.to_string()).remedy(CONFIGURE)],
    };
    let mut look_ups = JoinSet::new();
    for (name, port) in names {
        let resolver = Arc::clone(&resolver);
        look_ups.spawn(async move {
            let found = resolver.resolve(&name).await;
            (name, port, found)
        });
    }
    judged(look_ups.join_all().await, egress)
}

/// What helps if no name server answers.
const CONFIGURE: &str = "name servers that answer belong into /etc/resolv.conf; `ringback serve` reads it at its start";

type LookUp = (String, u16, Result<Vec<IpAddr>, ResolveError>);

/// What look-ups came to. If none has an answer of any name server, the names are not to blame.
fn judged(mut look_ups: Vec<LookUp>, egress: &Egress) -> Vec<Finding> {
    look_ups.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
    let count = look_ups.len();
    let is_unanswered = |error: &ResolveError| !matches!(error, ResolveError::NoAddress);
    if let Some((name, _, Err(error))) = look_ups.first()
        && look_ups.iter().all(|(_, _, found)| found.as_ref().is_err_and(is_unanswered))
    {
        let told = format!("none of {count} names of endpoints can be looked up, such as {name}: {error}");
        return vec![Finding::wrong("name servers", told).remedy(CONFIGURE)];
    }
    let mut findings = Vec::new();
    for (name, port, found) in look_ups {
        match found {
            Err(error) => {
                let told = format!("{name}, where an endpoint sends: {error}");
                findings
                    .push(Finding::warning(Some("name servers"), told).remedy("its owner has to put the name right"));
            }
            Ok(addresses) => {
                let addresses: Vec<_> = addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect();
                if let Err(blocked) = egress.vet(&name, addresses) {
                    let told = format!("{name}, where an endpoint sends, may not be dialled: {blocked}");
                    let remedy = "if it is meant, add its network to egress.allow";
                    findings.push(Finding::warning(Some("egress.allow"), told).remedy(remedy));
                }
            }
        }
    }
    let reached = count - findings.len();
    findings
        .insert(0, Finding::fine("name servers", format!("{reached} of {count} names of endpoints lead to receivers")));
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    fn found(name: &str, found: Result<[u8; 4], ResolveError>) -> LookUp {
        (name.to_owned(), 443, found.map(|ip| vec![IpAddr::from(ip)]))
    }

    fn severities(look_ups: Vec<LookUp>) -> Vec<Severity> {
        judged(look_ups, &Egress::default()).into_iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_name_of_its_own_is_a_warning_and_silence_about_all_is_bad() {
        let silent = || Err(ResolveError::TimedOut);
        assert_eq!(
            severities(vec![found("a.example.com", silent()), found("b.example.com", silent())]),
            [Severity::Wrong]
        );
        let one = vec![found("a.example.com", silent()), found("b.example.com", Ok([93, 184, 216, 34]))];
        assert_eq!(severities(one), [Severity::Fine, Severity::Warning]);
        let absent = vec![found("a.example.com", Err(ResolveError::NoAddress))];
        assert_eq!(severities(absent), [Severity::Fine, Severity::Warning], "a name server has answered");
        assert_eq!(severities(vec![found("a.example.com", Ok([10, 0, 0, 1]))]), [Severity::Fine, Severity::Warning]);
    }
}
