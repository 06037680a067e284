//! The two flags that bound a list in time.

use super::filter::Moment;

/// From when, and until when. Flatten it into a command that lists.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Span {
    /// From this moment on: 2026-01-31T02:30:00Z, or 2h for two hours ago
    #[arg(long, value_name = "WHEN")]
    since: Option<Moment>,

    /// Before this moment
    #[arg(long, value_name = "WHEN")]
    until: Option<Moment>,
}

impl Span {
    /// The fields that are set, by the API's names.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static str, String)> {
        let fields = [("since", self.since), ("until", self.until)];
        fields.into_iter().filter_map(|(name, moment)| Some((name, moment?.0.to_string())))
    }
}
