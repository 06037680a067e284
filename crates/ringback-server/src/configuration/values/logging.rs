//! What is logged, and how it is written.

use super::super::value::Value;

/// What is logged: a level, or directives that `tracing` understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogFilter(pub(crate) String);

impl Value for LogFilter {
    const NAME: &'static str = "LEVEL";

    fn expected() -> String {
        "off, error, warn, info, debug or trace, or directives such as info,ringback=debug".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        // Checked here, because `tracing` takes a mistyped level for the name of a module.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_log_level_is_not_taken_for_a_module() {
        assert!(LogFilter::parse("warn").is_some());
        assert!(LogFilter::parse("info,ringback=debug").is_some());
        assert!(LogFilter::parse("inof").is_none());
    }
}
