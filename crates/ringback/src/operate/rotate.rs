//! Rotation: gives an endpoint a new signing secret, so that its receiver can verify requests at every moment.
//!
//! If the scheme's requests can carry several signatures, old and new secret sign side by side for a while: the overlap, in
//! which the receiver may change over at any time. If they carry one, the new secret takes over at one moment that both
//! sides know: the switch.
//!
//! A rotation forgets secrets that do not sign any more. At most [`OLD_SECRETS_MAX`] older secrets go on signing, each for
//! as long as was promised. A rotation that would end one of them early, or replace a switch that was announced, is refused
//! unless it is forced, since a receiver relies on what it was told. After a forced one, no older secret signs for longer
//! than its overlap, which contains a leak. This file only chooses secrets: `deliver::sign` uses those that are active at
//! the moment of the attempt.

use std::{sync::Arc, time::Duration};

use crate::{
    Engine,
    audit::{Action, Actor},
    endpoint::{Broken, Credentials, Endpoint, Scheme, Secret, SigningKey, broken},
    id::EndpointId,
    invalid::{Invalid, Warning},
    operate::{
        edits::{ROUNDS_MAX, wait_before},
        endpoints::Error,
    },
    time::Timestamp,
};

/// How long old secrets sign beside the new one unless the caller says.
pub const OVERLAP_DEFAULT: Duration = Duration::from_secs(86_400);

/// Longest overlap: a replaced secret should not sign for good.
pub const OVERLAP_MAX: Duration = Duration::from_secs(30 * 86_400);

/// How far ahead a switch may be.
pub const SWITCH_AHEAD_MAX: Duration = Duration::from_secs(365 * 86_400);

/// A switch this far in the past means now: clocks differ, and requests take time.
pub const SWITCH_BEHIND_MAX: Duration = Duration::from_secs(60);

/// Most old secrets that sign beside the new one: each makes a header longer, and some receivers limit the signatures.
pub const OLD_SECRETS_MAX: usize = 2;

/// A rotation, as a caller asks for it.
#[derive(Clone, Default)]
pub struct Rotation {
    /// The new secret; generated if `None` and the scheme can generate one.
    pub secret: Option<String>,
    /// How long the replaced secret signs beside the new one. Only for schemes that carry several signatures. Zero means
    /// that only the new one signs from now on.
    pub overlap: Option<Duration>,
    /// From when on the new secret signs instead of the old one. Only for schemes that carry one signature.
    pub switch_at: Option<Timestamp>,
    /// Breaks promises of earlier rotations that are in the way.
    pub force: bool,
}

impl std::fmt::Debug for Rotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotation")
            .field("secret", &self.secret.as_ref().map(|_| "***"))
            .field("overlap", &self.overlap)
            .field("switch_at", &self.switch_at)
            .field("force", &self.force)
            .finish()
    }
}

/// An endpoint with its new secret.
#[derive(Debug)]
pub struct Rotated {
    /// The endpoint now.
    pub endpoint: Endpoint,
    /// The new secret. It is never shown again. `None` if only an ed25519 key was given: a private key is never shown.
    pub secret: Option<String>,
    /// Until when the last of the older secrets signs beside it.
    pub overlap_until: Option<Timestamp>,
    /// From when on it signs instead of the old one.
    pub switch_at: Option<Timestamp>,
    /// What was accepted, but is probably a mistake.
    pub warnings: Vec<Warning>,
}

impl Engine {
    /// Gives an endpoint a new signing secret.
    ///
    /// # Errors
    /// Findings at `/secret`, `/overlap_seconds` or `/switch_at`, no such endpoint, a version other than `seen`, an
    /// earlier rotation whose promise it would break, or the store's failure.
    pub async fn rotate_secret(
        &self,
        id: EndpointId,
        rotation: &Rotation,
        seen: Option<i64>,
        by: &Actor,
    ) -> Result<Rotated, Error> {
        let _turn = self.turn_of(id).await;
        for round in 0..ROUNDS_MAX {
            wait_before(round).await;
            let current = self.live_endpoint(id).await?;
            current.readable()?;
            let Turned { credentials, secret, terms, breaks } =
                turn(&current.spec.scheme, &current.credentials, rotation, Timestamp::now())?;
            if seen.is_some_and(|seen| seen != current.version) {
                return Err(Error::VersionMismatch);
            }
            if let Some(broken) = breaks.filter(|_| !rotation.force) {
                return Err(Error::OverlapInUse(broken));
            }
            let changed = Endpoint { credentials: Arc::new(credentials), ..current.clone() };
            match self.write(&current, changed, (Action::RotateSecret, by)).await {
                Err(Error::VersionMismatch) if seen.is_none() => {}
                Err(error) => return Err(error),
                Ok(endpoint) => {
                    let (overlap_until, switch_at) = match terms {
                        Terms::Overlap { until } => (Some(until), None),
                        Terms::Switch { at } => (None, Some(at)),
                    };
                    let given = rotation.secret.as_deref();
                    let warnings = given.map(|text| endpoint.spec.scheme.secret_warnings(text)).unwrap_or_default();
                    return Ok(Rotated { endpoint, secret, overlap_until, switch_at, warnings });
                }
            }
        }
        Err(Error::Contended)
    }
}

/// How the new secret takes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terms {
    /// Old and new sign until then.
    Overlap { until: Timestamp },
    /// The old one signs before, the new one from then on.
    Switch { at: Timestamp },
}

/// The credentials after a rotation, and what its caller is told.
struct Turned {
    credentials: Credentials,
    secret: Option<String>,
    terms: Terms,
    /// The promise of an earlier rotation that this one breaks.
    breaks: Option<Broken>,
}

/// Decides a rotation; pure.
fn turn(scheme: &Scheme, present: &Credentials, rotation: &Rotation, now: Timestamp) -> Result<Turned, Invalid> {
    let mut invalid = Invalid::default();
    let terms = terms(scheme, rotation, now, &mut invalid);
    let secret = new_secret(scheme, rotation.secret.as_deref(), &mut invalid);
    let (Some(text), true) = (secret, invalid.findings.is_empty()) else { return Err(invalid) };
    let mut credentials = present.clone();
    let asymmetric = *scheme == Scheme::StandardEd25519;
    let key_alone = asymmetric && SigningKey::is_meant(&text);
    if key_alone {
        credentials.signing_keys = replaced(&present.signing_keys, text.clone(), terms, rotation.force, now)?;
    } else {
        credentials.secrets = replaced(&present.secrets, text.clone(), terms, rotation.force, now)?;
    }
    if asymmetric && rotation.secret.is_none() {
        // The caller did not say which of the two to replace: after a leak both are to be replaced.
        let key = SigningKey::generate_text();
        credentials.signing_keys = replaced(&present.signing_keys, key, terms, rotation.force, now)?;
    }
    let breaks = broken((scheme, present), (scheme, &credentials), now);
    let terms = match terms {
        Terms::Overlap { .. } => {
            let of = if key_alone { &credentials.signing_keys } else { &credentials.secrets };
            Terms::Overlap { until: of.iter().filter_map(|old| old.until).max().unwrap_or(now) }
        }
        switch @ Terms::Switch { .. } => switch,
    };
    Ok(Turned { credentials, secret: (!key_alone).then_some(text), terms, breaks })
}

fn terms(scheme: &Scheme, rotation: &Rotation, now: Timestamp, invalid: &mut Invalid) -> Terms {
    if scheme.carries_list() {
        if rotation.switch_at.is_some() {
            let detail = format!(
                "is for schemes that carry one signature; with {} old and new secret overlap for overlap_seconds",
                scheme.name()
            );
            invalid.add("/switch_at", "conflict", detail);
        }
        let overlap = rotation.overlap.unwrap_or(OVERLAP_DEFAULT);
        if overlap > OVERLAP_MAX {
            let detail = format!("must be at most {}", OVERLAP_MAX.as_secs());
            invalid.add("/overlap_seconds", "out_of_range", detail);
        }
        return Terms::Overlap { until: now + overlap.min(OVERLAP_MAX) };
    }
    if rotation.overlap.is_some() {
        let detail = format!(
            "is for schemes that carry several signatures; with {} the new secret takes over at switch_at",
            scheme.name()
        );
        invalid.add("/overlap_seconds", "conflict", detail);
    }
    let at = rotation.switch_at.unwrap_or(now);
    if at < now - SWITCH_BEHIND_MAX || at > now + SWITCH_AHEAD_MAX {
        invalid.add("/switch_at", "out_of_range", "must not lie in the past, nor more than 365 days ahead");
    }
    Terms::Switch { at: at.max(now) }
}

fn new_secret(scheme: &Scheme, given: Option<&str>, invalid: &mut Invalid) -> Option<String> {
    if scheme.key_format().is_none() {
        let detail = format!("cannot be rotated: scheme {} signs nothing", scheme.name());
        invalid.add("/secret", "conflict", detail);
        return None;
    }
    let Some(text) = given else {
        let generated = scheme.generate_secret();
        if generated.is_none() {
            let detail = format!("is missing: scheme {} has none generated", scheme.name());
            invalid.add("/secret", "required", detail);
        }
        return generated;
    };
    scheme.check_secret(text).map_err(|error| invalid.add("/secret", "malformed", error.to_string())).ok()?;
    Some(text.to_owned())
}

/// The secrets after `text` was put at the head of the list.
fn replaced(
    before: &[Secret],
    text: String,
    terms: Terms,
    force: bool,
    now: Timestamp,
) -> Result<Vec<Secret>, Invalid> {
    let mut signing = before.iter().filter(|secret| secret.is_active(now)).peekable();
    if signing.peek().is_some_and(|current| current.text == text) {
        return Err(Invalid::one("/secret", "conflict", "is the present one already"));
    }
    match terms {
        Terms::Overlap { until } => {
            // Without an overlap only the new secret is to sign; a forced rotation may end old ones early.
            let ends_all = force || until <= now;
            let end = |old: &Secret| match old.until {
                Some(own) if ends_all => own.min(until),
                Some(own) => own,
                None => until,
            };
            let old = signing
                .filter(|old| old.text != text)
                .map(|old| ending(old, end(old)))
                .filter(|old| old.is_active(now))
                .take(OLD_SECRETS_MAX);
            let old: Vec<_> = old.collect();
            Ok([vec![Secret::lasting(text)], old].concat())
        }
        Terms::Switch { at } if at <= now => Ok(vec![Secret::lasting(text)]),
        Terms::Switch { at } => {
            let Some(old) = signing.next() else {
                let detail =
                    "needs a secret that signs until then, and there is none; leave it out to sign from now on";
                return Err(Invalid::one("/switch_at", "conflict", detail));
            };
            Ok(vec![Secret { text, not_before: Some(at), until: None }, ending(old, at)])
        }
    }
}

fn ending(secret: &Secret, until: Timestamp) -> Secret {
    Secret { text: secret.text.clone(), not_before: secret.not_before, until: Some(until) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const WHSK: &str = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";

    fn hours(count: u64) -> Duration {
        Duration::from_secs(count * 3_600)
    }

    fn having(text: &str) -> Credentials {
        Credentials { secrets: vec![Secret::lasting(text.to_owned())], ..Credentials::default() }
    }

    fn to(secret: &str) -> Rotation {
        Rotation { secret: Some(secret.to_owned()), ..Rotation::default() }
    }

    /// The texts that sign at a moment, the first one first.
    fn signing(credentials: &Credentials, at: Timestamp) -> Vec<&str> {
        credentials.secrets.iter().filter(|secret| secret.is_active(at)).map(|secret| secret.text.as_str()).collect()
    }

    fn refused(scheme: &Scheme, present: &Credentials, rotation: &Rotation) -> (String, &'static str) {
        let invalid = turn(scheme, present, rotation, NOW).err().unwrap();
        let finding = invalid.findings.into_iter().next().unwrap();
        (finding.pointer, finding.code)
    }

    #[test]
    fn old_and_new_sign_side_by_side_until_the_overlap_ends() {
        let turned = turn(&Scheme::Elevenlabs, &having("old"), &to("new"), NOW).unwrap();
        assert_eq!(turned.terms, Terms::Overlap { until: NOW + hours(24) });
        assert_eq!(turned.secret.as_deref(), Some("new"));
        assert_eq!(signing(&turned.credentials, NOW), ["new", "old"]);
        assert_eq!(signing(&turned.credentials, NOW + hours(24)), ["new"]);
    }

    #[test]
    fn a_rotation_during_an_overlap_keeps_the_two_newest_old_secrets_for_as_long_as_promised() {
        let rotate = |credentials: &Credentials, text: &str, overlap, now| {
            let rotation = Rotation { overlap: Some(overlap), ..to(text) };
            turn(&Scheme::Elevenlabs, credentials, &rotation, now).unwrap().credentials
        };
        let second = rotate(&having("1"), "2", hours(10), NOW);
        let third = rotate(&second, "3", hours(24), NOW + hours(1));
        assert_eq!(signing(&third, NOW + hours(1)), ["3", "2", "1"]);
        assert_eq!(signing(&third, NOW + hours(10)), ["3", "2"], "1 signs for no longer than it was promised");
        let shorter = rotate(&second, "3", hours(1), NOW + hours(1));
        assert_eq!(signing(&shorter, NOW + hours(9)), ["3", "1"], "a shorter overlap is the replaced one's alone");
        let back = rotate(&third, "2", hours(24), NOW + hours(2));
        assert_eq!(signing(&back, NOW + hours(2)), ["2", "3", "1"], "an old secret may become the current one again");
    }

    #[test]
    fn a_rotation_that_would_end_a_promised_overlap_early_says_so_and_ends_it_only_by_force() {
        let turned = |credentials: &Credentials, text: &str, overlap, force, now| {
            let rotation = Rotation { overlap: Some(overlap), force, ..to(text) };
            turn(&Scheme::Elevenlabs, credentials, &rotation, now).unwrap()
        };
        let second = turned(&having("1"), "2", hours(10), false, NOW);
        let third = turned(&second.credentials, "3", hours(24), false, NOW + hours(1));
        assert!(second.breaks.is_none() && third.breaks.is_none());
        let now = NOW + hours(2);
        let fourth = turned(&third.credentials, "4", hours(24), false, now);
        assert_eq!(fourth.breaks.map(Broken::at), Some(NOW + hours(10)), "three older ones are too many");
        let only_new = turned(&third.credentials, "4", Duration::ZERO, false, now);
        assert_eq!(only_new.breaks.map(Broken::at), Some(NOW + hours(25)), "only the new one is to sign");
        assert!(
            turned(&third.credentials, "4", hours(24), false, NOW + hours(10)).breaks.is_none(),
            "1 has had its time"
        );
        let forced = turned(&third.credentials, "4", hours(1), true, now);
        assert_eq!(signing(&forced.credentials, now), ["4", "3", "2"]);
        assert_eq!(signing(&forced.credentials, now + hours(1)), ["4"], "a leak is contained by force");
        let forced = turned(&third.credentials, "5", Duration::ZERO, true, now);
        assert_eq!(forced.credentials.secrets.len(), 1, "what signs no more is gone");
    }

    #[test]
    fn a_switch_has_one_secret_at_every_moment() {
        let at = NOW + hours(5);
        let turned =
            turn(&Scheme::Github, &having("old"), &Rotation { switch_at: Some(at), ..to("new") }, NOW).unwrap();
        assert_eq!(turned.terms, Terms::Switch { at });
        assert_eq!(signing(&turned.credentials, at - Duration::from_micros(1)), ["old"]);
        assert_eq!(signing(&turned.credentials, at), ["new"]);
        let other = turn(&Scheme::Github, &turned.credentials, &to("other"), NOW + hours(1)).unwrap();
        assert_eq!(signing(&other.credentials, NOW + hours(1)), ["other"]);
        assert_eq!(signing(&other.credentials, at), ["other"], "a switch that had not come yet is replaced");
        assert_eq!(other.breaks.map(Broken::at), Some(at), "and whoever replaces it is told");
        let after = turn(&Scheme::Github, &turned.credentials, &to("other"), at).unwrap();
        assert_eq!(after.breaks, None, "the switch has come");
    }

    #[test]
    fn a_first_secret_signs_at_once() {
        let none = Credentials::default();
        let turned = turn(&Scheme::Levrage, &none, &to("new"), NOW).unwrap();
        assert_eq!(signing(&turned.credentials, NOW), ["new"]);
        let later = Rotation { switch_at: Some(NOW + hours(1)), ..to("new") };
        assert_eq!(refused(&Scheme::Levrage, &none, &later), ("/switch_at".to_owned(), "conflict"));
    }

    #[test]
    fn a_scheme_takes_the_terms_that_it_can_carry_out() {
        let overlap = Rotation { overlap: Some(hours(1)), ..to("new") };
        let switch = |at| Rotation { switch_at: Some(at), ..to("new") };
        for scheme in Scheme::BUILT_IN.into_iter().filter(|scheme| *scheme != Scheme::None) {
            let text = if scheme.generate_secret().is_some() { WHSEC } else { "text" };
            let present = having("old");
            let overlapping =
                turn(&scheme, &present, &Rotation { secret: Some(text.to_owned()), ..overlap.clone() }, NOW);
            let switching = turn(&scheme, &present, &Rotation { secret: Some(text.to_owned()), ..switch(NOW) }, NOW);
            assert_eq!((overlapping.is_ok(), switching.is_ok()), (scheme.carries_list(), !scheme.carries_list()));
        }
        let too_long = Rotation { overlap: Some(OVERLAP_MAX + hours(1)), ..to(WHSEC) };
        assert_eq!(refused(&Scheme::Svix, &having("o"), &too_long), ("/overlap_seconds".to_owned(), "out_of_range"));
        for at in [NOW - hours(1), NOW + SWITCH_AHEAD_MAX + hours(1)] {
            assert_eq!(refused(&Scheme::Github, &having("o"), &switch(at)), ("/switch_at".to_owned(), "out_of_range"));
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_refused() {
        let secret = |code| ("/secret".to_owned(), code);
        assert_eq!(refused(&Scheme::Svix, &having("old"), &to("not whsec")), secret("malformed"));
        assert_eq!(refused(&Scheme::Github, &having("old"), &Rotation::default()), secret("required"));
        assert_eq!(refused(&Scheme::None, &Credentials::default(), &to("x")), secret("conflict"));
        assert_eq!(refused(&Scheme::Github, &having("old"), &to("old")), secret("conflict"));
        assert!(!format!("{:?}", to("hidden")).contains("hidden"));
    }

    #[test]
    fn both_halves_of_standard_ed25519_rotate_unless_one_is_given() {
        let present = Credentials { signing_keys: vec![Secret::lasting(WHSK.to_owned())], ..having(WHSEC) };
        let turned = |rotation: &Rotation| turn(&Scheme::StandardEd25519, &present, rotation, NOW).unwrap();
        let both = turned(&Rotation::default());
        assert_eq!((both.credentials.secrets.len(), both.credentials.signing_keys.len()), (2, 2));
        assert_ne!(both.credentials.public_key(), present.public_key());
        assert_eq!(both.secret.as_deref(), Some(both.credentials.secrets[0].text.as_str()));
        let key = SigningKey::generate_text();
        let key_alone = turned(&to(&key));
        assert_eq!((key_alone.credentials.secrets.len(), key_alone.credentials.signing_keys.len()), (1, 2));
        assert_eq!(key_alone.secret, None, "a private key never leaves");
        let other = Scheme::Standard.generate_secret().unwrap();
        assert_eq!(turned(&to(&other)).credentials.signing_keys, present.signing_keys);
    }
}
