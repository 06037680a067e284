//! An endpoint whose row cannot be read: its credentials do not open, or its configuration is not the expected document.
//!
//! Such an endpoint appears disabled, and no other is affected: lists show it, its deliveries are held, and nothing is sent
//! to it, not even tests. The row stays as it is, so the endpoint works again once the right master key is back. A change
//! that gives new values for what cannot be read replaces it. Every other change except a pause is refused, because it
//! would destroy values that the right key could still open.

use super::{
    Draft, Endpoint, Preset, Spec, StoredEndpoint,
    setting::{self, Rest},
};
use crate::invalid::Warning;

/// The `disabled_reason` of an endpoint that cannot be read.
pub const UNREADABLE: &str = "unreadable";

/// Why an endpoint cannot be read, and its row.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// What cannot be read and why, without any value.
    pub why: String,
    /// Whether the configuration is what cannot be read.
    pub(super) without_spec: bool,
    /// Whether the credentials are what cannot be read.
    pub(super) without_credentials: bool,
    /// The row: values that a change does not replace are stored unchanged.
    pub(super) stored: StoredEndpoint,
}

/// A change would destroy the values of an endpoint that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the endpoint cannot be read ({why}): put the master key that sealed it among old_master_keys, or give a new `secret` (null for none), `headers` and `auth` to replace what cannot be read"
)]
pub struct WouldDestroy {
    /// What cannot be read and why.
    pub why: String,
}

impl Endpoint {
    /// Whether its settings are those that were stored, and no stand-ins for what cannot be read.
    #[must_use]
    pub(crate) fn has_its_settings(&self) -> bool {
        self.unreadable.as_ref().is_none_or(|unreadable| !unreadable.without_spec)
    }

    /// The endpoint with the `enabled` and `disabled_reason` of its row, even if it cannot be read.
    pub(crate) fn as_configured(&self) -> Self {
        match &self.unreadable {
            None => self.clone(),
            Some(unreadable) => Self {
                enabled: unreadable.stored.enabled,
                disabled_reason: unreadable.stored.disabled_reason.clone(),
                unreadable: None,
                ..self.clone()
            },
        }
    }

    /// Refuses a change that needs an endpoint that can be read.
    ///
    /// # Errors
    /// [`WouldDestroy`] if the endpoint cannot be read.
    pub(crate) fn readable(&self) -> Result<&Self, WouldDestroy> {
        match &self.unreadable {
            None => Ok(self),
            Some(unreadable) => Err(WouldDestroy { why: unreadable.why.clone() }),
        }
    }

    /// Whether `draft` may replace this endpoint: if its credentials cannot be read, the draft must give new ones. Returns a
    /// warning for the caller, if there is one.
    ///
    /// # Errors
    /// [`WouldDestroy`] if the draft says nothing about the secret.
    pub(crate) fn check_repair(&self, draft: &Draft) -> Result<Option<Warning>, WouldDestroy> {
        let Some(unreadable) = &self.unreadable else { return Ok(None) };
        // If the draft has findings of its own, those are reported first.
        if unreadable.without_credentials && draft.secret.is_none() && draft.misread.findings.is_empty() {
            return Err(WouldDestroy { why: unreadable.why.clone() });
        }
        let what = match (unreadable.without_credentials, unreadable.without_spec) {
            (true, true) => "secrets, headers, auth and settings",
            (true, false) => "secrets, headers and auth",
            (false, _) => "settings",
        };
        let detail = format!("{what} that could not be read were replaced by those of this request");
        Ok(Some(Warning { pointer: String::new(), code: "unreadable_replaced", detail }))
    }
}

/// The configuration that is shown if the stored one cannot be read: the values of the row, otherwise the defaults.
pub(super) fn spec_of_row(stored: &StoredEndpoint) -> Spec {
    let preset = Preset::default();
    let rest = Rest {
        url: stored.url(),
        event_types: stored.event_types.clone(),
        scheme: preset.scheme(),
        retry: preset.retry(),
    };
    setting::settle(&mut Draft::default(), preset, rest)
}
