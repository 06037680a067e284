//! Asks a token server for a token: client credentials, RFC 6749 §4.4.
//!
//! The request goes out as a delivery does: the name is resolved and vetted, exactly the vetted address is dialled, no
//! redirect is followed, and a bounded part of the answer is read.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderValue, StatusCode, header};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, Client, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken,
    RequestTokenError, Scope, StandardRevocableToken, TokenResponse, TokenUrl,
    basic::{
        BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
        BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Granted, Slot, Token};
use crate::{
    attempt::{ErrorClass, Outcome},
    deliver::{
        Delivering,
        send::Spelling,
        sign::{AGENT, Signed},
    },
    egress::Identity,
    endpoint::{ClientAuthentication, Method, Oauth2},
};

/// Longest time that a token server has, if the attempt has as long.
const FETCH_MAX: Duration = Duration::from_secs(10);

/// How long before its attempt a fetch ends, so that those who wait for it learn why there is no token.
const BEFORE: Duration = Duration::from_millis(10);

/// Longest token, in bytes: two of them still fit into the head of a request that is full otherwise.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// Why there is no token. Its text has nothing that the token server sent but words of the standard.
#[derive(Debug, Clone, thiserror::Error)]
pub(in crate::deliver) enum NoToken {
    #[error("the token server could not be asked ({0})")]
    Unasked(ErrorClass),
    #[error("the token server answered {0}")]
    Refused(u16),
    #[error("the token server answered {0}: {1}")]
    Denied(u16, &'static str),
    #[error("the answer of the token server {0}")]
    Unusable(&'static str),
}

type Server = Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// The answer that grants a token.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    access_token: AccessToken,
    #[serde(deserialize_with = "oauth2::helpers::deserialize_untagged_enum_case_insensitive")]
    token_type: BasicTokenType,
    /// Some servers write the seconds as a text.
    #[serde(default)]
    expires_in: Value,
}

impl TokenResponse for Answer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        let seconds = self.expires_in.as_f64().or_else(|| self.expires_in.as_str()?.trim().parse().ok())?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        None
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// How the library's requests are sent. It owns what it needs, as the library's futures take no borrowed client that could
/// move between threads.
struct Asking {
    delivering: Arc<Delivering>,
    /// Whose connections are used.
    slot: Arc<Slot>,
    identity: Option<Arc<Identity>>,
    within: Duration,
}

impl<'a> AsyncHttpClient<'a> for Asking {
    type Error = NoToken;
    type Future = BoxFuture<'a, Result<HttpResponse, NoToken>>;

    fn call(&'a self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let request = signed(request, self.identity.clone()).ok_or(NoToken::Unasked(ErrorClass::Protocol))?;
            answer(self.delivering.outside.carrier.carry(&self.slot.connections, &request, self.within).await)
        })
    }
}

/// Asks for a token. Ends within `left`, and within [`FETCH_MAX`].
pub(in crate::deliver) fn fetch(
    delivering: Arc<Delivering>,
    slot: Arc<Slot>,
    credentials: Oauth2,
    identity: Option<Arc<Identity>>,
    left: Duration,
) -> BoxFuture<'static, Result<Granted, NoToken>> {
    let within = left.saturating_sub(BEFORE).min(FETCH_MAX);
    let asking = Asking { delivering, slot, identity, within };
    Box::pin(async move { ask(&asking, &credentials).await })
}

async fn ask(asking: &Asking, credentials: &Oauth2) -> Result<Granted, NoToken> {
    let url = TokenUrl::new(credentials.token_url.clone()).map_err(|_| NoToken::Unasked(ErrorClass::Protocol))?;
    let server = Server::new(ClientId::new(credentials.client_id.clone()))
        .set_client_secret(ClientSecret::new(credentials.client_secret.clone()))
        .set_auth_type(match credentials.client_authentication {
            ClientAuthentication::Basic => AuthType::BasicAuth,
            ClientAuthentication::Body => AuthType::RequestBody,
        })
        .set_token_uri(url);
    let scopes: Vec<_> = credentials.scopes.iter().cloned().map(Scope::new).collect();
    let mut request = server.exchange_client_credentials().add_scopes(scopes);
    if let Some(audience) = &credentials.audience {
        request = request.add_extra_param("audience", audience.clone());
    }
    let granted = request.request_async(asking).await.map_err(why)?;
    if *granted.token_type() != BasicTokenType::Bearer {
        return Err(NoToken::Unusable("has a token that is no bearer token"));
    }
    let token = granted.access_token().secret();
    if token.is_empty() || token.len() > TOKEN_BYTES_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(NoToken::Unusable("has a token that no header can carry"));
    }
    Ok(Granted { token: Token::new(token.clone()), lasts: granted.expires_in() })
}

/// The library's request, as the sender takes it.
fn signed(request: HttpRequest, identity: Option<Arc<Identity>>) -> Option<Signed> {
    let (head, body) = request.into_parts();
    let mut headers = head.headers;
    headers.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let url = head.uri.to_string().parse().ok()?;
    Some(Signed { method: Method::Post, url, headers, spelling: Spelling::default(), body: body.into(), identity })
}

/// The answer, as the library takes it.
fn answer(outcome: Outcome) -> Result<HttpResponse, NoToken> {
    let Some(response) = outcome.response else {
        return Err(NoToken::Unasked(outcome.failure.map_or(ErrorClass::Protocol, |failure| failure.error)));
    };
    if response.truncated {
        return Err(NoToken::Unusable("is longer than any token"));
    }
    // Anything but 200 and an error of the standard, which comes as JSON: the library would show what is in it.
    if response.status != 200 {
        let code =
            serde_json::from_slice::<BasicErrorResponse>(&response.body).ok().and_then(|told| known(told.error()));
        return Err(code.map_or(NoToken::Refused(response.status), |code| NoToken::Denied(response.status, code)));
    }
    let mut answer = HttpResponse::new(response.body.to_vec());
    // Without its media type, which the library would insist on: what counts is whether it can be read.
    *answer.status_mut() = StatusCode::OK;
    Ok(answer)
}

/// The words of RFC 6749 §5.2; whatever else a server writes is not repeated.
const fn known(code: &BasicErrorResponseType) -> Option<&'static str> {
    Some(match code {
        BasicErrorResponseType::InvalidClient => "invalid_client",
        BasicErrorResponseType::InvalidGrant => "invalid_grant",
        BasicErrorResponseType::InvalidRequest => "invalid_request",
        BasicErrorResponseType::InvalidScope => "invalid_scope",
        BasicErrorResponseType::UnauthorizedClient => "unauthorized_client",
        BasicErrorResponseType::UnsupportedGrantType => "unsupported_grant_type",
        BasicErrorResponseType::Extension(_) => return None,
    })
}

fn why(error: RequestTokenError<NoToken, BasicErrorResponse>) -> NoToken {
    match error {
        RequestTokenError::Request(why) => why,
        // The texts of the others may repeat what the server sent.
        _ => NoToken::Unusable("grants no token"),
    }
}
