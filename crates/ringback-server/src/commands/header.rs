//! Request headers on the command line and in files.

use crate::failure::{Failure, Result};

/// One header: `name: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

impl std::str::FromStr for Header {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let wrong = || "not of the form 'name: value'".to_owned();
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        let name = http::HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
        Ok(Self { name: name.as_str().to_owned(), value: value.trim().to_owned() })
    }
}

/// Reads lines of the form `name: value`, or a JSON object, as the API shows the headers of an attempt. A request line
/// before them and an empty line after them are skipped.
pub(super) fn read_all(source: &str, text: &str) -> Result<Vec<Header>> {
    if text.trim_start().starts_with('{') {
        let object: std::collections::BTreeMap<String, String> = serde_json::from_str(text)
            .map_err(|error| Failure::usage(format!("{source} is not a JSON object of header texts: {error}")))?;
        return Ok(object.into_iter().map(|(name, value)| Header { name, value }).collect());
    }
    let is_request_line = |line: &str| line.contains(" HTTP/") && line.split(' ').count() == 3;
    let lines = text.lines().enumerate().filter(|(index, line)| !(*index == 0 && is_request_line(line)));
    let lines = lines.take_while(|(_, line)| !line.trim().is_empty());
    let header = |(index, line): (usize, &str)| {
        line.parse().map_err(|error| Failure::usage(format!("{source}, line {}: {error}", index + 1)))
    };
    lines.map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_as_lines_or_as_the_apis_object() {
        let lines = read_all("f", "POST /hook HTTP/1.1\r\nSvix-Id: msg_1\r\nX-A:b:c\r\n\r\nbody: no").unwrap();
        assert_eq!(lines, ["svix-id: msg_1", "x-a: b:c"].map(|line| line.parse().unwrap()));
        let object = read_all("f", r#"{"svix-id":"msg_1","x-a":"b:c"}"#).unwrap();
        assert_eq!(object, lines);
        assert!(read_all("f", "no colon").is_err() && read_all("f", "a b: c").is_err());
    }
}
