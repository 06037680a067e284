//! What a resolver asked.

use hickory_resolver::proto::{op::Query, rr::RecordType};

/// One question to a name server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The name in lower case, without the dot of the root.
    pub name: String,
    /// What is asked about it.
    pub kind: Kind,
    /// How often name and kind have been asked for, this time included.
    pub nth: usize,
    /// Whether it came over TCP.
    pub over_tcp: bool,
}

/// What is asked about a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its IPv4 addresses.
    A,
    /// Its IPv6 addresses.
    Aaaa,
    /// Something else, by the number of its record type.
    Other(u16),
}

impl Question {
    pub(super) fn of(query: &Query, over_tcp: bool, before: &[Self]) -> Self {
        let name = query.name().to_ascii().trim_end_matches('.').to_ascii_lowercase();
        let kind = match query.query_type() {
            RecordType::A => Kind::A,
            RecordType::AAAA => Kind::Aaaa,
            other => Kind::Other(other.into()),
        };
        let nth = 1 + before.iter().filter(|other| other.name == name && other.kind == kind).count();
        Self { name, kind, nth, over_tcp }
    }
}
