//! A body from a template of the endpoint's.
//!
//! Inside JSON, what the engine puts in (`{type}`, `{key}` …) is escaped as it must be between quotes. `{json:/pointer}`
//! is a value as it stands in the payload; `{raw:/pointer}` is what stands between the quotes of a string, escapes as they
//! are, so that it fits between other quotes. In other documents the engine's values are plain text.

use std::{borrow::Cow, fmt::Display};

use bytes::Bytes;

use super::super::{Message, Unsignable};
use crate::endpoint::{
    body::TemplateRecipe,
    bounds::BESIDE_BODY_MAX,
    placeholder::InBody,
    pointed::{is_json, values_at},
    pointer::{NoValue, Pointer},
    template::Part,
};

/// How often filling it passes over the payload: once to copy it, and once for each level that its pointers lead into.
pub(super) fn walks(recipe: &TemplateRecipe) -> usize {
    let deepest = pointers(recipe).map(Pointer::steps).max();
    2 + deepest.map_or(0, |steps| 1 + steps)
}

/// Fills it.
///
/// # Errors
/// When the payload lacks a value, or the body would be too large.
pub(super) fn fill(recipe: &TemplateRecipe, message: &Message<'_>) -> Result<Bytes, Unsignable> {
    let pointers: Vec<&Pointer> = pointers(recipe).collect();
    let mut values = found(recipe, &pointers, message.body)?.into_iter();
    let most = message.body.len() + BESIDE_BODY_MAX;
    let (mut pieces, mut length) = (Vec::with_capacity(recipe.template.parts().len()), 0);
    for part in recipe.template.parts() {
        let piece = piece(part, recipe.is_json, message, &mut values);
        length += piece.len();
        if length > most {
            let why = format!("would be more than {BESIDE_BODY_MAX} bytes longer than the payload");
            return Err(Unsignable::Body(why));
        }
        pieces.push(piece);
    }
    Ok(pieces.concat().into())
}

fn pointers(recipe: &TemplateRecipe) -> impl Iterator<Item = &Pointer> {
    recipe.template.parts().iter().filter_map(|part| match part {
        Part::Value(InBody::Raw(pointer) | InBody::Json(pointer)) => Some(pointer),
        _ => None,
    })
}

/// The value at each of the template's pointers.
fn found<'p>(recipe: &TemplateRecipe, pointers: &[&Pointer], payload: &'p [u8]) -> Result<Vec<&'p str>, Unsignable> {
    let Some(first) = pointers.first() else {
        let needs_json = recipe.is_json && recipe.template.has(|value| *value == InBody::Body);
        return if needs_json && !is_json(payload) {
            Err(Unsignable::Body(format!("is {} around the payload, and the payload is not JSON", recipe.content_type)))
        } else {
            Ok(Vec::new())
        };
    };
    let values = values_at(pointers, payload).map_err(|why| unfit(why, first))?;
    let all =
        values.into_iter().zip(pointers).map(|(value, pointer)| value.ok_or_else(|| unfit(NoValue::Absent, pointer)));
    all.collect()
}

fn unfit(why: NoValue, pointer: &Pointer) -> Unsignable {
    let why = match why {
        NoValue::Absent => "the payload has none there",
        NoValue::NotJson | NoValue::NotText => "the payload is not JSON",
    };
    Unsignable::Body(format!("has the value at {pointer}, and {why}"))
}

fn piece<'a>(
    part: &'a Part<InBody>,
    is_json: bool,
    message: &Message<'a>,
    values: &mut impl Iterator<Item = &'a str>,
) -> Cow<'a, [u8]> {
    let event = message.event;
    match part {
        Part::Text(text) => text.as_bytes().into(),
        Part::Value(InBody::Body) => message.body.as_ref().into(),
        Part::Value(InBody::Json(_)) => values.next().unwrap_or_default().as_bytes().into(),
        Part::Value(InBody::Raw(_)) => {
            let json = values.next().unwrap_or_default();
            let bare = json.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
            bare.unwrap_or(json).as_bytes().into()
        }
        Part::Value(InBody::Type) => plain(&event.event_type, is_json),
        Part::Value(InBody::Key) => plain(event.key.as_deref().unwrap_or_default(), is_json),
        Part::Value(InBody::Tenant) => plain(&event.tenant, is_json),
        Part::Value(InBody::Id) => printed(&event.id),
        Part::Value(InBody::OccurredAt) => printed(&event.occurred_at),
        Part::Value(InBody::Attempt) => printed(&message.attempt),
    }
}

fn plain(text: &str, is_json: bool) -> Cow<'_, [u8]> {
    let needs_escapes = is_json && text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'));
    if !needs_escapes {
        return text.as_bytes().into();
    }
    let quoted = serde_json::Value::from(text).to_string();
    Cow::Owned(quoted.as_bytes()[1..quoted.len() - 1].to_vec())
}

fn printed<'a>(value: &impl Display) -> Cow<'a, [u8]> {
    value.to_string().into_bytes().into()
}
