//! What the retry policy of a delivery comes to, and who decided it, for people.

use super::{Endpoint, KeptDestination, Preset};
use crate::word::words;

words! {
    /// Where the retry policy of a delivery comes from.
    PolicyOrigin {
        Endpoint "endpoint": "the endpoint sets it",
        Preset "preset": "the preset that is named",
        Default "default": "the preset that holds where none is named",
        Inline "inline": "it came with the event",
    }
}

/// How often a delivery is sent before it is given up, and where that comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TriesOf {
    /// Sends of one budget in all.
    pub max_attempts: u32,
    /// Who decided it.
    pub origin: PolicyOrigin,
}

impl Endpoint {
    /// How often deliveries to it are sent.
    #[must_use]
    pub fn tries(&self) -> TriesOf {
        let origin = match self.spec.preset {
            preset if self.spec.retry != preset.retry() => PolicyOrigin::Endpoint,
            Preset::Default => PolicyOrigin::Default,
            _ => PolicyOrigin::Preset,
        };
        TriesOf { max_attempts: self.spec.retry.max_attempts.saturating_mul(self.budgets()), origin }
    }

    /// How many budgets of tries a delivery has: one for each URL.
    pub(crate) fn budgets(&self) -> u32 {
        1 + u32::from(self.spec.fallback_url.is_some())
    }
}

impl KeptDestination {
    /// How often a delivery to a stored destination is sent; `inherit` is the endpoint that it names. `None` if it cannot be
    /// read.
    #[must_use]
    pub fn tries_of(stored: &str, inherit: impl FnOnce(&str) -> Option<Endpoint>) -> Option<TriesOf> {
        let kept: Self = serde_json::from_str(stored).ok()?;
        let inherit = kept.endpoint_key.as_deref().and_then(inherit);
        let origin = match (&kept.retry, kept.preset, &inherit) {
            (Some(_), _, _) => PolicyOrigin::Inline,
            (None, Some(_), _) => PolicyOrigin::Preset,
            (None, None, Some(endpoint)) => endpoint.tries().origin,
            (None, None, None) => PolicyOrigin::Default,
        };
        Some(TriesOf { max_attempts: kept.max_attempts(inherit.as_ref()), origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(stored: &str) -> Option<(u32, PolicyOrigin)> {
        KeptDestination::tries_of(stored, |_| None).map(|tries| (tries.max_attempts, tries.origin))
    }

    #[test]
    fn an_inline_destination_says_what_it_set_itself() {
        assert_eq!(told(r#"{"url":"https://example.com"}"#), Some((3, PolicyOrigin::Default)));
        assert_eq!(told(r#"{"url":"https://example.com","preset":"svix"}"#), Some((8, PolicyOrigin::Preset)));
        let own = r#"{"url":"https://example.com","preset":"svix","retry":{"max_attempts":2}}"#;
        assert_eq!(told(own), Some((2, PolicyOrigin::Inline)));
        assert_eq!(told("no document"), None);
    }
}
