//! One look at the store for all pages that are open.
//!
//! While there is any, one task asks for the stamp of everything, every second. Only if that has changed does it ask for the
//! stamps of the tenants whose pages are open, so that nobody is told of another tenant's events.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use ringback::{
    Engine,
    operate::stamp::Stamp,
    store::{self, Subject},
};
use tokio::sync::watch;

/// From the end of one look to the next.
const EVERY: Duration = Duration::from_secs(1);

/// Tells when the subject's stamp is another one; `None` before the first look.
pub(super) type Changes = watch::Receiver<Option<Stamp>>;

/// The subjects of the pages that are open.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<Looking>);

#[derive(Debug, Default)]
struct Looking {
    stamps: HashMap<Subject, watch::Sender<Option<Stamp>>>,
    /// The task runs.
    has_begun: bool,
}

impl Watched {
    /// Watches a subject until what is returned is dropped. The first look at a subject counts as a change, since nobody knows
    /// what it was before.
    pub(super) fn watch(self: &Arc<Self>, engine: &Engine, subject: Subject) -> Changes {
        let mut looking = self.0.lock();
        let changes = looking.stamps.entry(subject).or_default().subscribe();
        if !std::mem::replace(&mut looking.has_begun, true) {
            tokio::spawn(look(engine.clone(), Arc::clone(self)));
        }
        changes
    }

    /// What is still watched, with whether it was looked at before; `None` at the end of all looking.
    fn present(&self) -> Option<Vec<(Subject, bool)>> {
        let mut looking = self.0.lock();
        looking.stamps.retain(|_, stamp| stamp.receiver_count() > 0);
        looking.has_begun = !looking.stamps.is_empty();
        let present = looking.stamps.iter().map(|(subject, stamp)| (subject.clone(), stamp.borrow().is_some()));
        looking.has_begun.then(|| present.collect())
    }

    fn set(&self, subject: &Subject, stamp: Stamp) {
        if let Some(last) = self.0.lock().stamps.get(subject) {
            last.send_if_modified(|last| last.replace(stamp) != Some(stamp));
        }
    }
}

async fn look(engine: Engine, watched: Arc<Watched>) {
    let mut all = None;
    while let Some(present) = watched.present() {
        match look_once(&engine, &watched, &present, all).await {
            Ok(stamp) => all = Some(stamp),
            Err(error) => tracing::debug!(%error, "open pages cannot be told what has changed"),
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn look_once(
    engine: &Engine,
    watched: &Watched,
    present: &[(Subject, bool)],
    last: Option<Stamp>,
) -> store::Result<Stamp> {
    let all = engine.stamp(&Subject::All).await?;
    for (subject, was_seen) in present {
        if *subject == Subject::All {
            watched.set(subject, all);
        } else if !was_seen || last != Some(all) {
            watched.set(subject, engine.stamp(subject).await?);
        }
    }
    Ok(all)
}
