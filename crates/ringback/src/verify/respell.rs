//! Other spellings of a body, as editors, shells and JSON libraries produce them.

use std::borrow::Cow;

use serde_json::Value;

/// How a JSON text is written, token by token: the order of members stays.
#[derive(Debug, Clone, Copy, Default)]
struct Style {
    after_comma: &'static str,
    after_colon: &'static str,
    /// Numbers as JavaScript prints them: `3.0` is `3`.
    js_numbers: bool,
    /// Strings read and written again, so that needless escapes go.
    rewrite_strings: bool,
    /// All characters outside ASCII as `\u…`.
    ascii: bool,
    /// A slash as `\/`.
    escape_slash: bool,
}

/// All other spellings of `body`, each with words that complete "the signature was made over …".
pub(super) fn spellings(body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let all = white_space(body).into_iter().chain(json(body));
    let mut different: Vec<(String, Vec<u8>)> = Vec::new();
    for (how, spelling) in all {
        if spelling != body && !different.iter().any(|(_, other)| *other == spelling) {
            different.push((how.to_owned(), spelling));
        }
    }
    different
}

fn white_space(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let with = |end: &[u8]| [body, end].concat();
    let mut all =
        vec![("the body with a newline at its end", with(b"\n")), ("the body with CR LF at its end", with(b"\r\n"))];
    if let Some(line) = body.strip_suffix(b"\n") {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        all.push(("the body without the newline at its end", line.to_vec()));
    }
    all.push(("the body without the white space around it", body.trim_ascii().to_vec()));
    if let Ok(text) = str::from_utf8(body) {
        let unix = text.replace("\r\n", "\n");
        all.push(("the body with LF for CR LF", unix.clone().into_bytes()));
        all.push(("the body with CR LF for LF", unix.replace('\n', "\r\n").into_bytes()));
        all.push(("the body without its byte order mark", text.trim_start_matches('\u{feff}').as_bytes().to_vec()));
    }
    all
}

fn json(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let Some(text) = str::from_utf8(body).ok().map(str::trim) else { return Vec::new() };
    let Ok(value) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let compact = Style::default();
    let js = Style { js_numbers: true, rewrite_strings: true, ..compact };
    let python = Style { after_comma: " ", after_colon: " ", rewrite_strings: true, ascii: true, ..compact };
    let php = Style { rewrite_strings: true, ascii: true, escape_slash: true, ..compact };
    let mut sorted = Vec::new();
    if serde_json::to_writer(&mut sorted, &sort(value)).is_err() {
        sorted.clear();
    }
    vec![
        ("the JSON without white space", write(text, compact)),
        ("the JSON as JSON.stringify in JavaScript writes it", write(text, js)),
        ("the JSON as json.dumps in Python writes it", write(text, python)),
        (
            "the JSON as json.dumps in Python writes it with ensure_ascii=False",
            write(text, Style { ascii: false, ..python }),
        ),
        ("the JSON as json_encode in PHP writes it", write(text, php)),
        ("the JSON written again with its members sorted", sorted),
    ]
}

/// Sorts members by name, since this build of the JSON library may keep them in another order.
fn sort(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.into_iter().map(|(name, value)| (name, sort(value))).collect();
            members.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sort).collect()),
        other => other,
    }
}

/// Writes a JSON text, which must be right, in a style.
fn write(text: &str, style: Style) -> Vec<u8> {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = token(rest, first);
        let (token, after) = rest.split_at(length);
        rest = after;
        match first {
            ' ' | '\t' | '\r' | '\n' => {}
            ',' => written.extend([",", style.after_comma]),
            ':' => written.extend([":", style.after_colon]),
            '"' => written.push_str(&string(token, style)),
            '-' | '0'..='9' => written.push_str(&number(token, style)),
            _ => written.push_str(token),
        }
    }
    written.into_bytes()
}

/// How many bytes the token at the beginning has.
fn token(rest: &str, first: char) -> usize {
    match first {
        '"' => {
            let mut escaped = false;
            let end = rest.bytes().skip(1).position(|byte| {
                let is_end = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                is_end
            });
            end.map_or(rest.len(), |end| end + 2)
        }
        '-' | '0'..='9' => rest.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(rest.len()),
        other => other.len_utf8(),
    }
}

fn string(token: &str, style: Style) -> Cow<'_, str> {
    if !style.rewrite_strings {
        return token.into();
    }
    let rewritten = serde_json::from_str::<String>(token).and_then(|text| serde_json::to_string(&text));
    // A lone surrogate has no other spelling.
    let Ok(mut rewritten) = rewritten else { return token.into() };
    if style.escape_slash {
        rewritten = rewritten.replace('/', "\\/");
    }
    if style.ascii { ascii(&rewritten).into() } else { rewritten.into() }
}

fn ascii(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            written.push(c);
        } else {
            written.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    written
}

fn number(token: &str, style: Style) -> Cow<'_, str> {
    let number = token.parse::<f64>().ok().filter(|number| style.js_numbers && number.abs() < 1e21);
    number.map_or_else(|| token.into(), |number| (if number == 0.0 { 0.0 } else { number }).to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(body: &str, how: &str) -> Option<String> {
        let spellings = spellings(body.as_bytes());
        let (_, bytes) = spellings.into_iter().find(|(told, _)| told.contains(how))?;
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn libraries_write_as_they_do() {
        let body = "{\"b\": 3.0,\"a\":[1e3, -0.50], \"é\\/\": \"\\u00fc/\\\"\" }\n";
        assert_eq!(spelled(body, "JavaScript").unwrap(), r#"{"b":3,"a":[1000,-0.5],"é/":"ü/\""}"#);
        assert_eq!(spelled(body, "json.dumps").unwrap(), r#"{"b": 3.0, "a": [1e3, -0.50], "\u00e9/": "\u00fc/\""}"#);
        assert_eq!(spelled(body, "PHP").unwrap(), r#"{"b":3.0,"a":[1e3,-0.50],"\u00e9\/":"\u00fc\/\""}"#);
        assert_eq!(spelled(body, "sorted").unwrap(), r#"{"a":[1000.0,-0.5],"b":3.0,"é/":"ü/\""}"#);
        assert_eq!(spelled(body, "without white space").unwrap(), r#"{"b":3.0,"a":[1e3,-0.50],"é\/":"\u00fc/\""}"#);
    }

    #[test]
    fn only_what_differs_is_named_and_once() {
        let compact = spellings(br#"{"a":1}"#);
        assert!(!compact.iter().any(|(how, _)| how.contains("JavaScript") || how.contains("sorted")), "{compact:?}");
        assert!(spelled("{}\r\n", "without the newline").is_some());
        assert!(spelled("not json", "JSON").is_none());
        assert!(spellings(&[0xff, b'\n']).iter().any(|(_, bytes)| bytes == &[0xff]));
    }
}
