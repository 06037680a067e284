//! The book as it is kept in the database, and how several nodes change it.

use super::book::Book;
use crate::{Engine, store};

/// The setting under which a store keeps the book.
const BOOK: &str = "operational_events";

/// Tries of a change of the book that another node changes, too.
const TRIES_MAX: usize = 10;

/// The book as it is kept; a new one if there is none.
pub(super) async fn read(engine: &Engine) -> store::Result<Vec<u8>> {
    match engine.store().setting(BOOK).await? {
        Some(kept) => Ok(kept),
        None => engine.store().keep_setting(BOOK, &written(&Book::default())?).await,
    }
}

fn written(book: &Book) -> store::Result<Vec<u8>> {
    serde_json::to_vec(book).map_err(|error| store::Error::Refused(error.into()))
}

/// A book that cannot be read is begun anew: what was told may be told again, which is better than silence.
pub(super) fn parse(kept: &[u8]) -> Book {
    serde_json::from_slice(kept).unwrap_or_else(|error| {
        tracing::error!(%error, "what was noted of operational events cannot be read and is begun anew");
        Book::default()
    })
}

/// Changes the book, against whichever node changes it at the same time. Returns it as it is then.
pub(super) async fn change(engine: &Engine, change: impl Fn(&mut Book)) -> store::Result<Book> {
    change_from(engine, read(engine).await?, change).await
}

/// Changes the book that was read as `kept`.
pub(super) async fn change_from(engine: &Engine, mut kept: Vec<u8>, change: impl Fn(&mut Book)) -> store::Result<Book> {
    for _ in 0..TRIES_MAX {
        let before = parse(&kept);
        let mut book = before.clone();
        change(&mut book);
        if book == before || engine.store().replace_setting(BOOK, &kept, &written(&book)?, None).await? {
            return Ok(book);
        }
        kept = read(engine).await?;
    }
    Err(store::Error::Unavailable("the notes of operational events change all the time".into()))
}
