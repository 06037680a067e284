//! One file a page, with a template of the same name.

pub(super) mod delivery;
pub(super) mod login;
pub(super) mod overview;
mod phrases;
pub(super) mod replay;

/// A parameter of a page's address, by its first mention.
fn parameter(query: Option<&str>, name: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(query?.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
