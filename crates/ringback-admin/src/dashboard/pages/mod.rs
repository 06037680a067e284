//! One file a page, with a template of the same name.

pub(super) mod alerts;
pub(super) mod audit;
pub(super) mod dead_letters;
pub(super) mod deliveries;
pub(super) mod delivery;
pub(super) mod endpoint;
pub(super) mod endpoints;
pub(super) mod event;
pub(super) mod events;
pub(super) mod find;
pub(super) mod gaps;
mod groups;
mod listing;
pub(super) mod login;
pub(super) mod new_replay;
pub(super) mod nodes;
pub(super) mod one_replay;
mod ours;
pub(super) mod overview;
mod phrases;
pub(super) mod replay;
pub(super) mod replays;
pub(super) mod share;
pub(super) mod shared;
pub(super) mod signature;
mod strip;
pub(super) mod tokens;

/// A parameter of a page's address, by its first mention.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
