//! Translates the API's names of fields and parameters into flags, so that an error names the flag that was typed.

use ringback::endpoint::{Setting, Shape};

/// The flag that sets the field at a pointer, or the parameter with this name; empty for the request as a whole.
pub(crate) fn spelled(place: &str) -> String {
    // Members of an event's trace; an endpoint has a field of that name that has none.
    if let Some(member) = place.strip_prefix("/trace/") {
        return format!("--{member}");
    }
    // An endpoint's filter is a field; that of a replay has members with flags of their own.
    if place == "/filter" {
        return "--filter".to_owned();
    }
    let mut segments = place.trim_start_matches('/').split('/').skip_while(|segment| is_group(segment));
    let flag = match segments.next().unwrap_or_default() {
        "" => return String::new(),
        "url" => "DESTINATION".to_owned(),
        "payload" => "the payload".to_owned(),
        "delays_ms" => "--delays, in milliseconds,".to_owned(),
        "overlap_seconds" => "--overlap, in seconds,".to_owned(),
        "headers" => "--header".to_owned(),
        field => match Setting::named(field) {
            Some(Setting { flag, shape: Shape::Milliseconds { .. }, .. }) => format!("--{flag}, in milliseconds,"),
            Some(setting) => format!("--{}", setting.flag),
            None => format!("--{}", field.replace('_', "-")),
        },
    };
    let inside: Vec<String> = segments.map(inner).collect();
    if inside.is_empty() { flag } else { format!("{flag} ({})", inside.join(" ")) }
}

/// Objects whose members have flags of their own.
fn is_group(segment: &str) -> bool {
    matches!(segment, "filter" | "retry" | "tls")
}

/// A member's name, or the number of a list's entry, counted from one for people.
fn inner(segment: &str) -> String {
    let index: Option<usize> = segment.parse().ok();
    index.map_or_else(|| segment.to_owned(), |index| format!("entry {}", index + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_by_their_flags() {
        for (place, flag) in [
            ("/event_types/0", "--event-types (entry 1)"),
            ("/retry/max_attempts", "--max-attempts"),
            ("/filter/since", "--since"),
            ("/filter", "--filter"),
            ("/destination/url", "--destination (url)"),
            ("/headers/x-team", "--header (x-team)"),
            ("/url", "DESTINATION"),
            ("/trace/traceparent", "--traceparent"),
            ("/trace", "--trace"),
            ("/tls/client_key", "--client-key"),
            ("cursor", "--cursor"),
            ("", ""),
        ] {
            assert_eq!(spelled(place), flag, "{place}");
        }
    }
}
