//! One page of a list: how commands ask for it, and what they do about an empty one.

use serde::de::DeserializeOwned;

use crate::{
    client::{Answer, Client, views::Page},
    failure::{Failure, Result},
    print,
};

/// Which page. Flatten it into a command that lists.
#[derive(Debug, clap::Args)]
pub(super) struct Paging {
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,

    /// Go on from the end of an earlier page
    #[arg(long)]
    cursor: Option<String>,

    /// Print the API's answer
    #[arg(long)]
    pub(super) json: bool,
}

impl Paging {
    /// Lists one page of what is at `path`; ends with "nothing found" and these words where there is none.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        client: &Client,
        path: &str,
        mut query: Vec<(&str, String)>,
        nothing: &str,
        show: impl FnOnce(&[T]),
    ) -> Result<()> {
        query.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let (answer, page) = self.first(client, path, query).await?;
        if self.json {
            answer.print();
        } else if !page.items.is_empty() {
            show(&page.items);
            if let Some(cursor) = &page.next_cursor {
                print::note(format_args!("there are more: --cursor {cursor}"));
            }
        }
        if page.items.is_empty() {
            return Err(Failure::NothingFound(nothing.to_owned()));
        }
        Ok(())
    }

    /// The first page that holds any: one may be empty because only so many rows were looked at.
    async fn first<T: DeserializeOwned>(
        &self,
        client: &Client,
        path: &str,
        mut query: Vec<(&str, String)>,
    ) -> Result<(Answer, Page<T>)> {
        loop {
            let answer = client.get(path, &query).await?.accepted(self.json)?;
            let page: Page<T> = answer.read()?;
            match &page.next_cursor {
                Some(next) if page.items.is_empty() => {
                    query.retain(|(name, _)| *name != "cursor");
                    query.push(("cursor", next.clone()));
                }
                _ => return Ok((answer, page)),
            }
        }
    }
}
