//! A scheme with the policy that its vendor documents.

use super::{BodyForm, Retry, Scheme};
use crate::word::words;

words! {
    /// The name of a bundle of scheme, timeout and retry policy.
    #[derive(Default)]
    #[non_exhaustive]
    Preset {
        #[default]
        Default "default": "Standard Webhooks, 10 s, three sends",
        Levrage "levrage": "Levrage's `CALL_ENDED`",
        External "external": "inline destinations: unsigned",
        Synthflow "synthflow": "Synthflow: only the call's id is signed",
        Levers "levers": "Levers: Svix headers, 30 s",
        Svix "svix": "Svix' own schedule",
        Patient "patient": "the schedule of the Standard Webhooks specification",
        Slack "slack": "an incoming webhook of Slack: unsigned, a text in place of the payload",
    }
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Three sends within 70 s, as the voice platforms document them.
const SHORT: [u64; 2] = [10 * SECOND, MINUTE];

/// Eight sends within 27.6 h.
const SVIX: [u64; 7] = [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR];

/// Ten sends within 75.6 h: the example of the Standard Webhooks specification.
const PATIENT: [u64; 9] =
    [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR];

impl Preset {
    /// How it signs.
    #[must_use]
    pub const fn scheme(self) -> Scheme {
        match self {
            Self::Default | Self::Patient => Scheme::Standard,
            Self::Levrage => Scheme::Levrage,
            Self::External | Self::Slack => Scheme::None,
            Self::Synthflow => Scheme::Synthflow,
            Self::Levers | Self::Svix => Scheme::Svix,
        }
    }

    /// Deadline of one attempt, in milliseconds.
    #[must_use]
    pub const fn timeout_ms(self) -> u32 {
        match self {
            Self::Default | Self::Levrage | Self::External | Self::Synthflow | Self::Slack => 10_000,
            Self::Patient => 20_000,
            Self::Levers | Self::Svix => 30_000,
        }
    }

    /// The body of its requests.
    #[must_use]
    pub const fn body(self) -> BodyForm {
        match self {
            Self::Slack => BodyForm::Slack,
            _ => BodyForm::Raw,
        }
    }

    /// Its retry policy. There is one try more than there are waits.
    #[must_use]
    pub fn retry(self) -> Retry {
        let (max_attempts, delays_ms) = match self {
            Self::Svix => (8, SVIX.to_vec()),
            Self::Patient => (10, PATIENT.to_vec()),
            _ => (3, SHORT.to_vec()),
        };
        Retry { max_attempts, delays_ms, jitter: Retry::JITTER_DEFAULT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_stands_between_any_two_sends() {
        for preset in Preset::ALL {
            let retry = preset.retry();
            assert_eq!(retry.delays_ms.len() + 1, retry.max_attempts as usize, "{preset:?}");
        }
        assert_eq!(Preset::Patient.retry().delays_ms.iter().sum::<u64>() / MINUTE, 75 * 60 + 35);
        assert_eq!(Preset::Levrage.retry().delays_ms, [10_000, 60_000]);
    }
}
