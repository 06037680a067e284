//! Endpoints. A secret is shown only in the answer to the request that created it; header values and `auth` never.

use std::collections::BTreeMap;

use ringback::{
    endpoint::{self, Auth, ClientAuthentication, ClientTls, MASK, Preset, Retry, RotationUnderWay, Scheme},
    id::EndpointId,
    invalid::Warning,
    operate::{endpoints::Made, figures::LastDay},
    store::rules,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::Health;
use crate::openapi::{answers, requests, settings::EndpointSettings, values};

/// An endpoint with its effective values.
#[derive(Serialize, ToSchema)]
pub(crate) struct Endpoint {
    #[schema(value_type = values::EndpointId)]
    id: EndpointId,
    url: String,
    #[schema(value_type = values::Tenant)]
    tenant: String,
    #[schema(required, value_type = Option<values::Key>)]
    key: Option<String>,
    enabled: bool,
    event_types: Vec<String>,
    #[schema(value_type = values::Preset)]
    preset: Preset,
    #[schema(value_type = requests::Scheme)]
    scheme: Scheme,
    #[schema(value_type = BTreeMap<String, String>)]
    headers: BTreeMap<String, &'static str>,
    #[schema(required)]
    auth: Option<AuthShown>,
    #[schema(required, value_type = Option<requests::Tls>)]
    tls: Option<ClientTls>,
    #[schema(value_type = answers::Retry)]
    retry: Retry,
    #[serde(flatten)]
    #[schema(value_type = EndpointSettings)]
    settings: endpoint::Settings,
    paused: bool,
    #[schema(required)]
    disabled_reason: Option<String>,
    /// Left out only where the endpoint was changed and the database then gave no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    health: Option<Health>,
    has_secret: bool,
    #[schema(required)]
    public_key: Option<String>,
    #[schema(required)]
    rotation: Option<Rotation>,
    /// When the receiver at this URL last answered a verification.
    #[schema(required, value_type = Option<values::Time>)]
    verified_at: Option<Timestamp>,
    #[schema(value_type = values::Time)]
    created_at: Timestamp,
    #[schema(value_type = values::Time)]
    updated_at: Timestamp,
}

/// A rotation of the secret that has not ended.
#[derive(Serialize, ToSchema)]
struct Rotation {
    /// How many secrets are valid now, the current one included.
    secrets: usize,
    /// Until when the last of the older secrets signs beside the current one.
    #[schema(required, value_type = Option<values::Time>)]
    overlap_until: Option<Timestamp>,
    /// When the next secret takes the current one's place.
    #[schema(required, value_type = Option<values::Time>)]
    switch_at: Option<Timestamp>,
}

impl From<RotationUnderWay> for Rotation {
    fn from(RotationUnderWay { secrets, overlap_until, switch_at }: RotationUnderWay) -> Self {
        Self { secrets, overlap_until, switch_at }
    }
}

/// Which authorization is sent, and under what name.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum AuthShown {
    Bearer {
        token: &'static str,
    },
    Basic {
        username: String,
        password: &'static str,
    },
    ApiKey {
        header: String,
        value: &'static str,
    },
    Oauth2 {
        token_url: String,
        client_id: String,
        client_secret: &'static str,
        scopes: Vec<String>,
        #[schema(required)]
        audience: Option<String>,
        #[schema(value_type = values::ClientAuthentication)]
        client_authentication: ClientAuthentication,
    },
}

impl From<&Auth> for AuthShown {
    fn from(auth: &Auth) -> Self {
        match auth {
            Auth::Bearer { .. } => Self::Bearer { token: MASK },
            Auth::Basic { username, .. } => Self::Basic { username: username.clone(), password: MASK },
            Auth::ApiKey { header, .. } => Self::ApiKey { header: header.clone(), value: MASK },
            Auth::Oauth2(oauth) => Self::Oauth2 {
                token_url: oauth.token_url.clone(),
                client_id: oauth.client_id.clone(),
                client_secret: MASK,
                scopes: oauth.scopes.clone(),
                audience: oauth.audience.clone(),
                client_authentication: oauth.client_authentication,
            },
        }
    }
}

impl From<&endpoint::Endpoint> for Endpoint {
    fn from(endpoint: &endpoint::Endpoint) -> Self {
        let (spec, credentials) = (endpoint.spec.clone(), &endpoint.credentials);
        Self {
            id: endpoint.id,
            url: spec.url,
            tenant: endpoint.tenant.clone(),
            key: endpoint.key.clone(),
            enabled: endpoint.enabled,
            event_types: spec.event_types,
            preset: spec.preset,
            scheme: spec.scheme,
            headers: credentials.headers.keys().map(|name| (name.clone(), MASK)).collect(),
            auth: credentials.auth.as_ref().map(AuthShown::from),
            tls: credentials.tls.as_ref().map(ClientTls::shown),
            retry: spec.retry,
            settings: endpoint.spec.settings(),
            paused: endpoint.paused,
            disabled_reason: endpoint.disabled_reason.clone(),
            health: None,
            has_secret: !credentials.secrets.is_empty(),
            public_key: credentials.public_key(),
            rotation: RotationUnderWay::of(&endpoint.spec.scheme, credentials, Timestamp::now()).map(Rotation::from),
            verified_at: endpoint.spec.verified_at,
            created_at: endpoint.created_at,
            updated_at: endpoint.updated_at,
        }
    }
}

impl Endpoint {
    pub(crate) fn with(endpoint: &endpoint::Endpoint, health: Option<rules::health::Health>) -> Self {
        Self { health: health.map(Health::from), ..Self::from(endpoint) }
    }
}

/// One endpoint with how its receiver has done lately.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndpointWithFigures {
    #[serde(flatten)]
    endpoint: Endpoint,
    #[schema(value_type = answers::LastDay)]
    last_24h: LastDay,
}

impl EndpointWithFigures {
    pub(crate) fn of(endpoint: &endpoint::Endpoint, health: rules::health::Health, last_24h: LastDay) -> Self {
        Self { endpoint: Endpoint::with(endpoint, Some(health)), last_24h }
    }
}

/// An endpoint that was just made or changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndpointMade {
    #[serde(flatten)]
    endpoint: Endpoint,
    /// Only where this very request gave or generated it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[schema(value_type = Vec<answers::Warning>)]
    warnings: Vec<Warning>,
}

impl EndpointMade {
    pub(crate) fn of(made: Made, health: Option<rules::health::Health>) -> Self {
        Self { endpoint: Endpoint::with(&made.endpoint, health), secret: made.secret, warnings: made.warnings }
    }
}
