//! The version that a change is meant for, so that it does not overwrite another person's change.

/// Flatten it into a command that changes an endpoint.
#[derive(Debug, clap::Args)]
pub(super) struct Seen {
    /// Only if the endpoint is still at this version, which `endpoints get` shows
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub(super) if_match: Option<u64>,
}

/// A version, with or without the quotes of an ETag.
fn version(text: &str) -> Result<u64, String> {
    let bare = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit());
    bare.parse().ok().filter(|_| is_number).ok_or_else(|| "not a version such as 7".to_owned())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_numbers_with_or_without_quotes() {
        assert_eq!((version("7"), version("\"7\"")), (Ok(7), Ok(7)));
        for wrong in ["", "\"\"", "+7", "-1", "W/\"7\"", "*", "seven"] {
            assert!(version(wrong).is_err(), "{wrong}");
        }
    }
}
