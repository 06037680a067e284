//! `ringback demo`, the newcomer's first minute: a story that is told while it happens.
//!
//! Everything in it is real: the engine, its API, SQLite, HTTP, and receivers that check what they get by their
//! vendors' documents. Only the delays between tries are shorter than the documents'.

mod chapters;
mod receivers;
mod samples;
mod stage;
mod teller;

pub(crate) use self::receivers::Temper;
use self::stage::Stage;
use crate::{
    failure::{Failure, Result},
    serve::signals::Signals,
};

/// Tells the story. With `once` it ends there, well only if all came out as told; otherwise everything keeps running
/// until a signal.
pub(crate) async fn tell(without: &[Temper], once: bool) -> Result<()> {
    let mut signals = Signals::listen()?;
    let mut stage = Stage::set(without).await?;
    let told = tokio::select! {
        told = chapters::tell(&mut stage) => told,
        () = signals.next() => Err(Failure::failed("the story was interrupted")),
    };
    let wrong = stage.teller.wrong();
    if told.is_ok() {
        chapters::epilogue::tell(&stage, once);
        if !once {
            signals.next().await;
        }
    }
    stage.strike().await;
    told?;
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::failed("one thing did not come out as told")),
        wrong => Err(Failure::failed(format!("{wrong} things did not come out as told"))),
    }
}
