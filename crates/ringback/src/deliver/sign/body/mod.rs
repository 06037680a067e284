//! The body of a request: the payload, or what an endpoint wants made of it.
//!
//! Values of the payload are copied, never parsed and printed again; everything else comes from the event alone, so that
//! every attempt and replay has the same bytes, but for `{attempt}`.

pub(super) mod cloudevents;
mod slack;
mod template;

use bytes::Bytes;

use super::{Message, Unsignable};
use crate::endpoint::{
    body::{BodyForm, JSON, Recipe},
    pointed::is_json,
};

/// A body, and what it is.
#[derive(Debug)]
pub(crate) struct Made<'r> {
    pub(crate) bytes: Bytes,
    pub(crate) content_type: &'r str,
}

/// Makes the body of one attempt.
///
/// # Errors
/// When the payload lacks what it needs.
pub(crate) fn make<'r>(recipe: &'r Recipe, message: &Message<'_>) -> Result<Made<'r>, Unsignable> {
    let payload = message.body;
    Ok(match recipe {
        Recipe::Form(BodyForm::Raw) => Made { bytes: payload.clone(), content_type: JSON },
        Recipe::Form(BodyForm::Slack) => Made { bytes: slack::body(message.event, payload), content_type: JSON },
        Recipe::Form(BodyForm::Envelope) => Made { bytes: envelope(message)?, content_type: JSON },
        Recipe::Form(BodyForm::Cloudevents) => {
            Made { bytes: cloudevents::structured(message.event, payload), content_type: cloudevents::CONTENT_TYPE }
        }
        Recipe::Form(BodyForm::CloudeventsBinary) => {
            Made { bytes: payload.clone(), content_type: cloudevents::content_type(payload) }
        }
        Recipe::Template(recipe) => {
            Made { bytes: template::fill(recipe, message)?, content_type: &recipe.content_type }
        }
    })
}

/// How many bytes [`make`] processes for a payload of `bytes`; bytes that it passes twice count twice.
pub(crate) fn effort(recipe: &Recipe, bytes: usize) -> usize {
    bytes.saturating_mul(match recipe {
        Recipe::Form(BodyForm::Raw) => 0,
        Recipe::Form(BodyForm::Slack | BodyForm::CloudeventsBinary) => 1,
        Recipe::Form(BodyForm::Envelope | BodyForm::Cloudevents) => 2,
        Recipe::Template(recipe) => template::walks(recipe),
    })
}

/// `{"event":…,"timestamp":…,"data":…}`. A type has no character that JSON escapes.
fn envelope(message: &Message<'_>) -> Result<Bytes, Unsignable> {
    if !is_json(message.body) {
        return Err(Unsignable::Body("has the payload as its data, and the payload is not JSON".to_owned()));
    }
    let event = message.event;
    let before = format!(r#"{{"event":"{}","timestamp":"{}","data":"#, event.event_type, event.occurred_at);
    Ok(joined(&[before.as_bytes(), message.body, b"}"]))
}

fn joined(pieces: &[&[u8]]) -> Bytes {
    pieces.concat().into()
}

#[cfg(test)]
mod tests;
