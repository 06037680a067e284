//! What fuzz targets reach into the binary for. Not for anybody else, and gone without the feature `fuzzing`.

use crate::configuration::Configuration;

/// What a configuration file means, printed, or what is wrong with it.
///
/// # Errors
/// Every finding.
pub fn configuration(text: &str) -> Result<String, Vec<String>> {
    Configuration::of_file(text).map(|configuration| format!("{configuration:?}"))
}
