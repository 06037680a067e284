//! The promises that a rotation has made to a receiver, and whether a change of the endpoint keeps them.
//!
//! A secret with an end signs until then, and a secret with a beginning signs from then on: the receiver was told so
//! and may take its time. Every change of secrets or of the scheme is checked here first, so that none ends a promised
//! overlap unnoticed.

use std::fmt;

use super::{Credentials, Scheme, Secret};
use crate::time::Timestamp;

/// A rotation that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationUnderWay {
    /// How many secrets are valid now, including the current one. `standard-ed25519` has two lists; the longer one counts.
    pub secrets: usize,
    /// Until when the last of the older secrets signs beside the current one.
    pub overlap_until: Option<Timestamp>,
    /// When the next secret takes the current one's place.
    pub switch_at: Option<Timestamp>,
}

impl RotationUnderWay {
    /// The rotation of these credentials that has not ended at `now`; `None` if there is none.
    #[must_use]
    pub fn of(scheme: &Scheme, credentials: &Credentials, now: Timestamp) -> Option<Self> {
        let (mut secrets, mut overlap_until, mut switch_at) = (0, None, None);
        for (_, list) in lists(scheme, credentials) {
            secrets = secrets.max(list.iter().filter(|secret| secret.is_active(now)).count());
            let olds = list.iter().filter(|secret| scheme.carries_list() && secret.is_active(now));
            overlap_until = overlap_until.max(olds.filter_map(|old| old.until).max());
            let nexts = list.iter().filter_map(|next| next.not_before).filter(|at| *at > now);
            switch_at = nexts.chain(switch_at).min();
        }
        (overlap_until.is_some() || switch_at.is_some()).then_some(Self { secrets, overlap_until, switch_at })
    }
}

/// A promise to a receiver that a change would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    which: Which,
    at: Timestamp,
}

/// Names one of an endpoint's secrets without its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// The secret so many rotations before the current one, from 1.
    Old { back: usize, list: List },
    /// The secret that takes over at a switch in the future.
    Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Secrets,
    SigningKeys,
}

impl Broken {
    /// Until when the old secret was to sign, or from when on the next one.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        self.at
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match self.which {
            Which::Next => write!(f, "the next secret was announced to sign from {at} on"),
            Which::Old { back, list } => {
                let what = match list {
                    List::Secrets => "secret",
                    List::SigningKeys => "ed25519 key",
                };
                let place = match back {
                    1 => format!("the last {what} before the current one"),
                    2 => format!("the second last {what} before the current one"),
                    back => format!("{what} {back} before the current one"),
                };
                write!(f, "{place} was promised to sign until {at}")
            }
        }
    }
}

/// The first promise of `before` that `after` does not keep.
#[must_use]
pub(crate) fn broken(
    (scheme, before): (&Scheme, &Credentials),
    (new_scheme, after): (&Scheme, &Credentials),
    now: Timestamp,
) -> Option<Broken> {
    let lost_list = scheme.carries_list() && !new_scheme.carries_list();
    for (list, secrets) in lists(scheme, before) {
        let kept_list = lists(new_scheme, after).find(|(kept, _)| *kept == list).map_or(&[][..], |(_, kept)| kept);
        for (position, secret) in secrets.iter().enumerate() {
            let Some(promise) = promise(secret, position, list, now) else { continue };
            let beside_another = matches!(promise.which, Which::Old { .. });
            if (lost_list && beside_another) || !kept_list.iter().any(|kept| covers(kept, secret)) {
                return Some(promise);
            }
        }
    }
    None
}

fn promise(secret: &Secret, position: usize, list: List, now: Timestamp) -> Option<Broken> {
    if let Some(at) = secret.not_before.filter(|at| *at > now) {
        return Some(Broken { which: Which::Next, at });
    }
    let at = secret.until.filter(|at| *at > now)?;
    Some(Broken { which: Which::Old { back: position, list }, at })
}

/// Whether `kept` signs for all of the time that `promised` was to sign.
fn covers(kept: &Secret, promised: &Secret) -> bool {
    kept.text == promised.text
        && kept.not_before <= promised.not_before
        && kept.until.is_none_or(|until| promised.until.is_some_and(|own| own <= until))
}

/// The lists of secrets that a scheme signs with.
fn lists<'a>(scheme: &Scheme, credentials: &'a Credentials) -> impl Iterator<Item = (List, &'a [Secret])> {
    let secrets = scheme.key_format().is_some().then_some((List::Secrets, &credentials.secrets[..]));
    let asymmetric = *scheme == Scheme::StandardEd25519;
    let keys = asymmetric.then_some((List::SigningKeys, &credentials.signing_keys[..]));
    secrets.into_iter().chain(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(NOW.millis() + hours * 3_600_000)
    }

    fn until(text: &str, hours: i64) -> Secret {
        Secret { text: text.to_owned(), not_before: None, until: Some(at(hours)) }
    }

    fn having(secrets: Vec<Secret>) -> Credentials {
        Credentials { secrets, ..Credentials::default() }
    }

    fn lasting(text: &str) -> Secret {
        Secret::lasting(text.to_owned())
    }

    #[test]
    fn a_rotation_under_way_says_how_many_secrets_are_valid_and_until_when() {
        let overlapping = having(vec![lasting("3"), until("2", 24), until("1", 10)]);
        let under_way = |now| RotationUnderWay::of(&Scheme::Elevenlabs, &overlapping, now);
        let of = |secrets, hours| Some(RotationUnderWay { secrets, overlap_until: Some(at(hours)), switch_at: None });
        assert_eq!(under_way(NOW), of(3, 24));
        assert_eq!(under_way(at(10)), of(2, 24));
        assert_eq!(under_way(at(24)), None);
        let next = Secret { text: "2".to_owned(), not_before: Some(at(5)), until: None };
        let switching = having(vec![next, until("1", 5)]);
        let under_way = |now| RotationUnderWay::of(&Scheme::Github, &switching, now);
        let switch = RotationUnderWay { secrets: 1, overlap_until: None, switch_at: Some(at(5)) };
        assert_eq!((under_way(NOW), under_way(at(5))), (Some(switch), None));
    }

    #[test]
    fn a_promise_is_kept_by_as_long_a_time_for_the_same_secret() {
        let before = having(vec![lasting("2"), until("1", 10)]);
        let broken_by = |scheme: &Scheme, secrets| {
            broken((&Scheme::Elevenlabs, &before), (scheme, &having(secrets)), NOW).map(Broken::at)
        };
        for kept in
            [vec![lasting("2"), until("1", 10)], vec![lasting("3"), until("2", 1), until("1", 11)], vec![lasting("1")]]
        {
            assert_eq!(broken_by(&Scheme::Elevenlabs, kept), None);
        }
        for breaking in [vec![lasting("2"), until("1", 9)], vec![lasting("2")], vec![]] {
            assert_eq!(broken_by(&Scheme::Elevenlabs, breaking), Some(at(10)));
        }
        assert_eq!(broken_by(&Scheme::Github, before.secrets.clone()), Some(at(10)), "it carries one signature");
        assert_eq!(broken_by(&Scheme::None, before.secrets.clone()), Some(at(10)), "it carries none");
        let later = broken((&Scheme::Elevenlabs, &before), (&Scheme::None, &having(vec![])), at(10));
        assert_eq!(later, None, "the overlap is over");
    }

    #[test]
    fn an_announced_switch_is_a_promise_too() {
        let next = Secret { text: "2".to_owned(), not_before: Some(at(5)), until: None };
        let before = having(vec![next.clone(), until("1", 5)]);
        let broken_by = |secrets| broken((&Scheme::Github, &before), (&Scheme::Github, &having(secrets)), NOW);
        assert_eq!(broken_by(before.secrets.clone()), None);
        assert!(broken_by(vec![lasting("3")]).is_some());
        let told = broken_by(vec![next, until("1", 4)]).unwrap().to_string();
        assert!(told.contains("before the current one") && told.contains("2023-11-15T03:13:20"), "{told}");
    }

    #[test]
    fn ed25519_keys_are_promised_like_secrets() {
        let keys = vec![lasting("whsk_2"), until("whsk_1", 10)];
        let before = Credentials { signing_keys: keys, ..having(vec![lasting("1")]) };
        let after = Credentials { signing_keys: vec![lasting("whsk_3")], ..having(vec![lasting("1")]) };
        let scheme = &Scheme::StandardEd25519;
        let told = broken((scheme, &before), (scheme, &after), NOW).unwrap().to_string();
        assert!(told.starts_with("the last ed25519 key"), "{told}");
        assert!(broken((scheme, &before), (&Scheme::Standard, &before), NOW).is_some(), "it signs with no such key");
    }
}
