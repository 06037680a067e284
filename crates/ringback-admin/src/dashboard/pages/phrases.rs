//! The engine's words in phrases for people.

use ringback::{
    attempt::Conclusion,
    delivery::{DeadReason, Status},
    endpoint::TriesOf,
    event::Event,
    store::DeliveryRow,
};

use super::listing::Cell;
use crate::dashboard::visible::visible;

/// How urgent something is; also the name of its colour in the style.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

impl std::fmt::Display for Tone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        })
    }
}

/// What a status looks like.
pub(super) const fn tone(status: Status) -> Tone {
    match status {
        Status::Delivered => Tone::Good,
        Status::Dead => Tone::Bad,
        Status::Pending => Tone::Warn,
        Status::Cancelled => Tone::Plain,
    }
}

/// What the conclusion of an attempt looks like.
pub(super) const fn tone_of_attempt(conclusion: Conclusion) -> Tone {
    match conclusion {
        Conclusion::Delivered => Tone::Good,
        Conclusion::Failed => Tone::Bad,
        Conclusion::Stale => Tone::Plain,
    }
}

/// What helps against a dead letter. Sending it again is suggested only if the cause may have passed.
pub(super) const fn remedy(row: &DeliveryRow) -> &'static str {
    match (row.reason, row.endpoint) {
        (Some(DeadReason::Unroutable), None) => {
            "Sending it again as it is cannot help, as the destination came with the event: if its URL is wrong, give \
             another, otherwise emit the event again."
        }
        (Some(DeadReason::Unroutable), Some(_)) => {
            "Sending it again helps once the endpoint's configuration fits its payload; otherwise emit the event again."
        }
        (Some(DeadReason::Refused), _) => {
            "Replay it once the receiver takes it, or emit it again as the receiver wants it."
        }
        (Some(DeadReason::Gone), _) => "Replay it if the receiver is there again.",
        _ => "Replay it once the receiver is well.",
    }
}

/// The result of a dead letter's last attempt: `503`, `timeout`, or why it was unroutable.
pub(super) fn last(row: &DeliveryRow) -> String {
    answer(row.last_status, row.last_error.as_deref())
}

/// The same, of what stands for many.
pub(super) fn answer(status: Option<u16>, error: Option<&str>) -> String {
    match (status, error) {
        (Some(status), None | Some("status")) => status.to_string(),
        (Some(status), Some(error)) => format!("{status} {error}"),
        (None, Some(error)) => error.to_owned(),
        (None, None) => "never tried".to_owned(),
    }
}

/// The cell by which people know an event, and what happened to it: the key if it has one.
pub(super) fn what(event: &Event, link: String) -> Cell {
    let event_type = visible(&event.event_type);
    match event.key.as_deref() {
        Some(key) => Cell::key(visible(key), link).with(event_type),
        None => Cell::key(event_type, link),
    }
}

/// `842 B`, `12.3 kB`, `1.5 MB`.
pub(super) fn bytes(count: i64) -> String {
    match count {
        ..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

/// `4.2 ms`, `350 ms`.
pub(super) fn milliseconds(took: f64) -> String {
    if took < 10.0 { format!("{took:.1} ms") } else { format!("{took:.0} ms") }
}

/// The host of a URL with its port; the text itself if it is no URL.
pub(super) fn host(url: Option<&str>) -> String {
    let Some(text) = url else { return "unknown".to_owned() };
    let Ok(url) = url::Url::parse(text) else { return text.to_owned() };
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => text.to_owned(),
    }
}

/// `12 345`: digits in threes, apart by a narrow space.
pub(super) fn number(count: i64) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join("\u{202f}")
}

/// Which attempt is next, and who decided how many there are: `Attempt 2 of 3 (the endpoint sets it)`.
pub(super) fn which(attempts: i32, tries: Option<TriesOf>) -> String {
    let next = attempts.saturating_add(1);
    match tries {
        Some(TriesOf { max_attempts, origin }) if i64::from(next) <= i64::from(max_attempts) => {
            format!("Attempt {next} of {max_attempts} ({})", origin.sentence())
        }
        Some(TriesOf { max_attempts, origin }) => {
            format!("Attempt {next}, of a budget of {max_attempts} begun anew ({})", origin.sentence())
        }
        None => format!("Attempt {next}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_can_be_read() {
        assert_eq!([0, 999, 1_000, 2_034_567].map(number), ["0", "999", "1\u{202f}000", "2\u{202f}034\u{202f}567"]);
    }

    #[test]
    fn a_host_is_what_people_look_for() {
        assert_eq!(host(Some("https://hooks.acme.com/a?token=x")), "hooks.acme.com");
        assert_eq!(host(Some("http://127.0.0.1:9000/hook")), "127.0.0.1:9000");
        assert_eq!(host(Some("javascript:alert(1)")), "javascript:alert(1)");
        assert_eq!(host(None), "unknown");
    }
}
