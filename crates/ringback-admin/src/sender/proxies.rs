//! The proxies that the operator trusts.

use std::{net::IpAddr, sync::Arc};

use ipnet::{IpNet, Ipv4Net};

/// The networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; none by default.
///
/// ```
/// use ringback_admin::TrustedProxies;
///
/// let proxies: TrustedProxies = ["10.0.0.0/8".parse()?].into_iter().collect();
/// assert!(proxies.trusts("10.1.2.3".parse()?) && proxies.trusts("::ffff:10.1.2.3".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Whether this address belongs to a trusted proxy.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromIterator<IpNet> for TrustedProxies {
    fn from_iter<T: IntoIterator<Item = IpNet>>(networks: T) -> Self {
        Self(networks.into_iter().map(plain).collect())
    }
}

/// `::ffff:10.0.0.0/104` is `10.0.0.0/8`: addresses are compared in their shorter form.
fn plain(network: IpNet) -> IpNet {
    let mapped = |network: &ipnet::Ipv6Net| {
        let bits = network.prefix_len().checked_sub(96)?;
        Ipv4Net::new(network.addr().to_ipv4_mapped()?, bits).ok()
    };
    match network {
        IpNet::V6(network) => mapped(&network).map_or(IpNet::V6(network), IpNet::V4),
        v4 @ IpNet::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trusted_in_whichever_form_it_comes() {
        let proxies: TrustedProxies =
            ["10.0.0.0/8", "::ffff:192.0.2.0/120", "2001:db8::/32"].map(|it| it.parse().unwrap()).into_iter().collect();
        for trusted in ["10.1.2.3", "::ffff:10.1.2.3", "192.0.2.9", "::ffff:192.0.2.9", "2001:db8:9::1"] {
            assert!(proxies.trusts(trusted.parse().unwrap()), "{trusted}");
        }
        for other in ["11.0.0.1", "192.0.3.1", "2001:db9::1", "127.0.0.1", "::1"] {
            assert!(!proxies.trusts(other.parse().unwrap()), "{other}");
        }
        assert!(!TrustedProxies::default().trusts("127.0.0.1".parse().unwrap()));
    }
}
