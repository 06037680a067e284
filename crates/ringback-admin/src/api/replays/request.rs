//! The request for a replay, checked.

use ringback::{
    document::Fields,
    event::{is_key, is_tenant, is_type},
    invalid::Invalid,
    operate::replays::NewReplay,
    store::{ReplayFilter, Replayed, Span},
};
use serde_json::Value;

use crate::{
    api::{
        Api,
        deliveries::{as_urls_write_it, is_host},
        endpoints::check_visible,
    },
    auth::Access,
    extract::FromDocument,
    problem::Problem,
};

/// Highest rate that can be asked for; without one, a replay is as fast as the lanes.
const RATE_MAX: f64 = 100_000.0;

/// Longest note, in characters.
const NOTE_CHARS_MAX: usize = 1_000;

/// What `filter.last_status_code` may be: whatever three digits a receiver may answer.
const STATUS_CODES: std::ops::RangeInclusive<u16> = 100..=999;

/// `{filter, rate_per_second?, dry_run?, note?}`, and `reason` as another name of the note.
pub(crate) struct Request {
    filter: ReplayFilter,
    rate_per_second: Option<f64>,
    dry_run: bool,
    note: Option<String>,
}

impl FromDocument for Request {
    fn read(document: Value) -> Result<Self, Invalid> {
        let mut fields = Fields::of(document, "");
        fields.must_have("filter");
        let filter = fields.object("filter", filter).flatten();
        let rate_per_second = fields.number("rate_per_second");
        if rate_per_second.is_some_and(|rate| !(rate > 0.0 && rate <= RATE_MAX)) {
            let detail = format!("must be more than 0 and at most {RATE_MAX}");
            fields.wrong("rate_per_second", "out_of_range", detail);
        }
        let dry_run = fields.flag("dry_run").unwrap_or(false);
        let note = note(&mut fields);
        let invalid = fields.finish();
        match filter {
            Some(filter) => invalid.or(Self { filter, rate_per_second, dry_run, note }),
            None => Err(invalid),
        }
    }
}

/// The note, under either of its names.
fn note(fields: &mut Fields) -> Option<String> {
    let [note, reason] = ["note", "reason"].map(|name| {
        let text = fields.text(name)?;
        if !is_note(&text) {
            let detail =
                format!("must be at most {NOTE_CHARS_MAX} characters without control characters but line feeds");
            fields.wrong(name, "malformed", detail);
        }
        Some(text)
    });
    if let (Some(note), Some(reason)) = (&note, &reason)
        && note != reason
    {
        fields.wrong("reason", "conflict", "is an older name of note and says something else");
    }
    note.or(reason)
}

/// `{tenant?, endpoint_id?, type?, key?, host?, status, reason?, last_status_code?, since?, until?}`. `None`, with a
/// finding, if it has no status.
fn filter(fields: &mut Fields) -> Option<ReplayFilter> {
    fields.must_have("status");
    let (tenant, event_type) = (fields.text_of("tenant", is_tenant), fields.text_of("type", is_type));
    let (key, host) = (fields.text_of("key", is_key), fields.text_of("host", is_host).map(as_urls_write_it));
    let status = fields.word("status");
    if status == Some(Replayed::Missing) {
        fields.must_have("endpoint_id");
    }
    let endpoint = fields.parsed("endpoint_id");
    let created = Span { since: fields.parsed("since"), until: fields.parsed("until") };
    let reason = fields.word("reason");
    let last_status = fields.small("last_status_code").map(|code| u16::try_from(code).unwrap_or_default());
    if last_status.is_some_and(|code| !STATUS_CODES.contains(&code)) {
        fields.wrong("last_status_code", "out_of_range", "must be a status code of three digits");
    }
    let status = status?;
    for (name, is_given) in [("reason", reason.is_some()), ("last_status_code", last_status.is_some())] {
        if is_given && status != Replayed::Dead {
            fields.wrong(name, "conflict", "is of dead letters only: status must be dead");
        }
    }
    if status == Replayed::Missing && host.is_some() {
        fields.wrong("host", "conflict", "says nothing where endpoint_id is the one that misses events");
    }
    Some(ReplayFilter { tenant, endpoint, event_type, key, host, status, reason, last_status, created })
}

impl Request {
    /// The replay to be created, if the caller may act for its tenants.
    ///
    /// # Errors
    /// 404 for another tenant, and for missing deliveries of an endpoint that does not exist.
    pub(crate) async fn for_caller(mut self, api: &Api, access: &Access) -> Result<NewReplay, Problem> {
        self.filter.tenant = access.listed(self.filter.tenant.take())?;
        if let (Replayed::Missing, Some(endpoint)) = (self.filter.status, self.filter.endpoint) {
            check_visible(api, access, endpoint).await?;
        }
        let Self { filter, rate_per_second, dry_run, note } = self;
        Ok(NewReplay { filter, rate_per_second, note, dry_run })
    }
}

fn is_note(text: &str) -> bool {
    text.chars().count() <= NOTE_CHARS_MAX && !text.chars().any(|c| c.is_control() && c != '\n')
}
