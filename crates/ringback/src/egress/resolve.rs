//! From a name to its addresses.
//!
//! Addresses of both families are asked for at once, and neither family waits for the other for long: the addresses that
//! have come [`RESOLUTION_DELAY`] after the first ones are vetted and dialled. Addresses that come later are not dialled;
//! the next look-up asks again.
//!
//! Names are resolved as they stand, never under the search domains of the host: `redis.default` must not mean a service of
//! the operator's cluster. The system's blocking resolver is not used, because one slow name server would fill its thread
//! pool and stop every other lane.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use hickory_resolver::{
    Hosts, ResolverBuilder, TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::Query,
        rr::{Name, RecordType},
    },
};
use tokio::time::timeout;
use url::{Host, Url};

use crate::attempt::ErrorClass;

/// How long the addresses of one family wait for those of the other; the value RFC 8305 §3 recommends.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// Longest time that one look-up takes, with all its tries.
const LOOKUP_MAX: Duration = Duration::from_secs(5);

/// How long a look-up waits for one name server; two tries fit into [`LOOKUP_MAX`].
const TRY_MAX: Duration = Duration::from_secs(2);

/// Shortest and longest time for which an answer is cached, whatever its own TTL. A name that changes every moment costs
/// one look-up a second; a receiver that has moved is found within five minutes. The two families are cached apart: if
/// one is missing, the next look-up asks for it.
const CACHED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Longest time for which it is cached that a name does not exist: its owner may just be adding it.
const CACHED_ABSENT_MAX: Duration = Duration::from_secs(10);

/// Look-ups that may wait for one name server at the same time.
const OPEN_LOOKUPS_MAX: usize = 1024;

/// Resolves names. Injectable, so that tests can say what a name means.
#[async_trait]
pub trait Resolve: Send + Sync {
    /// All addresses of `host`, which is a name and no literal. It may end in the dot of the DNS root, with the same
    /// meaning.
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError>;
}

/// Why a name has no addresses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// There is no such name, or it has no addresses.
    #[error("the name does not exist or has no address")]
    NoAddress,
    /// No name server answered in time.
    #[error("the name servers did not answer in time")]
    TimedOut,
    /// The name servers answered, but not usefully; or the host's own configuration cannot be used.
    #[error("the name could not be resolved: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ResolveError {
    const fn class(&self) -> ErrorClass {
        match self {
            Self::TimedOut => ErrorClass::Timeout,
            Self::NoAddress | Self::Failed(_) => ErrorClass::Dns,
        }
    }
}

/// The address that a URL names literally.
pub(crate) fn literal(url: &Url) -> Option<SocketAddr> {
    let ip: IpAddr = match url.host()? {
        Host::Ipv4(ip) => ip.into(),
        Host::Ipv6(ip) => ip.into(),
        Host::Domain(_) => return None,
    };
    Some(SocketAddr::new(ip, url.port_or_known_default()?))
}

/// The addresses of a URL's name, with its port.
pub(crate) async fn addresses(resolver: &dyn Resolve, url: &Url) -> Result<Vec<SocketAddr>, ErrorClass> {
    let (Some(name), Some(port)) = (url.domain(), url.port_or_known_default()) else {
        return Err(ErrorClass::Dns);
    };
    let found = resolver.resolve(name).await.map_err(|error| error.class())?;
    if found.is_empty() {
        return Err(ErrorClass::Dns);
    }
    Ok(found.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

/// Resolves by the host's own hosts file and name servers, as they were when this was created, or by given name servers.
pub struct SystemResolver {
    hosts: Hosts,
    servers: TokioResolver,
}

impl SystemResolver {
    /// Reads the host's configuration. Without one, a name server on this machine is asked, as the
    /// system's own resolver would.
    ///
    /// # Errors
    /// [`ResolveError::Failed`] if no resolver can be made of that configuration.
    pub fn new() -> Result<Self, ResolveError> {
        let builder = TokioResolver::builder_tokio().unwrap_or_else(|_unreadable| {
            let local = NameServerConfig::udp_and_tcp(IpAddr::from([127, 0, 0, 1]));
            asking(vec![local])
        });
        Self::build(Hosts::from_system().unwrap_or_default(), builder)
    }

    /// Asks only these name servers, over UDP, and over TCP if an answer is too long for UDP: for hosts with name servers of
    /// their own, and for tests. No hosts file is read.
    ///
    /// # Errors
    /// [`ResolveError::Failed`] if no resolver can be made of them.
    pub fn asking(servers: &[SocketAddr]) -> Result<Self, ResolveError> {
        Self::build(Hosts::default(), asking(servers.iter().map(name_server).collect()))
    }

    fn build(hosts: Hosts, mut builder: Builder) -> Result<Self, ResolveError> {
        limit(builder.options_mut());
        Ok(Self { hosts, servers: builder.build().map_err(failed)? })
    }

    /// The addresses of one family; never an empty list.
    async fn family(&self, name: Name, kind: RecordType) -> Result<Vec<IpAddr>, NoAddresses> {
        let found = match timeout(LOOKUP_MAX, self.servers.lookup(name, kind)).await {
            Ok(found) => found.map_err(NoAddresses::of)?,
            Err(_elapsed) => return Err(NoAddresses { error: ResolveError::TimedOut, name_exists: true }),
        };
        let addresses: Vec<_> = found.answers().iter().filter_map(|record| record.data.ip_addr()).collect();
        if addresses.is_empty() {
            return Err(NoAddresses { error: ResolveError::NoAddress, name_exists: true });
        }
        Ok(addresses)
    }

    /// The addresses in the hosts file. If it has the name, no name server is asked, for neither family.
    fn in_hosts_file(&self, name: &Name) -> Vec<IpAddr> {
        [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|kind| self.hosts.lookup_static_host(&Query::query(name.clone(), kind)))
            .flat_map(|found| found.answers().iter().filter_map(|record| record.data.ip_addr()).collect::<Vec<_>>())
            .collect()
    }
}

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let mut name = Name::from_ascii(host).map_err(|error| ResolveError::Failed(error.into()))?;
        name.set_fqdn(true);
        let kept = self.in_hosts_file(&name);
        if !kept.is_empty() {
            return Ok(kept);
        }
        // IPv6 stands before IPv4, as RFC 6724 would have it for most; dialling takes the families by turns.
        match select(pin!(self.family(name.clone(), RecordType::AAAA)), pin!(self.family(name, RecordType::A))).await {
            Either::Left((v6, v4)) => {
                let (v6, v4) = settled(v6, v4).await?;
                Ok([v6, v4].concat())
            }
            Either::Right((v4, v6)) => {
                let (v4, v6) = settled(v4, v6).await?;
                Ok([v6, v4].concat())
            }
        }
    }
}

type Family = Result<Vec<IpAddr>, NoAddresses>;

/// The addresses of both families, once the answer of the `first` has come.
async fn settled(
    first: Family,
    other: impl Future<Output = Family>,
) -> Result<(Vec<IpAddr>, Vec<IpAddr>), ResolveError> {
    match first {
        Ok(first) => {
            let other = timeout(RESOLUTION_DELAY, other).await;
            // If the other family is late or fails, the first one's addresses are used.
            Ok((first, other.ok().and_then(Result::ok).unwrap_or_default()))
        }
        Err(first) => match other.await {
            Ok(other) => Ok((Vec::new(), other)),
            Err(other) => Err(NoAddresses::more_telling(first, other).error),
        },
    }
}

/// Why there are no addresses of one family.
struct NoAddresses {
    error: ResolveError,
    /// Whether the name may exist all the same.
    name_exists: bool,
}

impl NoAddresses {
    fn of(error: NetError) -> Self {
        Self { name_exists: !error.is_nx_domain(), error: failed(error) }
    }

    /// Of two failures the one to report: first that there is no such name, then an error of the name servers, then their
    /// silence, and last that one family has no address.
    fn more_telling(first: Self, other: Self) -> Self {
        let telling = |failure: &Self| match failure.error {
            ResolveError::NoAddress if !failure.name_exists => 3,
            ResolveError::Failed(_) => 2,
            ResolveError::TimedOut => 1,
            ResolveError::NoAddress => 0,
        };
        if telling(&other) > telling(&first) { other } else { first }
    }
}

type Builder = ResolverBuilder<TokioRuntimeProvider>;

fn asking(servers: Vec<NameServerConfig>) -> Builder {
    TokioResolver::builder_with_config(ResolverConfig::from_name_servers(servers), TokioRuntimeProvider::default())
}

fn name_server(address: &SocketAddr) -> NameServerConfig {
    let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
    connections.iter_mut().for_each(|connection| connection.port = address.port());
    NameServerConfig::new(address.ip(), true, connections)
}

fn limit(options: &mut ResolverOpts) {
    options.timeout = TRY_MAX;
    options.attempts = 2;
    options.positive_min_ttl = Some(CACHED.0);
    options.positive_max_ttl = Some(CACHED.1);
    options.negative_min_ttl = Some(CACHED.0);
    options.negative_max_ttl = Some(CACHED_ABSENT_MAX);
    options.max_active_requests = OPEN_LOOKUPS_MAX;
    // `in_hosts_file` reads the hosts file, before any name server is asked.
    options.use_hosts_file = ResolveHosts::Never;
}

fn failed(error: NetError) -> ResolveError {
    if error.is_no_records_found() || error.is_nx_domain() {
        ResolveError::NoAddress
    } else if matches!(error, NetError::Timeout) {
        ResolveError::TimedOut
    } else {
        ResolveError::Failed(error.into())
    }
}

#[cfg(test)]
mod tests {
    use ringback_testkit::{Answer, NameServer};

    use super::*;

    #[tokio::test]
    async fn localhost_is_this_host_with_and_without_the_dot_of_the_root() {
        let resolver = SystemResolver::new().unwrap();
        for name in ["localhost", "localhost."] {
            let found = resolver.resolve(name).await.unwrap();
            assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{name}: {found:?}");
        }
    }

    #[tokio::test]
    async fn the_hosts_search_domains_are_never_asked() {
        let server = NameServer::start(|question| match question.name.ends_with("cluster.example.com") {
            true => Answer::addresses([[127, 0, 0, 1]]),
            false => Answer::no_such_name(),
        })
        .await;
        let search = vec![Name::from_ascii("cluster.example.com.").unwrap()];
        let config = ResolverConfig::from_parts(None, search, vec![name_server(&server.address())]);
        let builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = SystemResolver::build(Hosts::default(), builder).unwrap();
        for name in ["redis", "redis.default", "redis.default.svc."] {
            assert!(matches!(resolver.resolve(name).await, Err(ResolveError::NoAddress)), "{name}");
        }
        let asked = server.asked();
        assert!(!asked.is_empty() && !asked.iter().any(|question| question.name.contains("cluster")), "{asked:?}");
    }

    #[tokio::test]
    async fn the_hosts_file_is_asked_alone() {
        let mut resolver = SystemResolver::new().unwrap();
        let file = "10.1.2.3 receiver.example.com\n10.1.2.4 Receiver.example.com alias\n";
        resolver.hosts.read_hosts_conf(file.as_bytes()).unwrap();
        let found = resolver.resolve("receiver.EXAMPLE.com.").await.unwrap();
        assert_eq!(found, [IpAddr::from([10, 1, 2, 3]), IpAddr::from([10, 1, 2, 4])]);
        assert_eq!(resolver.resolve("alias").await.unwrap(), [IpAddr::from([10, 1, 2, 4])]);
    }

    #[tokio::test]
    async fn names_that_dns_cannot_hold_fail() {
        let resolver = SystemResolver::new().unwrap();
        let long = format!("{}.example.com", "a".repeat(64));
        assert!(matches!(resolver.resolve(&long).await, Err(ResolveError::Failed(_))));
    }
}
