//! One page of a list: how commands ask for it, and what they do if it is empty.

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
    /// Shows one page of the list at `path`; ends with "nothing found" and these words if there is nothing.
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

    /// The first page that is not empty: a page may be empty although more follow, since it looks at a bounded number of
    /// rows.
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
