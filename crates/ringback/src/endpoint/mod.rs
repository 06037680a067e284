//! Endpoints, which are registered destinations of a tenant, and inline destinations, which come with one event.
//!
//! A store keeps an endpoint in two documents: [`Spec`] as plain JSON, and [`Credentials`] sealed.

mod audited;
mod authorize;
pub(crate) mod body;
pub(crate) mod bounds;
mod check;
mod client_tls;
mod credentials;
mod destination;
mod draft;
pub mod filter;
mod given;
mod header;
mod inherit;
mod kept;
mod kept_destination;
mod lasting;
mod mask;
mod method;
mod oauth2;
mod overlap;
mod patch;
pub(crate) mod placeholder;
pub(crate) mod pointed;
pub(crate) mod pointer;
mod policy;
mod preset;
mod read;
pub(crate) mod recipe;
mod reseal;
mod resolve;
mod retry;
mod scheme;
mod secret;
mod setting;
mod signing;
mod signing_key;
mod statuses;
mod target;
pub(crate) mod template;
mod terms;
mod unreadable;
mod url;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use self::{
    authorize::check as check_added,
    header::OWN_NAMES,
    overlap::broken,
    patch::merge_patch,
    reseal::{credentials as reseal_credentials, destination as reseal_destination},
    retry::DELAY_MS_MIN,
    secret::SecretRule,
    signing_key::SigningKey,
    url::as_it_is_sent,
};
pub use self::{
    authorize::{Addressee, Authorize},
    body::{Body, BodyForm, BodyTemplate},
    client_tls::ClientTls,
    credentials::{Auth, AuthType, Credentials, Secret},
    destination::Destination,
    draft::Draft,
    filter::Filter,
    kept::StoredEndpoint,
    kept_destination::KeptDestination,
    lasting::{Lasting, NoSpan},
    mask::MASK,
    method::Method,
    oauth2::{ClientAuthentication, Oauth2},
    overlap::{Broken, RotationUnderWay},
    policy::{PolicyOrigin, TriesOf},
    preset::Preset,
    resolve::Resolved,
    retry::{Retry, RetryDraft},
    scheme::{Custom, Digest, Encoding, KeyFormat, Scheme},
    secret::SecretError,
    setting::{MAX_IN_FLIGHT_DEFAULT, SETTINGS, Setting, Settings, Shape},
    statuses::{NoStatus, Statuses},
    target::Target,
    unreadable::{UNREADABLE, Unreadable, WouldDestroy},
    url::TargetUrl,
};
use crate::{
    delivery::{HoldReason, LaneId},
    event::is_reserved,
    id::EndpointId,
    time::Timestamp,
    word::words,
};

words! {
    /// What an ordered endpoint does about later events of an ordering key once one is dead.
    #[derive(Default)]
    OnDead {
        #[default]
        Skip "skip": "the next one goes out",
        Block "block": "they wait until the dead letter is replayed or discarded",
    }
}

macro_rules! spec {
    ($(
        $(#[$about:meta])+
        $name:ident: $given:ty => $kept:ty [$($serde:meta)*] = $otherwise:expr,
            $flag:literal, $shape:expr, $example:literal, $label:expr;
    )+) => {
        /// An endpoint's configuration with effective values and without secrets.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Spec {
            /// Where requests go: absolute, normalised.
            pub url: String,
            /// Exact types, prefixes such as `call.*`, or `*`; empty matches nothing.
            pub event_types: Vec<String>,
            /// The bundle that unset fields came from.
            pub preset: Preset,
            /// How requests are signed.
            pub scheme: Scheme,
            /// How often and when a failed delivery is tried again.
            pub retry: Retry,
            /// When the receiver at this URL last answered a verification; another URL has to be verified anew.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub verified_at: Option<Timestamp>,
            $(
                $(#[$about])+
                $(#[$serde])*
                pub $name: $kept,
            )+
        }
    };
}

setting::for_every_setting!(spec);

/// An endpoint as the engine works with it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// The tenant that owns it.
    pub tenant: String,
    /// The platform's own name for it, unique in its tenant.
    pub key: Option<String>,
    /// Its configuration.
    pub spec: Spec,
    /// Its secrets, header values and `auth`.
    pub credentials: Arc<Credentials>,
    /// Whether it sends at all.
    pub enabled: bool,
    /// Why the endpoint is disabled, unless an operator disabled it: `gone`, `failing_too_long` or [`UNREADABLE`].
    pub disabled_reason: Option<String>,
    /// Whether an operator paused it.
    pub paused: bool,
    /// Whether nothing but tests is sent to it before it is verified. The configuration decides, so no store knows it.
    pub must_be_verified: bool,
    /// The configuration version that last changed it.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Set if its row cannot be read: then `enabled` is false and `credentials` are empty.
    pub unreadable: Option<Arc<Unreadable>>,
}

impl Endpoint {
    /// The lane that its deliveries wait in.
    #[must_use]
    pub fn lane(&self) -> LaneId {
        LaneId::of_endpoint(self.id)
    }

    /// Why its configuration keeps its lane from sending, if it does.
    #[must_use]
    pub const fn hold_reason(&self) -> Option<HoldReason> {
        if !self.enabled {
            Some(HoldReason::EndpointDisabled)
        } else if self.paused {
            Some(HoldReason::Paused)
        } else if self.must_be_verified && self.spec.verified_at.is_none() {
            Some(HoldReason::Unverified)
        } else {
            None
        }
    }

    /// Whether requests to it have their body signed.
    #[must_use]
    pub(crate) fn signs_body(&self) -> bool {
        self.spec.scheme.signs_body() && self.credentials.can_sign()
    }

    /// Whether its configuration keeps a delivery from being sent. A test is sent even if the endpoint is paused or
    /// disabled, but not if its credentials cannot be read.
    #[must_use]
    pub const fn holds(&self, is_test: bool) -> bool {
        if is_test { self.unreadable.is_some() } else { self.hold_reason().is_some() }
    }

    /// Whether its filter, if it has one, lets an event through.
    ///
    /// # Errors
    /// When the filter says neither yes nor no; the event goes through then.
    pub(crate) fn wants(&self, facts: &filter::Facts<'_>) -> Result<bool, filter::Failed> {
        self.spec.filter.as_ref().map_or(Ok(true), |filter| filter.judge(facts))
    }

    /// Whether its selectors select events of this type.
    #[must_use]
    pub(crate) fn selects(&self, event_type: &str) -> bool {
        selects(&self.spec.event_types, event_type)
    }
}

/// Whether one of these selectors selects `event_type`. Operational events are selected by selectors that begin as their types
/// do, and by no wider one.
#[must_use]
pub(crate) fn selects(selectors: &[String], event_type: &str) -> bool {
    let own = is_reserved(event_type);
    let selectors = selectors.iter().filter(|selector| !own || is_reserved(selector));
    selectors.into_iter().any(|selector| match selector.strip_suffix('*') {
        Some(prefix) => event_type.starts_with(prefix),
        None => selector == event_type,
    })
}

#[cfg(test)]
mod selector_tests {
    use super::*;

    #[test]
    fn selectors_are_exact_prefix_or_all() {
        let on = |selectors: &[&str], event_type| {
            selects(&selectors.iter().map(ToString::to_string).collect::<Vec<_>>(), event_type)
        };
        assert!(on(&["CALL_ENDED"], "CALL_ENDED"));
        assert!(!on(&["CALL_ENDED"], "call_ended"));
        assert!(on(&["call.*"], "call.ended"));
        assert!(!on(&["call.*"], "call"));
        assert!(on(&["*"], "anything"));
        assert!(!on(&[], "anything"));
    }
}

#[cfg(test)]
mod tests;
