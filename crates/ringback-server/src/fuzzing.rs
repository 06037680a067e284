//! Functions for fuzz targets only; they exist only with the feature `fuzzing`.

use crate::configuration::Configuration;

/// The values of a configuration file, printed; or what is wrong with the file.
///
/// # Errors
/// Every finding.
pub fn configuration(text: &str) -> Result<String, Vec<String>> {
    Configuration::of_file(text).map(|configuration| format!("{configuration:?}"))
}
