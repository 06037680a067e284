//! The step before signing that may wait: the host is asked which headers authorise the request.
//!
//! It has the attempt's deadline, and whatever goes wrong here is a failed attempt. This is the place for every token that
//! has to be fetched before a request can be sent.

use std::{collections::BTreeMap, error::Error, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout};

use super::{Delivering, lanes::Courier};
use crate::{
    attempt::{ErrorClass, Outcome, Phase},
    delivery::Due,
    endpoint::{Addressee, Authorize, Target, check_added},
    invalid::Invalid,
};

/// What authorises one request.
#[derive(Debug, Default)]
pub(super) struct Authorized {
    /// The headers to add.
    pub(super) headers: BTreeMap<String, String>,
    /// How long that took; zero if nobody wants to be asked.
    pub(super) took: Duration,
}

/// Why a request is not authorised.
#[derive(Debug, thiserror::Error)]
enum Unauthorized {
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
    #[error("it panicked")]
    Panicked,
    #[error("it did not end before the endpoint's timeout")]
    TooLate,
    #[error("its headers cannot be sent: {0}")]
    Unusable(#[from] Invalid),
}

/// Asks the host, if it wants to be asked. `Err` is the failed attempt that it is otherwise.
pub(super) async fn authorize(
    delivering: &Delivering,
    due: &Due,
    tenant: &str,
    courier: &Courier,
    target: &Target,
) -> Result<Authorized, Outcome> {
    let settings = delivering.engine.settings();
    // An inline destination is where whoever emits wants it to be: nothing of the host's goes there.
    let (Some(authorizer), Some(endpoint)) = (&settings.authorizer, courier.endpoint) else {
        return Ok(Authorized::default());
    };
    let to = Addressee { tenant, endpoint, url: &target.url.url };
    let begun = Instant::now();
    let answer = ask(&**authorizer, to, target.timeout).await.and_then(|headers| {
        check_added(&headers, &target.scheme, &settings.header_prefix)?;
        Ok(headers)
    });
    let took = begun.elapsed();
    answer.map(|headers| Authorized { headers, took }).map_err(|error| {
        tracing::warn!(delivery = %due.id, %endpoint, %error, "a request could not be authorised; the attempt failed");
        Outcome::refused(ErrorClass::Authorization, Phase::Authorize).after(took)
    })
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
    use crate::{id::EndpointId, time::Timestamp};

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
