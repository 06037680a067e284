//! What handlers take from a request, with refusals that name the field.

mod body;
mod depth;
mod document;
pub(crate) mod encoding;
mod id;
mod idempotency_key;
mod if_match;
mod json;
mod once;
mod parameters;
mod strict;

pub(crate) use self::{
    body::{BODY_BYTES_MAX, read_json, read_whole},
    document::{Document, elements},
    id::Id,
    idempotency_key::{IdempotencyKey, NAME as IDEMPOTENCY_KEY, has_key, refused_key},
    if_match::{IfMatch, etag},
    json::{FromDocument, Json, Nothing, OptionalJson, Patch, Raw, parse},
    once::Once,
    parameters::{FromParameters, Parameters, Query},
};
