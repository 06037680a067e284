//! The step before signing that may wait: the host is asked which headers authorise the request, and the token that the
//! destination wants is fetched, unless there is one.
//!
//! It has the attempt's deadline, and whatever goes wrong here is a failed attempt.

use std::{collections::BTreeMap, error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use http::header::AUTHORIZATION;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Delivering,
    lanes::Courier,
    tokens::{NoToken, Token, fetch},
};
use crate::{
    attempt::{ErrorClass, Outcome, Phase},
    delivery::Due,
    endpoint::{Addressee, Auth, Authorize, Oauth2, Target, check_added},
    id::EndpointId,
    invalid::Invalid,
};

/// A token that is at hand costs less than this. Whoever waited no longer need not look again whether the request may begin.
const NO_WAIT: Duration = Duration::from_millis(5);

/// What authorises one request.
#[derive(Debug, Default)]
pub(super) struct Authorized {
    /// The headers to add.
    pub(super) headers: BTreeMap<String, String>,
    /// The token among them, if one had to be fetched at some time.
    pub(super) token: Option<Token>,
    /// How long that took; zero if nothing had to be waited for.
    pub(super) took: Duration,
}

/// Why a request is not authorised.
#[derive(Debug, thiserror::Error)]
enum Unauthorized {
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
    #[error(transparent)]
    NoToken(#[from] NoToken),
    #[error("it panicked")]
    Panicked,
    #[error("it did not end before the endpoint's timeout")]
    TooLate,
    #[error("its headers cannot be sent: {0}")]
    Unusable(#[from] Invalid),
}

/// Asks the host, if it wants to be asked, and fetches the token that the destination's `auth` wants, unless there is one. A
/// token that the receiver `refused` is replaced. `Err` is the failed attempt that it is otherwise; it ends within `within`.
pub(super) async fn authorize(
    delivering: &Arc<Delivering>,
    due: &Due,
    tenant: &str,
    courier: &Courier,
    target: &Target,
    refused: Option<&Token>,
    within: Duration,
) -> Result<Authorized, Outcome> {
    let settings = delivering.engine.settings();
    // An inline destination is where whoever emits wants it to be: nothing of the host's goes there.
    let host = settings.authorizer.as_deref().zip(courier.endpoint);
    let oauth = match &target.credentials.auth {
        Some(Auth::Oauth2(oauth)) => Some(oauth),
        _ => None,
    };
    if host.is_none() && oauth.is_none() {
        return Ok(Authorized::default());
    }
    let begun = Instant::now();
    // Boxed: most requests wait for nothing, and the future of each would be as large.
    let answer = Box::pin(async {
        let mut headers = BTreeMap::new();
        if let Some((authorizer, endpoint)) = host {
            headers = ask(authorizer, Addressee { tenant, endpoint, url: &target.url.url }, within).await?;
            check_added(&headers, &target.scheme, &settings.header_prefix)?;
        }
        let Some(oauth) = oauth else { return Ok((headers, None)) };
        let token = token(delivering, courier.endpoint, oauth, target, refused, begun + within).await?;
        // The endpoint's own authorization stands before what a host adds.
        headers.retain(|name, _| !name.eq_ignore_ascii_case(AUTHORIZATION.as_str()));
        headers.insert(AUTHORIZATION.as_str().to_owned(), token.header());
        Ok((headers, Some(token)))
    });
    let answer: Result<_, Unauthorized> = answer.await;
    let took = begun.elapsed();
    let made_to_wait = host.is_some() || took >= NO_WAIT;
    answer
        .map(|(headers, token)| Authorized { headers, token, took: if made_to_wait { took } else { Duration::ZERO } })
        .map_err(|error| {
            let endpoint = courier.endpoint.map(tracing::field::display);
            tracing::warn!(delivery = %due.id, endpoint, %error, "a request could not be authorised; the attempt failed");
            Outcome::refused(ErrorClass::Authorization, Phase::Authorize).after(took)
        })
}

/// The token for a destination, at `until` at the latest.
async fn token(
    delivering: &Arc<Delivering>,
    endpoint: Option<EndpointId>,
    oauth: &Oauth2,
    target: &Target,
    refused: Option<&Token>,
    until: Instant,
) -> Result<Token, Unauthorized> {
    let fetched = delivering.tokens.token(endpoint, oauth, refused, |slot| {
        let left = until.saturating_duration_since(Instant::now());
        fetch(Arc::clone(delivering), slot, oauth.clone(), target.identity.clone(), left)
    });
    Ok(timeout_at(until, fetched).await.map_err(|_| Unauthorized::TooLate)??)
}

async fn ask(
    authorizer: &dyn Authorize,
    to: Addressee<'_>,
    within: Duration,
) -> Result<BTreeMap<String, String>, Unauthorized> {
    let asked = AssertUnwindSafe(async { authorizer.authorize(to).await }).catch_unwind();
    let answer = timeout(within, asked).await.map_err(|_| Unauthorized::TooLate)?;
    answer.map_err(|_| Unauthorized::Panicked)?.map_err(Unauthorized::Failed)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::time::Timestamp;

    /// What a host does when it is asked.
    enum Host {
        Fails,
        Panics,
        Hangs,
    }

    #[async_trait::async_trait]
    impl Authorize for Host {
        async fn authorize(&self, _: Addressee<'_>) -> Result<BTreeMap<String, String>, Box<dyn Error + Send + Sync>> {
            match self {
                Self::Fails => Err("the token server is away".into()),
                Self::Panics => panic!("a defect of the host"),
                Self::Hangs => pending().await,
            }
        }
    }

    async fn refused(host: Host) -> String {
        let url = "https://example.com/hook".parse().unwrap();
        let to = Addressee { tenant: "acme", endpoint: EndpointId::new(Timestamp::from_millis(0)), url: &url };
        ask(&host, to, Duration::from_secs(10)).await.unwrap_err().to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_fails_panics_or_hangs_authorises_nothing() {
        assert_eq!(refused(Host::Fails).await, "the token server is away");
        assert_eq!(refused(Host::Panics).await, "it panicked");
        let begun = Instant::now();
        assert_eq!(refused(Host::Hangs).await, "it did not end before the endpoint's timeout");
        assert_eq!(begun.elapsed().as_secs(), 10, "no later, and no sooner");
    }
}
