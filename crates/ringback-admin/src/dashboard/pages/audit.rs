//! `/audit`: who changed what; narrowed as `GET /v1/audit`.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use ringback::{store::AuditRow, time::Timestamp};
use serde_json::{Map, Value};

use super::listing::{Cell, Listing, Narrowed, Narrowing, Row, Table, older};
use crate::{
    api::{Api, audit::Asked},
    auth::Permission,
    dashboard::{moment::Moment, visible::visible, visitor::Visitor},
    problem::Problem,
};

const PAGE: &str = "/audit";

const HEAD: &[&str] = &["When", "Who", "Did what", "To what", "What changed"];

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
        hint: "Newest first: every change that somebody asked for. Credentials read ***; GET /v1/audit has each change as a whole.",
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
    let object = Cell::code(visible(&change.object));
    Row::of(vec![
        Cell::at(Some(Moment::new(change.position.at, now))),
        Cell::code(visible(&change.who)),
        Cell::code(visible(&change.action)),
        match &change.tenant {
            Some(tenant) => object.with(visible(tenant)),
            None => object,
        },
        Cell::code(visible(&changed(change.before.as_deref(), change.after.as_deref()))),
    ])
}

/// What a change has changed: `paused: false → true`. Of what was made, or is gone, the fields that say something.
fn changed(before: Option<&str>, after: Option<&str>) -> String {
    let fields = |text: Option<&str>| serde_json::from_str::<Map<String, Value>>(text.unwrap_or("{}"));
    let (Ok(before), Ok(after)) = (fields(before), fields(after)) else { return String::new() };
    let says_something = |value: &Value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    };
    let changes = after.iter().filter_map(|(name, new)| match before.get(name) {
        Some(old) => (old != new).then(|| format!("{name}: {old} → {new}")),
        None => says_something(new).then(|| format!("{name}: {new}")),
    });
    let gone = before.iter().filter(|(name, old)| !after.contains_key(*name) && says_something(old));
    changes.chain(gone.map(|(name, old)| format!("{name}: {old} → gone"))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_changed_is_left_out() {
        let (before, after) =
            (Some(r#"{"paused":false,"key":"crm","auth":null}"#), Some(r#"{"paused":true,"key":"crm"}"#));
        assert_eq!(changed(before, after), "paused: false → true");
        assert_eq!(
            changed(None, Some(r#"{"key":"crm","auth":null,"headers":{},"url":"https://a"}"#)),
            r#"key: "crm", url: "https://a""#
        );
        assert_eq!(changed(before, None), r#"key: "crm" → gone, paused: false → gone"#);
        assert_eq!(changed(None, None), "");
    }
}
