//! `/audit`: who changed what; narrowed as `GET /v1/audit`.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{store::AuditRow, time::Timestamp};

use super::listing::{Cell, Listing, Narrowed, Narrowing, Row, Table, older};
use crate::{
    api::{Api, audit::Asked},
    auth::Permission,
    dashboard::{moment::Moment, visible::visible, visitor::Visitor},
    problem::Problem,
};

const PAGE: &str = "/audit";

const HEAD: &[&str] = &["When", "Who", "Did what", "To what", "Before", "After"];

/// `GET /audit`
pub(in crate::dashboard) async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Response {
    let page = read(&api, &visitor, &Narrowed::of(query.as_deref())).await;
    visitor.shown(page)
}

async fn read(api: &Api, visitor: &Visitor, narrowed: &Narrowed) -> Result<Listing, Problem> {
    visitor.must(Permission::Administer, "The audit log needs a token of scope admin.")?;
    let (rows, cursor) = narrowed.asked::<Asked>()?.page(api, &visitor.access).await?;
    let now = Timestamp::now();
    Ok(Listing {
        frame: visitor.frame(api),
        title: "Audit",
        hint: "Newest first: every change that somebody asked for. Credentials read ***.",
        narrowing: Narrowing::new(&visitor.mount, PAGE)
            .text(narrowed, "Who", "who")
            .text(narrowed, "Did what", "action")
            .text(narrowed, "To what", "object")
            .span(narrowed),
        table: Table::new(HEAD, rows.iter().map(|change| row(change, now)).collect()),
        nothing: "Nothing was changed.",
        older: older(narrowed, &visitor.mount, PAGE, cursor),
    })
}

fn row(change: &AuditRow, now: Timestamp) -> Row {
    let text = |text: &Option<String>| Cell::code(text.as_deref().map(visible).unwrap_or_default());
    let object = Cell::code(visible(&change.object));
    Row::of(vec![
        Cell::at(Some(Moment::new(change.position.at, now))),
        Cell::text(visible(&change.who)),
        Cell::text(visible(&change.action)),
        match &change.tenant {
            Some(tenant) => object.with(visible(tenant)),
            None => object,
        },
        text(&change.before),
        text(&change.after),
    ])
}
