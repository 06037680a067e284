//! `ringback audit`: who changed what, newest first.

use super::{page::Paging, span::Span, value};
use crate::{
    client::{Connection, views::Change},
    failure::Result,
    print::{Table, moment},
};

/// List what was changed, by whom and when
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback audit --since 1d
  ringback audit --object ep_0198… --json
  ringback audit --who host:ana --action endpoint.delete

A token that asks needs the scope admin. --json has the values before and after each change;
credentials read ***. Ends with 3 when there is none.")]
pub(crate) struct Audit {
    /// By this one, as the column WHO names them
    #[arg(long, value_parser = value::key)]
    who: Option<String>,

    /// Of this kind, as the column ACTION names it
    #[arg(long, value_parser = value::key)]
    action: Option<String>,

    /// Of the object with this id
    #[arg(long, value_name = "ID", value_parser = value::key)]
    object: Option<String>,

    #[command(flatten)]
    span: Span,

    #[command(flatten)]
    paging: Paging,

    #[command(flatten)]
    connection: Connection,
}

impl Audit {
    /// Lists one page.
    pub(crate) async fn run(self) -> Result<()> {
        let client = self.connection.open().await?;
        let query = [("who", self.who), ("action", self.action), ("object", self.object)];
        let query = query.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let query = query.chain(self.span.fields()).collect();
        self.paging.list(&client, "/v1/audit", query, "no change matches", show).await
    }
}

fn show(changes: &[Change]) {
    let mut table = Table::new(["AT", "WHO", "ACTION", "TENANT", "OBJECT", "CHANGED"]);
    for change in changes {
        table.row([
            moment::clock(change.at),
            change.who.clone(),
            change.action.clone(),
            change.tenant.clone().unwrap_or_else(|| "-".to_owned()),
            change.object_id.clone(),
            changed(change),
        ]);
    }
    table.print();
}

/// The fields that differ; nothing if something was made or removed.
fn changed(change: &Change) -> String {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return String::new() };
    let mut fields: Vec<_> =
        before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_change_names_the_fields_that_differ() {
        let change = |before: Value, after: Value| -> Change {
            let change = json!({"at": "2026-01-31T12:00:00Z", "who": "admin_token", "action": "endpoint.update",
                "object_id": "ep_1", "tenant": "acme", "before": before, "after": after});
            serde_json::from_value(change).unwrap()
        };
        let update = change(json!({"a": 1, "b": 2, "c": 3}), json!({"b": 2, "c": 4, "d": 5}));
        assert_eq!(changed(&update), "a, c, d");
        assert_eq!(changed(&change(Value::Null, json!({"a": 1}))), "");
    }
}
