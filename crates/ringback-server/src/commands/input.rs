//! Files that commands read; `-` is standard input.

use std::{io::Read, path::Path};

use serde_json::value::RawValue;

use crate::failure::{Failure, Result};

/// How a file is named to people.
pub(super) fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// To be read bit by bit.
pub(super) fn open(file: &Path) -> Result<Box<dyn Read>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    let opened = std::fs::File::open(file);
    let opened = opened.map_err(|error| Failure::failed(format!("{} cannot be read: {error}", name(file))))?;
    Ok(Box::new(opened))
}

/// Every byte of it.
pub(super) fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(file).map(|read| bytes = read)
    };
    read.map_err(|error| Failure::failed(format!("{} cannot be read: {error}", name(file))))?;
    Ok(bytes)
}

/// Its text.
pub(super) fn read_text(file: &Path) -> Result<String> {
    String::from_utf8(read(file)?).map_err(|_| Failure::usage(format!("{} is not UTF-8 text", name(file))))
}

/// Its JSON value without the white space around it, otherwise byte for byte.
pub(super) fn read_json(file: &Path) -> Result<Box<RawValue>> {
    let text = read_text(file)?;
    serde_json::from_str(text.trim())
        .map_err(|error| Failure::usage(format!("{} is not one JSON value: {error}", name(file))))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn payloads_keep_every_byte_between_the_white_space() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b" {\"b\": 3.0, \"a\":\"\\u00e9\", \"n\":9007199254740993} \n").unwrap();
        let payload = read_json(file.path()).unwrap();
        assert_eq!(payload.get(), "{\"b\": 3.0, \"a\":\"\\u00e9\", \"n\":9007199254740993}");
    }
}
