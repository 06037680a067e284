//! Flags that several commands share because the API's lists share them.

use ringback::{
    id::EndpointId,
    time::{Timestamp, parse_duration},
};

use super::value;

/// A moment on the command line: RFC 3339, or a duration back from now such as `2h`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(back) = parse_duration(text) {
            return Ok(Self(Timestamp::now() - back));
        }
        let wrong = "neither an RFC 3339 time such as 2026-01-31T02:30:00Z nor a duration back from now such as 2h";
        text.parse().map(Self).map_err(|_| wrong.to_owned())
    }
}

/// A moment to come: RFC 3339, or a duration from now such as `2h`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ahead(pub(crate) Timestamp);

impl std::str::FromStr for Ahead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(ahead) = parse_duration(text) {
            return Ok(Self(Timestamp::now() + ahead));
        }
        let wrong = "neither an RFC 3339 time such as 2026-01-31T02:30:00Z nor a duration from now such as 2h";
        text.parse().map(Self).map_err(|_| wrong.to_owned())
    }
}

/// Which deliveries are meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Filter {
    /// Of this tenant
    #[arg(long, value_parser = value::tenant)]
    pub(crate) tenant: Option<String>,
    /// To this endpoint (ep_…)
    #[arg(long, value_name = "ID", value_parser = value::id::<EndpointId>)]
    pub(crate) endpoint_id: Option<String>,
    /// Of events of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = value::event_type)]
    pub(crate) event_type: Option<String>,
    /// Of events with this key
    #[arg(long, value_parser = value::key)]
    pub(crate) key: Option<String>,
    /// From this moment on: 2026-01-31T02:30:00Z, or 2h for two hours ago
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,
    /// Before this moment
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<Moment>,
}

impl Filter {
    /// Whether it has no condition.
    pub(crate) const fn is_empty(&self) -> bool {
        self.tenant.is_none()
            && self.endpoint_id.is_none()
            && self.event_type.is_none()
            && self.key.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }

    /// The fields that are set, by the API's names.
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let moment = |moment: &Option<Moment>| moment.map(|moment| moment.0.to_string());
        let fields = [
            ("tenant", self.tenant.clone()),
            ("endpoint_id", self.endpoint_id.clone()),
            ("type", self.event_type.clone()),
            ("key", self.key.clone()),
            ("since", moment(&self.since)),
            ("until", moment(&self.until)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
