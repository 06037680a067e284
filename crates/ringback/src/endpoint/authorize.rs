//! What a host may add to a request before it is signed: headers that authorise it, such as a token that must be fetched.

use std::{collections::BTreeMap, error::Error};

use async_trait::async_trait;
use url::Url;

use super::{
    Scheme,
    header::{self, Reserved},
    recipe::Recipe,
};
use crate::{id::EndpointId, invalid::Invalid};

/// Authorises requests to endpoints, by [`crate::Settings::authorizer`].
///
/// It is asked before every request, retries, replays and tests included, and may wait: what it takes is taken from the
/// endpoint's timeout. So a token is best kept until shortly before it ends. A failure, a panic, or no answer before the
/// timeout is a failed attempt with the error `authorization`; nothing is sent then, and nothing is held against the
/// receiver.
///
/// It is not asked about inline destinations: whoever emits chooses their URL, and what authorises must not go where its
/// owner did not direct it.
///
/// ```
/// use std::{collections::BTreeMap, error::Error};
///
/// use ringback::endpoint::{Addressee, Authorize};
/// use tokio::sync::RwLock;
///
/// /// Knows the token of the gateway that some customers are behind; another task renews it.
/// struct Gateway {
///     token: RwLock<Option<String>>,
/// }
///
/// #[async_trait::async_trait]
/// impl Authorize for Gateway {
///     async fn authorize(&self, to: Addressee<'_>) -> Result<BTreeMap<String, String>, Box<dyn Error + Send + Sync>> {
///         if to.url.host_str() != Some("gateway.example.com") {
///             return Ok(BTreeMap::new());
///         }
///         let token = self.token.read().await.clone().ok_or("the gateway has given no token")?;
///         Ok(BTreeMap::from([("authorization".to_owned(), format!("Bearer {token}"))]))
///     }
/// }
/// ```
#[async_trait]
pub trait Authorize: Send + Sync {
    /// The headers that the next request to this endpoint gets besides its own. Their names follow the rules for an
    /// endpoint's own headers and are sent in lower case; their values are sent as they are, and `***` is shown. A header
    /// that the endpoint itself has, by its `headers` or its `auth`, stays as it is.
    ///
    /// # Errors
    /// When the request cannot be authorised. The error's text is logged, so it must hold no secret.
    async fn authorize(&self, to: Addressee<'_>) -> Result<BTreeMap<String, String>, Box<dyn Error + Send + Sync>>;
}

/// The endpoint that a request is about to be sent to.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Addressee<'a> {
    /// The tenant that owns the endpoint.
    pub tenant: &'a str,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Where the request goes.
    pub url: &'a Url,
}

/// Checks headers that a host adds to one request: names as those of an endpoint's own headers.
pub(crate) fn check(headers: &BTreeMap<String, String>, scheme: &Scheme, header_prefix: &str) -> Result<(), Invalid> {
    let recipe = Recipe::of(scheme)?;
    let names = recipe.into_iter().flat_map(|recipe| recipe.headers).map(|(name, _)| name).collect();
    let mut invalid = Invalid::default();
    header::check_plain(headers, &Reserved { prefix: header_prefix, scheme: names }, &mut invalid);
    invalid.or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, value: &str) -> Vec<&'static str> {
        let headers = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let found = check(&headers, &Scheme::Retell, "ringback-").err().unwrap_or_default();
        found.findings.into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn what_a_host_adds_follows_the_rules_for_headers() {
        assert_eq!(found("Authorization", "Bearer {no template}"), [""; 0]);
        for name in ["webhook-signature", "X-Retell-Signature", "ringback-attempt", "host", "content-type"] {
            assert_eq!(found(name, "forged"), ["header_refused"], "{name}");
        }
        assert_eq!(found("x a", "1"), ["malformed"]);
        assert_eq!(found("x-a", "1\r\nx-b: 2"), ["malformed"]);
    }
}
