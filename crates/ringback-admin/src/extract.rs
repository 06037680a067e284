//! What handlers take from a request, with refusals that name the field.

mod body;
mod depth;
mod document;
mod id;
mod idempotency_key;
mod if_match;
mod json;
mod parameters;
mod strict;

pub(crate) use self::{
    body::{BODY_BYTES_MAX, read_json},
    document::{Document, elements},
    id::Id,
    idempotency_key::IdempotencyKey,
    if_match::{IfMatch, etag},
    json::{FromDocument, Json, Nothing, OptionalJson, Patch, Raw},
    parameters::{FromParameters, Parameters, Query},
};
