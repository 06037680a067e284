//! Strings as JavaScript writes them (ECMAScript, QuoteJSONString).

use std::borrow::Cow;

/// A string literal that was walked over.
pub(super) struct Text<'a> {
    /// The text between the quotes, with its escapes.
    pub(super) raw: &'a str,
    /// Whether JavaScript would write it the same way.
    pub(super) stable: bool,
}

impl<'a> Text<'a> {
    /// Reads the literal at the beginning of `rest`, which starts with a quote; returns also how many bytes it takes.
    pub(super) fn read(rest: &'a str) -> Option<(Self, usize)> {
        let bytes = rest.as_bytes();
        let (mut at, mut stable) = (1, true);
        loop {
            match *bytes.get(at)? {
                b'"' => return Some((Self { raw: &rest[1..at], stable }, at + 1)),
                b'\\' => {
                    let escape = Escape::read(&bytes[at + 1..])?;
                    stable &= escape.stable;
                    at += 1 + escape.length;
                }
                0..0x20 => return None,
                _ => at += 1,
            }
        }
    }

    /// The text without escapes; `None` if it has half of a surrogate pair, which cannot be shown.
    pub(super) fn plain(&self) -> Option<Cow<'a, str>> {
        plain(self.raw)
    }
}

/// The text between the quotes, without escapes.
pub(super) fn plain(raw: &str) -> Option<Cow<'_, str>> {
    if raw.contains('\\') {
        serde_json::from_str(&format!("\"{raw}\"")).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(raw))
    }
}

/// What follows a backslash.
struct Escape {
    length: usize,
    stable: bool,
}

impl Escape {
    fn read(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? {
            b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't' => Some(Self { length: 1, stable: true }),
            b'/' => Some(Self { length: 1, stable: false }),
            b'u' => Self::unicode(bytes),
            _ => None,
        }
    }

    fn unicode(bytes: &[u8]) -> Option<Self> {
        let unit = unit(bytes)?;
        if (0xd800..0xdc00).contains(&unit)
            && bytes.get(5) == Some(&b'\\')
            && bytes.get(6) == Some(&b'u')
            && (0xdc00..0xe000).contains(&self::unit(&bytes[6..])?)
        {
            // A pair is one character, which is written as itself.
            return Some(Self { length: 11, stable: false });
        }
        let has_short_form = matches!(unit, 0x08 | 0x09 | 0x0a | 0x0c | 0x0d);
        let is_written_so = (unit < 0x20 && !has_short_form) || (0xd800..0xe000).contains(&unit);
        let is_lower_case = !bytes[1..5].iter().any(u8::is_ascii_uppercase);
        Some(Self { length: 5, stable: is_written_so && is_lower_case })
    }
}

/// The code unit of `u` and four hex digits.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.get(1..5).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stable(literal: &str) -> Option<bool> {
        Text::read(literal).map(|(text, length)| {
            assert_eq!(length, literal.len());
            text.stable
        })
    }

    #[test]
    fn only_the_escapes_that_javascript_writes_are_stable() {
        for literal in [
            r#""""#,
            r#""a\"\\\b\f\n\r\t""#,
            r#""\u0000\u001f\u000b""#,
            r#""\ud800""#,
            r#""\udfff\ud800x""#,
            "\"\u{7f}\u{e9}\u{1f600}\u{2028}/\"",
        ] {
            assert_eq!(stable(literal), Some(true), "{literal}");
        }
        for literal in [
            r#""\/""#,
            r#""\u00e9""#,
            r#""\u000a""#,
            r#""\u001F""#,
            r#""\ud83d\ude00""#,
            r#""\uD800""#,
            r#""\u0041""#,
            r#""\u007f""#,
            r#""\u2028""#,
        ] {
            assert_eq!(stable(literal), Some(false), "{literal}");
        }
    }

    #[test]
    fn what_is_no_string_is_not_read() {
        for literal in
            ["\"", "\"a", r#""\x""#, r#""\u00g0""#, r#""\u00"#, r#""\u+041""#, "\"a\nb\"", r#""\ud800\u12"#, "\"\\"]
        {
            assert_eq!(stable(literal), None, "{literal}");
        }
    }
}
