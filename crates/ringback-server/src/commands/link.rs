//! What `ringback share` and `ringback portal` have in common.

use http::Method;
use ringback::time::Timestamp;
use serde::Deserialize;

use super::value;
use crate::{
    client::{Answer, Client, segment},
    failure::Result,
    print::{self, plain},
};

/// A link as the API tells it.
#[derive(Debug, Deserialize)]
struct Made {
    id: String,
    url: String,
    expires_at: Timestamp,
}

/// How long a link lasts, kept as text.
pub(super) fn life(text: &str) -> std::result::Result<String, String> {
    value::duration(text).map(|_| text.to_owned())
}

/// Prints a new link: its address alone on standard output, so that it can be piped, the rest beside it.
pub(super) fn print(answer: Answer, json: bool) -> Result<()> {
    let answer = answer.accepted(json)?;
    if json {
        answer.print();
        return Ok(());
    }
    let made: Made = answer.read()?;
    print::line(plain(&made.url));
    print::note(format!("{} until {}; --revoke {} ends it sooner", made.id, made.expires_at, made.id));
    Ok(())
}

/// Revokes a link.
pub(super) async fn revoke(client: &Client, route: &str, id: &str, json: bool) -> Result<()> {
    client.change(Method::DELETE, &format!("{route}/{}", segment(id)), None, None).await?.accepted(json)?;
    if !json {
        print::line(format!("{id} opens nothing any more"));
    }
    Ok(())
}
