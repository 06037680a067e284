//! The types of the keys: each refuses what is not right, so that the rest of the program need not look again.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use base64::Engine as _;
use ringback::deliver::send::AllowEntry;

use super::value::Value;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub(crate) const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Which store, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// A file, made when missing.
    Sqlite(PathBuf),
    /// The whole URL, which may hold a password.
    Postgres(Secret),
}

impl Value for DatabaseUrl {
    const NAME: &'static str = "URL";
    const SECRET: bool = true;

    fn expected() -> String {
        "sqlite://FILE, sqlite:///ABSOLUTE/FILE or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            let is_file = !path.is_empty() && !path.ends_with('/') && !path.contains(['?', '\0']);
            return is_file.then(|| Self::Sqlite(PathBuf::from(path)));
        }
        let url = url::Url::parse(text).ok()?;
        matches!(url.scheme(), "postgres" | "postgresql").then(|| Self::Postgres(Secret(text.to_owned())))
    }
}

/// The name of a PostgreSQL schema that needs no quoting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema(pub(crate) String);

impl Value for Schema {
    const NAME: &'static str = "NAME";

    fn expected() -> String {
        "1 to 63 of the characters a-z 0-9 _ that begin with a letter and not with pg_".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let right = text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(inside)
            && !text.starts_with("pg_");
        right.then(|| Self(text.to_owned()))
    }
}

impl Value for SocketAddr {
    const NAME: &'static str = "ADDR:PORT";

    fn expected() -> String {
        "an IP address with a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// What stands before every path, without a slash at its end; empty for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BasePath(pub(crate) String);

impl Value for BasePath {
    const NAME: &'static str = "PATH";

    fn expected() -> String {
        "a path such as /webhooks of the characters A-Z a-z 0-9 _ . ~ -".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let path = text.strip_suffix('/').unwrap_or(text);
        let inside = |c: char| c.is_ascii_alphanumeric() || "_.~-".contains(c);
        let is_segment = |segment: &str| !segment.is_empty() && segment.chars().all(inside);
        let mut segments = path.split('/');
        let right = segments.next() == Some("") && segments.all(is_segment);
        (path.is_empty() || right).then(|| Self(path.to_owned()))
    }
}

/// A bearer token of the operator's own.
#[derive(Debug, Clone)]
pub(crate) struct AdminToken(pub(crate) Secret);

impl Value for AdminToken {
    const NAME: &'static str = "TOKEN";
    const SECRET: bool = true;

    fn expected() -> String {
        "16 to 256 printable ASCII characters without spaces; `openssl rand -hex 32` makes one".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let right = (16..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        right.then(|| Self(Secret(text.to_owned())))
    }
}

/// A key that seals secrets at rest.
#[derive(Debug, Clone)]
pub(crate) struct MasterKey(pub(crate) Secret);

impl Value for MasterKey {
    const NAME: &'static str = "KEY";
    const SECRET: bool = true;

    fn expected() -> String {
        "32 bytes as 64 hex digits or standard base64; `openssl rand -hex 32` makes one".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let as_hex = hex::decode(text).is_ok_and(|key| key.len() == 32);
        let as_base64 = || base64::engine::general_purpose::STANDARD.decode(text).is_ok_and(|key| key.len() == 32);
        (as_hex || as_base64()).then(|| Self(Secret(text.to_owned())))
    }
}

impl Value for AllowEntry {
    const NAME: &'static str = "CIDR[:PORT]";

    fn expected() -> String {
        "a network such as 127.0.0.0/8, or 10.1.0.0/16:8443 for one port".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> Value for Whole<MIN, MAX> {
    const NAME: &'static str = "N";

    fn expected() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn parse(text: &str) -> Option<Self> {
        let number = text.parse().ok()?;
        (MIN..=MAX).contains(&number).then_some(Self(number))
    }

    fn toml(text: &str) -> String {
        text.to_owned()
    }
}

/// A duration from `MIN_MS` to `MAX_MS` milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span<const MIN_MS: u64, const MAX_MS: u64>(pub(crate) Duration);

impl<const MIN_MS: u64, const MAX_MS: u64> Value for Span<MIN_MS, MAX_MS> {
    const NAME: &'static str = "DURATION";

    fn expected() -> String {
        let (min, max) = (print_duration(MIN_MS), print_duration(MAX_MS));
        format!("a duration from {min} to {max}: a whole number and one of ms s m h d, such as 12s")
    }

    fn parse(text: &str) -> Option<Self> {
        let duration = parse_duration(text)?;
        let (min, max) = (Duration::from_millis(MIN_MS), Duration::from_millis(MAX_MS));
        (min..=max).contains(&duration).then_some(Self(duration))
    }
}

/// The units of durations with their milliseconds, longest name first so that `ms` is not read as `s`.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a whole number with a unit: `250ms`, `12s`, `7d`.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, ms) = UNITS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, ms)))?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_millis(number.parse::<u64>().ok()?.checked_mul(*ms)?))
}

/// Writes milliseconds in the largest unit that fits evenly.
fn print_duration(ms: u64) -> String {
    let fits = UNITS.iter().rev().find(|(_, unit)| ms >= *unit && ms.is_multiple_of(*unit));
    fits.map_or_else(|| format!("{ms}ms"), |(name, unit)| format!("{}{name}", ms / unit))
}

/// What is logged: a level, or directives that `tracing` understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFilter(pub(crate) String);

impl Value for LogFilter {
    const NAME: &'static str = "LEVEL";

    fn expected() -> String {
        "off, error, warn, info, debug or trace, or directives such as info,ringback=debug".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        // `tracing` would take a mistyped level for the name of a module.
        let is_level = |text: &str| text.parse::<tracing_subscriber::filter::LevelFilter>().is_ok();
        let right = text.split(',').map(str::trim).all(|part| is_level(part) || part.contains('='));
        let right = right && tracing_subscriber::EnvFilter::builder().parse(text).is_ok();
        right.then(|| Self(text.to_owned()))
    }
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Value for LogFormat {
    const NAME: &'static str = "text|json";

    fn expected() -> String {
        "text or json".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// What names of request headers begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeaderPrefix(pub(crate) String);

impl Value for HeaderPrefix {
    const NAME: &'static str = "TEXT";

    fn expected() -> String {
        "1 to 64 of the characters a-z 0-9 - that begin with a letter".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let right =
            text.len() <= 64 && text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(inside);
        right.then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_whole_number_with_a_unit() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("7d"), Some(Duration::from_secs(604_800)));
        for wrong in ["", "s", "12", "1.5h", "-1s", "+1s", " 1s", "1 s", "1w", "99999999999999999999d"] {
            assert_eq!(parse_duration(wrong), None, "{wrong:?}");
        }
        assert_eq!(print_duration(90_000), "90s");
        assert_eq!(print_duration(0), "0ms");
    }

    #[test]
    fn database_urls_say_which_store() {
        assert_eq!(DatabaseUrl::parse("sqlite://ringback.db"), Some(DatabaseUrl::Sqlite("ringback.db".into())));
        assert_eq!(DatabaseUrl::parse("sqlite:///var/r.db"), Some(DatabaseUrl::Sqlite("/var/r.db".into())));
        assert!(matches!(DatabaseUrl::parse("postgres://u:p@h/d"), Some(DatabaseUrl::Postgres(_))));
        for wrong in ["", "ringback.db", "sqlite://", "mysql://h/d", "sqlite://x.db?mode=rwc"] {
            assert_eq!(DatabaseUrl::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn base_paths_begin_with_a_slash_and_do_not_end_with_one() {
        let path = |text| BasePath::parse(text).map(|path| path.0);
        assert_eq!(path("/a/b/").as_deref(), Some("/a/b"));
        assert_eq!(path("/").as_deref(), Some(""));
        assert_eq!(path("a"), None);
        assert_eq!(path("/a//b"), None);
    }

    #[test]
    fn a_mistyped_log_level_is_not_taken_for_a_module() {
        assert!(LogFilter::parse("warn").is_some());
        assert!(LogFilter::parse("info,ringback=debug").is_some());
        assert!(LogFilter::parse("inof").is_none());
    }
}
