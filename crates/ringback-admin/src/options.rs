//! How the router is mounted and who may call it.

use tokio::sync::watch::Receiver;

use crate::{
    auth::{Access, Admission},
    dashboard::Hosts,
    portal::Portal,
    sender::TrustedProxies,
};

/// Where the router is mounted, and how callers prove who they are.
///
/// ```
/// use ringback_admin::Options;
///
/// let options = Options::with_token("a token of 16 to 256 characters").base_path("/ringback")?;
/// # Ok::<(), ringback_admin::InvalidBasePath>(())
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) admission: Admission,
    pub(crate) base_path: String,
    pub(crate) dashboard: Option<Hosts>,
    pub(crate) is_alone: bool,
    pub(crate) proxies: TrustedProxies,
    pub(crate) request_memory_max: usize,
    pub(crate) public_url: Option<String>,
    pub(crate) portal: Portal,
    pub(crate) end: Option<Receiver<()>>,
}

/// By default, most bytes that the bodies of all requests take together: sixteen of the largest.
const REQUEST_MEMORY_MAX: usize = 256 * 1024 * 1024;

/// A base path that no request could have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("base_path may hold only A-Z a-z 0-9 - . _ ~ and /")]
pub struct InvalidBasePath;

impl Options {
    /// Callers that send this bearer token may do everything.
    #[must_use]
    pub fn with_token(token: impl AsRef<str>) -> Self {
        Self::with_tokens([(token.as_ref(), Access::everything())])
    }

    /// Callers that send one of these bearer tokens have the token's access.
    #[must_use]
    pub fn with_tokens<T: AsRef<str>>(tokens: impl IntoIterator<Item = (T, Access)>) -> Self {
        Self::admitting(Admission::tokens(tokens))
    }

    /// The host application has authenticated every caller that reaches the router. An [`Access`] among the request's
    /// extensions narrows what that caller may do; without one, the caller may do everything. A
    /// [`Who`](ringback::audit::Who) among them is written to the audit log; without one, `Who::Host(None)` is.
    #[must_use]
    pub fn trusting_host() -> Self {
        Self::admitting(Admission::trusting_host())
    }

    fn admitting(admission: Admission) -> Self {
        Self {
            admission,
            base_path: String::new(),
            dashboard: None,
            is_alone: false,
            proxies: TrustedProxies::default(),
            request_memory_max: REQUEST_MEMORY_MAX,
            public_url: None,
            portal: Portal::default(),
            end: None,
        }
    }

    /// Sets the proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; by default there are none. The address
    /// of a connection's other end is read from the [`ConnectInfo`](axum::extract::ConnectInfo) among the request's
    /// extensions.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Sets how many bytes the bodies of all requests may take together, by default 256 MiB; a request beyond that is
    /// answered with 503 and `Retry-After: 1`.
    #[must_use]
    pub const fn request_memory_max(mut self, bytes: usize) -> Self {
        self.request_memory_max = bytes;
        self
    }

    /// Sets what links that leave this server begin with: scheme, host and port, without a slash at the end. The path under
    /// which the router is mounted follows. By default it is read from the request that asks for a link.
    #[must_use]
    pub fn public_url(mut self, origin: impl Into<String>) -> Self {
        self.public_url = Some(origin.into());
        self
    }

    /// Sets how the portal looks that tenants open by link, and which sites may show it in a frame. It is a part of the pages
    /// for people.
    #[must_use]
    pub fn portal(mut self, portal: Portal) -> Self {
        self.portal = portal;
        self
    }

    /// Ends the streams by which open pages follow what happens, once the sender is dropped. A server that waits for open
    /// requests before it stops drops it when it begins to: a stream would keep it for up to ten minutes.
    ///
    /// ```
    /// let (serving, end) = tokio::sync::watch::channel(());
    /// let options = ringback_admin::Options::trusting_host().dashboard().until(end);
    /// // When the server begins to stop:
    /// drop(serving);
    /// # let _ = options;
    /// ```
    #[must_use]
    pub fn until(mut self, end: Receiver<()>) -> Self {
        self.end = Some(end);
        self
    }

    /// Adds pages for people to the API: `/` shows what is wrong, `/login` takes any token that may read. If the host
    /// application is trusted there is no login, and its own pages should be as safe from scripts as these.
    #[must_use]
    pub const fn dashboard(mut self) -> Self {
        self.dashboard = Some(Hosts::Any);
        self
    }

    /// The same for a server that listens only on loopback: pages are answered under names of this machine, and to requests
    /// through a trusted proxy, so that no page on the internet can ask for them under a name that it made point here.
    #[must_use]
    pub const fn dashboard_on_loopback(mut self) -> Self {
        self.dashboard = Some(Hosts::Loopback);
        self
    }

    /// Nothing else is mounted beside the router: it also answers paths outside its base path, with a 404 like any other.
    #[must_use]
    pub const fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    /// Puts all routes below this path instead of `/`.
    ///
    /// # Errors
    /// When it contains a character that would have to be escaped, or a dot segment.
    pub fn base_path(mut self, path: &str) -> Result<Self, InvalidBasePath> {
        let plain = |segment: &&str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
            segment.bytes().all(allowed) && *segment != "." && *segment != ".."
        };
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        if !segments.iter().all(plain) {
            return Err(InvalidBasePath);
        }
        self.base_path = segments.iter().map(|segment| format!("/{segment}")).collect();
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_path_is_written_in_one_way() {
        let base = |path| Options::trusting_host().base_path(path).map(|options| options.base_path);
        assert_eq!(base("/"), Ok(String::new()));
        assert_eq!(base("hooks/admin/"), Ok("/hooks/admin".to_owned()));
        for wrong in ["/{id}", "/a b", "/..", "/*rest"] {
            assert_eq!(base(wrong), Err(InvalidBasePath), "{wrong}");
        }
    }
}
