//! `/tokens`: who may call the API, and taking that away. Tokens are made by the command line alone, so that no session and
//! no token can make others.

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use ringback::{id::TokenId, time::Timestamp, token::Token};

use super::{
    listing::{Act, Cell, Listing, Narrowed, Narrowing, Row, Table},
    phrases::Tone,
};
use crate::{
    api::Api,
    dashboard::{frame::Frame, moment::Moment, submission::Submission, visible::visible, visitor::Visitor},
    problem::Problem,
};

const PAGE: &str = "/tokens";

const HEAD: &[&str] = &["Token", "Scope", "State", "Made", "Last used", "Ends"];

const NEEDS_ADMIN: &str = "Tokens need a token of scope admin that is not bound to a tenant.";

/// `GET /tokens?tenant=`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
) -> Response {
    let page = read(&api, &visitor, &Narrowed::of(query.as_deref())).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor, narrowed: &Narrowed) -> Result<Listing, Problem> {
    visitor.must_administer_all(NEEDS_ADMIN)?;
    let (frame, now, tenant) = (visitor.frame(api), Timestamp::now(), narrowed.value("tenant"));
    let tokens = api.engine.tokens().await?;
    let shown = tokens.iter().filter(|token| tenant.is_empty() || token.tenant.as_deref() == Some(tenant));
    Ok(Listing {
        title: "Tokens",
        hint: "Newest first. They are made with `ringback token create`; one that is revoked is refused everywhere.",
        narrowing: Narrowing::new(&visitor.mount, PAGE).text(narrowed, "Tenant", "tenant"),
        table: Table::new(HEAD, shown.map(|token| row(&frame, token, now)).collect()),
        nothing: "No token matches.",
        older: None,
        frame,
    })
}

fn row(frame: &Frame, token: &Token, now: Timestamp) -> Row {
    let when = |at: Option<Timestamp>, otherwise: &str| match at {
        Some(at) => Cell::at(Some(Moment::new(at, now))),
        None => Cell::text(otherwise),
    };
    let (state, tone) = match (token.revoked_at, token.expires_at) {
        (Some(_), _) => ("revoked", Tone::Plain),
        (None, Some(at)) if at <= now => ("expired", Tone::Plain),
        (None, _) => ("valid", Tone::Good),
    };
    let name = token.name.as_deref().map_or_else(|| token.id.to_string(), visible);
    let bound = token.tenant.as_deref().map_or_else(|| "any tenant".to_owned(), visible);
    Row {
        id: None,
        act: (state == "valid").then(|| Act::Post {
            action: format!("{}{PAGE}/{}/revoke", frame.mount, token.id),
            form: frame.form.clone(),
            hidden: Vec::new(),
            label: "Revoke",
            about: token.id.to_string(),
        }),
        cells: vec![
            Cell::code(name).with(token.id.to_string()),
            Cell::text(token.scope.to_string()).with(bound),
            Cell::tag(state, tone),
            when(Some(token.created_at), ""),
            when(token.last_used_at, "never"),
            when(token.expires_at, "never"),
        ],
    }
}

/// `POST /tokens/{id}/revoke`
pub(in crate::dashboard) async fn revoke(
    State(api): State<Api>,
    Path(id): Path<String>,
    Submission { visitor, .. }: Submission,
) -> Response {
    let revoked = async {
        visitor.must_administer_all(NEEDS_ADMIN)?;
        let id: TokenId = id.parse().map_err(|_| Problem::not_found())?;
        api.engine.revoke_token(id, &visitor.by).await?.ok_or_else(Problem::not_found)
    };
    match revoked.await {
        Ok(_) => Redirect::to(&visitor.mount.to(PAGE)).into_response(),
        Err(problem) => visitor.refused(problem),
    }
}
