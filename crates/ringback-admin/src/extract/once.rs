//! A body with an `Idempotency-Key`: it is read as usual, and a digest of it is kept with the key.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use ringback::{compute::compute, operate::once::OnceKey, store::OnceName};
use sha2::{Digest as _, Sha256};

use super::{
    body::{BODY_BYTES_MAX, read_whole},
    idempotency_key::key_of,
};
use crate::{api::Api, auth::Access, memory::Held, problem::Problem};

/// A body, and the key under which its request is carried out once.
pub(crate) struct Once<T> {
    /// The body.
    pub(crate) body: T,
    /// The key, if there is one.
    pub(crate) key: Option<Keyed>,
}

/// A key, and the digest of the request's body.
pub(crate) struct Keyed {
    key: String,
    digest: [u8; 32],
}

impl<T: FromRequest<Api, Rejection = Problem>> FromRequest<Api> for Once<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let Some(key) = key_of(request.headers())? else {
            return Ok(Self { body: T::from_request(request, api).await?, key: None });
        };
        let (mut parts, body) = request.into_parts();
        let bytes = read_whole(Request::from_parts(parts.clone(), body), BODY_BYTES_MAX).await?;
        // The same bytes are read again below; without the counter they are not counted twice.
        parts.extensions.remove::<Arc<Held>>();
        let digested = compute(bytes.len(), move || (Sha256::digest(&bytes).into(), bytes));
        let (digest, bytes) = digested.await;
        let body = T::from_request(Request::from_parts(parts, Body::from(bytes)), api).await?;
        Ok(Self { body, key: Some(Keyed { key, digest }) })
    }
}

impl Keyed {
    /// The key as it counts for this caller, tenant and route.
    pub(crate) fn of(self, access: &Access, tenant: Option<&str>, route: String) -> OnceKey {
        let binding = access.tenant.clone().unwrap_or_default();
        let tenant = tenant.unwrap_or_default().to_owned();
        OnceKey { name: OnceName { binding, tenant, route, key: self.key }, digest: self.digest }
    }
}
