//! The headers of a request while they are composed.
//!
//! All values are written into one buffer, which they share in the end: a request has a dozen of them, and each would
//! otherwise be an allocation of its own here, and another one when the request is copied for the wire.

use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Unsignable;
use crate::endpoint::bounds::HEAD_BYTES_MAX;

/// As many bytes as the values of most requests have.
const USUAL_BYTES: usize = 512;

/// As many headers as most requests have.
const USUAL_COUNT: usize = 16;

/// Headers, with a name once each.
pub(super) struct Headers {
    values: String,
    fields: Vec<Field>,
}

struct Field {
    name: HeaderName,
    value: Value,
    is_secret: bool,
}

enum Value {
    Fixed(&'static str),
    /// Where it is in the buffer.
    Written(Range<usize>),
}

impl Headers {
    pub(super) fn new() -> Self {
        Self { values: String::with_capacity(USUAL_BYTES), fields: Vec::with_capacity(USUAL_COUNT) }
    }

    /// A value that is the same in every request.
    pub(super) fn fixed(&mut self, name: HeaderName, value: &'static str) {
        self.put(Field { name, value: Value::Fixed(value), is_secret: false });
    }

    /// A value that operators may see.
    pub(super) fn open(&mut self, name: HeaderName, write: impl FnOnce(&mut String)) {
        let value = self.written(write);
        self.put(Field { name, value, is_secret: false });
    }

    /// A caller's value, which nobody sees again. It never replaces a header that is there already: names that were
    /// checked when they were stored may collide by now with a new prefix, or with an inherited `auth`.
    pub(super) fn secret(&mut self, name: HeaderName, write: impl FnOnce(&mut String)) {
        if self.fields.iter().all(|field| field.name != name) {
            let value = self.written(write);
            self.fields.push(Field { name, value, is_secret: true });
        }
    }

    fn written(&mut self, write: impl FnOnce(&mut String)) -> Value {
        let begin = self.values.len();
        write(&mut self.values);
        Value::Written(begin..self.values.len())
    }

    fn put(&mut self, field: Field) {
        match self.fields.iter_mut().find(|there| there.name == field.name) {
            Some(there) => *there = field,
            None => self.fields.push(field),
        }
    }

    /// The headers as they are sent.
    ///
    /// # Errors
    /// When a value cannot stand in a header, or the head would be too large.
    pub(super) fn finish(self) -> Result<HeaderMap, Unsignable> {
        let values = Bytes::from(self.values);
        let mut headers = HeaderMap::with_capacity(self.fields.len());
        for Field { name, value, is_secret } in self.fields {
            let value = match value {
                Value::Fixed(text) => HeaderValue::from_static(text),
                Value::Written(range) => HeaderValue::from_maybe_shared(values.slice(range))
                    .map_err(|_| Unsignable::Header(name.as_str().to_owned()))?,
            };
            add(&mut headers, name, value, is_secret);
        }
        check_size(&headers)?;
        Ok(headers)
    }
}

/// Adds a header; nobody sees the value of a secret one again.
pub(super) fn add(headers: &mut HeaderMap, name: HeaderName, mut value: HeaderValue, is_secret: bool) {
    value.set_sensitive(is_secret);
    headers.insert(name, value);
}

/// Whether these headers are few and short enough to be sent.
pub(super) fn check_size(headers: &HeaderMap) -> Result<(), Unsignable> {
    // 4: the colon, the space and the two bytes of the line's end of each header.
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if bytes > HEAD_BYTES_MAX { Err(Unsignable::Head(bytes)) } else { Ok(()) }
}
