//! A signing scheme on the command line: a name, or a custom one as the API's JSON.

use ringback::endpoint::{Custom, Scheme};

/// Reads `levrage`, or `{"key_format":…}`.
pub(super) fn scheme(text: &str) -> Result<Scheme, String> {
    if text.trim_start().starts_with('{') {
        let custom: Result<Custom, _> = serde_json::from_str(text);
        return custom.map(Scheme::Custom).map_err(|error| format!("not a custom scheme: {error}"));
    }
    Scheme::named(text).ok_or_else(|| {
        let names = Scheme::BUILT_IN.map(|scheme| scheme.name()).join(", ");
        format!("one of {names}, or a custom scheme as a JSON object")
    })
}
