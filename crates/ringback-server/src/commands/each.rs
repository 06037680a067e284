//! One action on several ids: a refusal does not stop it, and decides how the command ends.

use crate::{
    failure::{Failure, Result},
    print::{self, plain},
};

/// Does it to each id, tells each refusal, and ends with the worst status; `not_all` is what it says then.
pub(super) async fn each(ids: &[String], not_all: &str, act: impl AsyncFn(&str) -> Result<()>) -> Result<()> {
    let mut worst = None;
    for id in ids {
        match act(id).await {
            Ok(()) => {}
            Err(Failure::NothingFound(why)) => {
                worst.get_or_insert(Failure::NothingFound(format!("{}: {why}", plain(id))));
            }
            Err(failure) => {
                if let Failure::Failed(why) = failure {
                    print::note(format_args!("error: {}: {why}", plain(id)));
                }
                worst = Some(Failure::failed(not_all));
            }
        }
    }
    worst.map_or(Ok(()), Err)
}
