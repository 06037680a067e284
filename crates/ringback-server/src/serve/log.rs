//! Log lines on standard error. Nothing here is ever a payload, a response body or a secret: nobody logs them.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::configuration::LogFormat;

/// Sends what is logged to standard error. The filter was checked when it was read.
pub(crate) fn start(filter: &str, format: LogFormat) {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // A log that nobody reads any more must not end the server, and where else could it be said?
    let builder = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_env_filter(EnvFilter::builder().parse_lossy(quiet(filter)))
        .with_writer(std::io::stderr)
        .with_ansi(colours);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// The filter with the database driver's notices left out ("relation already exists, skipping"), unless it names the
/// driver itself.
fn quiet(filter: &str) -> String {
    if filter.contains("sqlx") { filter.to_owned() } else { format!("{filter},sqlx=warn") }
}
