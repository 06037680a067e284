//! One pass over a JSON text that notes the first place of each kind of finding.
//!
//! Open objects and arrays are kept in a list, without recursion: depth costs memory, never the thread's stack.

use url::Url;

use super::{
    Change,
    members::Members,
    number,
    text::{Text, plain},
};
use crate::document::escape;

/// Deepest nesting that is walked. Receivers' parsers give up long before.
const DEPTH_MAX: usize = 1_024;

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The first thing that JavaScript would change, and where.
    pub(super) change: Option<(Change, String)>,
    /// The first field that is named like a URL and holds another text.
    pub(super) not_a_url: Option<String>,
}

/// Walks over the whole text; `None` if it is not JSON, or nested too deeply.
pub(super) fn walk(text: &str) -> Option<Found> {
    let mut walk = Walk { text, at: 0, open: Vec::new(), found: Found::default() };
    walk.document()?;
    Some(walk.found)
}

struct Walk<'a> {
    text: &'a str,
    at: usize,
    open: Vec<Open<'a>>,
    found: Found,
}

/// An object or array that the walk is inside of.
enum Open<'a> {
    Object(Members<'a>),
    Array { index: usize },
}

impl<'a> Walk<'a> {
    fn document(&mut self) -> Option<()> {
        loop {
            self.space();
            let entered = match self.peek()? {
                b'{' => self.enter(Open::Object(Members::default()), b'}')?,
                b'[' => self.enter(Open::Array { index: 0 }, b']')?,
                b'"' => self.string().map(|()| false)?,
                b'-' | b'0'..=b'9' => self.number().map(|()| false)?,
                _ => self.word().map(|()| false)?,
            };
            if !entered && !self.leave()? {
                return (self.at == self.text.len()).then_some(());
            }
        }
    }

    /// Enters an object or array and stops before its first value; `false` if it is empty, and then stops after it.
    fn enter(&mut self, open: Open<'a>, end: u8) -> Option<bool> {
        if self.open.len() == DEPTH_MAX {
            return None;
        }
        let is_object = matches!(open, Open::Object(_));
        self.open.push(open);
        self.at += 1;
        self.space();
        if self.peek()? == end {
            self.at += 1;
            self.open.pop();
            return Some(false);
        }
        if is_object {
            self.name()?;
        }
        Some(true)
    }

    /// After a value: goes on to the next one, leaving objects and arrays that end here; `false` at the end of the document.
    fn leave(&mut self) -> Option<bool> {
        loop {
            self.space();
            let Some(open) = self.open.last_mut() else { return Some(false) };
            let byte = *self.text.as_bytes().get(self.at)?;
            self.at += 1;
            match (open, byte) {
                (Open::Array { index }, b',') => {
                    *index += 1;
                    return Some(true);
                }
                (Open::Object(_), b',') => {
                    self.space();
                    self.name()?;
                    return Some(true);
                }
                (Open::Array { .. }, b']') | (Open::Object(_), b'}') => self.close(),
                _ => return None,
            }
        }
    }

    fn close(&mut self) {
        if let Some(Open::Object(members)) = self.open.pop()
            && self.found.change.is_none()
            && let Some(name) = members.duplicate()
        {
            let pointer = format!("{}/{}", self.pointer(), shown(name));
            self.found.change = Some((Change::Duplicate, pointer));
        }
    }

    fn name(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        let (text, length) = Text::read(&self.text[self.at..])?;
        self.at += length;
        let in_place = match self.open.last_mut() {
            Some(Open::Object(members)) => members.add(text.raw),
            _ => return None,
        };
        if !text.stable {
            self.note(Change::Escape);
        } else if !in_place {
            self.note(Change::Order);
        }
        self.space();
        if self.peek()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let (text, length) = Text::read(&self.text[self.at..])?;
        self.at += length;
        if !text.stable {
            self.note(Change::Escape);
        }
        if self.found.not_a_url.is_none()
            && self.is_named_like_a_url()
            && !text.plain().is_some_and(|text| is_url(&text))
        {
            self.found.not_a_url = Some(self.pointer());
        }
        Some(())
    }

    fn number(&mut self) -> Option<()> {
        let rest = &self.text.as_bytes()[self.at..];
        let length = number_length(rest)?;
        if self.found.change.is_none() && !number::is_stable(&self.text[self.at..self.at + length]) {
            self.note(Change::Number);
        }
        self.at += length;
        Some(())
    }

    fn word(&mut self) -> Option<()> {
        let rest = &self.text[self.at..];
        let word = ["true", "false", "null"].into_iter().find(|word| rest.starts_with(word))?;
        self.at += word.len();
        Some(())
    }

    fn space(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn note(&mut self, change: Change) {
        if self.found.change.is_none() {
            self.found.change = Some((change, self.pointer()));
        }
    }

    fn is_named_like_a_url(&self) -> bool {
        let Some(Open::Object(members)) = self.open.last() else { return false };
        members.last().is_some_and(|name| ["url", "Url", "URL"].iter().any(|end| name.ends_with(end)))
    }

    /// The JSON pointer to where the walk is.
    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for open in &self.open {
            match open {
                Open::Object(members) => {
                    if let Some(name) = members.last() {
                        pointer.push('/');
                        pointer.push_str(&shown(name));
                    }
                }
                Open::Array { index } => {
                    pointer.push('/');
                    pointer.push_str(&index.to_string());
                }
            }
        }
        pointer
    }
}

/// A name as it is written in a pointer.
fn shown(raw: &str) -> String {
    let name = plain(raw).unwrap_or(raw.into());
    escape(&name).into_owned()
}

/// How many bytes the number at the beginning takes; `None` if there is no number.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        at += 1 + fraction;
        if fraction == 0 {
            return None;
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        at += exponent;
        if exponent == 0 {
            return None;
        }
    }
    Some(at)
}

/// Whether a text is an absolute web URL.
fn is_url(text: &str) -> bool {
    let has_scheme = ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    has_scheme && Url::parse(text).is_ok()
}
