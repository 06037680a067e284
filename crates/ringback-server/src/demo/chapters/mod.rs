//! The story, in the order in which it is told.

mod books;
mod dead_letter;
pub(super) mod epilogue;
mod inline_destination;
mod one_transaction;
mod prologue;
mod redundant_endpoints;
mod repair;
mod still_open;

use super::stage::Stage;
use crate::failure::Result;

/// Tells every chapter.
pub(super) async fn tell(stage: &mut Stage) -> Result<()> {
    prologue::tell(stage);
    one_transaction::tell(stage).await?;
    redundant_endpoints::tell(stage).await?;
    inline_destination::tell(stage).await?;
    let letter = dead_letter::tell(stage).await?;
    repair::tell(stage, &letter).await?;
    books::tell(stage).await?;
    still_open::tell(stage).await
}
