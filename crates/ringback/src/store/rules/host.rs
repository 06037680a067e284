//! Whether an inline destination goes to a host. SQL statements only search the stored text for the host's name, so their
//! rows are checked here.

use crate::{
    endpoint::{KeptDestination, as_it_is_sent},
    store::{DeliveryFilter, DeliveryRow},
};

/// Whether a delivery that a statement found goes to the filter's host.
#[must_use]
pub fn goes_to(filter: &DeliveryFilter, row: &DeliveryRow) -> bool {
    let Some((host, _)) = &filter.host else { return true };
    row.endpoint.is_some() || row.event.destination.as_deref().is_some_and(|inline| is_inline_at(inline, host))
}

/// Whether the stored destination's URL is at `host`, which is spelled as in URLs. A destination that was emitted by SQL is
/// stored as the caller spelled it.
#[must_use]
pub fn is_inline_at(destination: &str, host: &str) -> bool {
    let url = KeptDestination::url_of(destination).and_then(|text| as_it_is_sent(&text));
    url.is_some_and(|url| url.host_str().is_some_and(|own| own.eq_ignore_ascii_case(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_inline_destination_is_found_without_a_scheme_too() {
        let stored = |url: &str| serde_json::json!({ "url": url }).to_string();
        for url in [
            "https://u:p@example.com:8443/hook",
            "Example.com/hook",
            "http://example.com?x=/y",
            "example.com",
            "example.com?next=http://other.example/",
        ] {
            assert!(is_inline_at(&stored(url), "example.com"), "{url}");
        }
        assert!(is_inline_at(&stored("http://[::1]:8080/"), "[::1]"));
        assert!(!is_inline_at(&stored("https://other.example/?to=example.com"), "example.com"));
        assert!(!is_inline_at("{}", "example.com"));
    }
}
