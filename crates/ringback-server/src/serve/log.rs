//! Log lines on standard error. They never contain a payload, a response body or a secret: no code logs these.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::configuration::LogFormat;

/// Sends what is logged to standard error. The filter was checked when it was read.
pub(crate) fn start(filter: &str, format: LogFormat) {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // A closed standard error must not end the server, and there is no other place to report it.
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

/// The filter without the database driver's notices ("relation already exists, skipping"), unless the filter names the
/// driver.
fn quiet(filter: &str) -> String {
    if filter.contains("sqlx") { filter.to_owned() } else { format!("{filter},sqlx=warn") }
}
