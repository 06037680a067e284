//! The requests for links, checked.

use std::time::Duration;

use ringback::{
    document::Fields,
    event::{is_key, is_tenant},
    id::DeliveryId,
    invalid::Invalid,
    link::{Opens, PortalScope},
    operate::links::EXPIRES_MAX,
    store::EventFilter,
};
use serde_json::Value;

use crate::{
    api::{Api, deliveries},
    auth::Access,
    extract::FromDocument,
    problem::Problem,
};

/// Shortest life of a link: a shorter one ends before anybody can open it.
const EXPIRES_MIN: Duration = Duration::from_secs(1);

/// Events of a key that are looked at to see whether they all belong to one tenant.
const EVENTS_LOOKED_AT: u32 = 100;

/// `{delivery_id | key, tenant?, expires_in}`
pub(super) struct Share {
    of: Shared,
    tenant: Option<String>,
    pub(super) expires_in: Duration,
}

enum Shared {
    Delivery(DeliveryId),
    Key(String),
}

impl FromDocument for Share {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        let named = ["delivery_id", "key"].map(|name| fields.has(name));
        let (delivery, key) = (fields.parsed("delivery_id"), fields.text_of("key", is_key));
        match named {
            [false, false] => fields.wrong("delivery_id", "required", "is missing: give it, or key"),
            [true, true] if delivery.is_some() => {
                fields.wrong("key", "conflict", "cannot stand beside delivery_id: share one of them")
            }
            _ => {}
        }
        let tenant = fields.text_of("tenant", is_tenant);
        fields.must_have("expires_in");
        let expires_in = fields.duration("expires_in", EXPIRES_MIN, EXPIRES_MAX);
        let invalid = fields.finish();
        let of = delivery.map(Shared::Delivery).or(key.map(Shared::Key));
        match of.zip(expires_in) {
            Some((of, expires_in)) => invalid.or(Self { of, tenant, expires_in }),
            None => Err(invalid),
        }
    }
}

impl Share {
    /// What is shared, and the tenant that owns it.
    ///
    /// # Errors
    /// 404 if the caller may not know of it; 422 at `/tenant` if several tenants have the key.
    pub(super) async fn subject(&self, api: &Api, access: &Access) -> Result<(Opens, String), Problem> {
        let tenant = access.listed(self.tenant.clone())?;
        match &self.of {
            Shared::Delivery(id) => {
                let row = deliveries::find(api, access, *id).await?;
                let of_tenant = tenant.is_none_or(|tenant| tenant == row.event.tenant);
                of_tenant.then_some((Opens::Delivery(*id), row.event.tenant)).ok_or_else(Problem::not_found)
            }
            Shared::Key(key) => of_key(api, key, tenant).await,
        }
    }
}

/// The newest event of a key stands for all of them.
pub(crate) async fn of_key(api: &Api, key: &str, tenant: Option<String>) -> Result<(Opens, String), Problem> {
    let filter = EventFilter { tenant, key: Some(key.to_owned()), ..EventFilter::default() };
    let found = api.engine.events(&filter, None, EVENTS_LOOKED_AT).await?.items;
    let newest = found.first().ok_or_else(Problem::not_found)?;
    if found.iter().any(|row| row.event.tenant != newest.event.tenant) {
        let detail = "is needed: events of several tenants have this key";
        return Err(Invalid::one("/tenant", "required", detail).into());
    }
    Ok((Opens::KeyOf(newest.event.id), newest.event.tenant.clone()))
}

/// `{tenant, expires_in, scope}`
pub(super) struct PortalLink {
    pub(super) tenant: String,
    pub(super) expires_in: Duration,
    pub(super) scope: PortalScope,
}

impl FromDocument for PortalLink {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        ["tenant", "expires_in", "scope"].iter().for_each(|name| fields.must_have(name));
        let tenant = fields.text_of("tenant", is_tenant);
        let expires_in = fields.duration("expires_in", EXPIRES_MIN, EXPIRES_MAX);
        let scope = fields.word("scope");
        let invalid = fields.finish();
        match (tenant, expires_in, scope) {
            (Some(tenant), Some(expires_in), Some(scope)) => invalid.or(Self { tenant, expires_in, scope }),
            _ => Err(invalid),
        }
    }
}
