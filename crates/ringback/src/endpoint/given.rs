//! How the values of an endpoint's settings are read and checked: one type of value after the other.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{
    Body, BodyForm, BodyTemplate, Filter, Lasting, Method, NoSpan, OnDead, Setting, Shape, Statuses, body, statuses,
};
use crate::{document::Fields, invalid::Invalid, time::print_duration};

/// The type in which a caller gives a setting.
pub(super) trait Given: Sized + Serialize {
    /// Reads it from a document; a value of another type is a finding.
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self>;

    /// Adds a finding if the value is out of bounds. Not part of reading, since a host may build a draft without a document.
    fn check(&self, _setting: &Setting, _invalid: &mut Invalid) {}
}

impl Given for String {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        fields.text(setting.name)
    }

    fn check(&self, setting: &Setting, invalid: &mut Invalid) {
        let Shape::Text { chars_max, one_line } = setting.shape else { return };
        let is_refused = |char: char| if one_line { char.is_control() } else { char == '\0' };
        if self.chars().count() > chars_max || self.chars().any(is_refused) {
            let without = if one_line { "control characters" } else { "a NUL" };
            setting.wrong("malformed", format!("must be at most {chars_max} characters without {without}"), invalid);
        }
    }
}

impl Given for u32 {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        fields.small(setting.name)
    }

    fn check(&self, setting: &Setting, invalid: &mut Invalid) {
        let (Shape::Whole { least, most } | Shape::Milliseconds { least, most }) = setting.shape else { return };
        if !(least..=most).contains(self) {
            setting.wrong("out_of_range", format!("must be {least} to {most}"), invalid);
        }
    }
}

impl Given for f64 {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        fields.number(setting.name)
    }

    fn check(&self, setting: &Setting, invalid: &mut Invalid) {
        let Shape::Rate { most } = setting.shape else { return };
        if !(*self > 0.0 && *self <= most) {
            let detail = format!("must be more than 0 and at most {most}; leave it out for no limit");
            setting.wrong("out_of_range", detail, invalid);
        }
    }
}

impl Given for bool {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        fields.flag(setting.name)
    }
}

impl Given for OnDead {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        fields.word(setting.name)
    }
}

impl Given for Method {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        fields.word(setting.name)
    }
}

impl Given for Lasting {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        let read = match fields.some(setting.name)? {
            Value::String(text) => text.parse().ok(),
            Value::Number(seconds) => seconds.as_u64().map(|seconds| Duration::from_secs(seconds).into()),
            _ => None,
        };
        if read.is_none() {
            fields.wrong(setting.name, "malformed", format!("{NoSpan}, or a whole number of seconds"));
        }
        read
    }

    fn check(&self, setting: &Setting, invalid: &mut Invalid) {
        let Shape::Span { least, most } = setting.shape else { return };
        if !(Duration::from_millis(least)..=Duration::from_millis(most)).contains(&Duration::from(*self)) {
            let (least, most) = (print_duration(least), print_duration(most));
            setting.wrong("out_of_range", format!("must be {least} to {most}"), invalid);
        }
    }
}

impl Given for Statuses {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        let Value::Array(entries) = fields.some(setting.name)? else {
            fields.wrong(setting.name, "wrong_type", "must be an array");
            return None;
        };
        if let Err(detail) = entries_fit(entries.len(), setting) {
            fields.wrong(setting.name, "out_of_range", detail);
            return None;
        }
        let mut all = Some(Vec::new());
        for (index, entry) in entries.iter().enumerate() {
            let read = entry.as_str().map(|text| Self::of([text]).map(|_| text));
            let wrong = match read {
                Some(Ok(text)) => {
                    all.iter_mut().for_each(|all| all.push(text));
                    continue;
                }
                Some(Err(wrong)) => ("malformed", wrong.to_string()),
                None => ("wrong_type", "must be a string".to_owned()),
            };
            fields.wrong(&format!("{}/{index}", setting.name), wrong.0, wrong.1);
            all = None;
        }
        Self::of(all?).ok()
    }

    fn check(&self, setting: &Setting, invalid: &mut Invalid) {
        if let Err(detail) = entries_fit(self.count(), setting) {
            setting.wrong("out_of_range", detail, invalid);
        }
    }
}

impl Given for Body {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        match fields.some(setting.name)? {
            Value::String(name) => {
                let form = name.parse::<BodyForm>();
                let wrong = |known| format!("must be an object with a template, or {known}");
                form.map_err(|known| fields.wrong(setting.name, "unknown_value", wrong(known))).ok().map(Self::Form)
            }
            value @ Value::Object(_) => fields.nested(setting.name, value, |own| {
                let template = own.has("template").then(|| own.text("template")).flatten();
                if template.is_none() {
                    own.must_have("template");
                }
                let content_type =
                    if own.has("content_type") { own.text("content_type")? } else { body::JSON.to_owned() };
                Some(Self::Template(BodyTemplate { template: template?, content_type }))
            }),
            _ => {
                fields.wrong(setting.name, "wrong_type", "must be the name of a body or an object");
                None
            }
        }
    }

    fn check(&self, setting: &Setting, invalid: &mut Invalid) {
        if let Err(found) = self.compile() {
            invalid.absorb(&format!("/{}", setting.name), found);
        }
    }
}

impl Given for Filter {
    fn read(setting: &Setting, fields: &mut Fields) -> Option<Self> {
        let read = Self::parse(&fields.text(setting.name)?);
        read.map_err(|wrong| fields.wrong(setting.name, "malformed", wrong.to_string())).ok()
    }

    fn check(&self, setting: &Setting, invalid: &mut Invalid) {
        if let Some(wrong) = self.wrong() {
            setting.wrong("malformed", wrong.to_string(), invalid);
        }
    }
}

fn entries_fit(count: usize, setting: &Setting) -> Result<(), String> {
    const MAX: usize = statuses::ENTRIES_MAX;
    let Shape::Statuses { least } = setting.shape else { return Ok(()) };
    if (least..=MAX).contains(&count) { Ok(()) } else { Err(format!("must have {least} to {MAX} entries")) }
}
