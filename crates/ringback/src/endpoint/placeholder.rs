//! The placeholders of the four kinds of template: the signed message, a scheme's headers, extra headers, the body.

use std::fmt;

use super::{pointer::Pointer, template::Placeholder};

/// Placeholders of the message that is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InMessage {
    /// The event's id.
    Id,
    /// Unix seconds of this attempt.
    Timestamp,
    /// Unix milliseconds of this attempt.
    TimestampMs,
    /// The payload's bytes.
    Body,
    /// The URL that the request goes to.
    Url,
    /// `POST`.
    Method,
    /// A value inside the payload.
    Json(Pointer),
}

/// Placeholders of a scheme's own headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InSchemeHeader {
    /// The encoded signature.
    Signature,
    /// Unix seconds of this attempt.
    Timestamp,
    /// Unix milliseconds of this attempt.
    TimestampMs,
    /// The event's id.
    Id,
}

/// Placeholders of extra headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InHeader {
    /// The event's type.
    Type,
    /// The event's id.
    Id,
    /// When the event happened, RFC 3339.
    OccurredAt,
    /// The attempt's number, from 1.
    Attempt,
    /// The event's tenant.
    Tenant,
}

/// Placeholders of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InBody {
    /// The payload's bytes.
    Body,
    /// A value inside the payload: of a string what stands between its quotes, of anything else its JSON.
    Raw(Pointer),
    /// A value inside the payload: its JSON, with the quotes of a string.
    Json(Pointer),
    /// The event's type.
    Type,
    /// The event's id.
    Id,
    /// The platform's key of the event; empty without one.
    Key,
    /// The event's tenant.
    Tenant,
    /// When the event happened, RFC 3339.
    OccurredAt,
    /// The attempt's number, from 1.
    Attempt,
}

impl Placeholder for InMessage {
    const KNOWN: &'static str = "{id} {timestamp} {timestamp_ms} {body} {url} {method} {json:/pointer}";

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "id" => Self::Id,
            "timestamp" => Self::Timestamp,
            "timestamp_ms" => Self::TimestampMs,
            "body" => Self::Body,
            "url" => Self::Url,
            "method" => Self::Method,
            _ => Self::Json(Pointer::parse(name.strip_prefix("json:")?)?),
        })
    }
}

impl fmt::Display for InMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id => f.write_str("id"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampMs => f.write_str("timestamp_ms"),
            Self::Body => f.write_str("body"),
            Self::Url => f.write_str("url"),
            Self::Method => f.write_str("method"),
            Self::Json(pointer) => write!(f, "json:{pointer}"),
        }
    }
}

impl Placeholder for InBody {
    const KNOWN: &'static str =
        "{body} {raw:/pointer} {json:/pointer} {type} {id} {key} {tenant} {occurred_at} {attempt}";

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "body" => Self::Body,
            "type" => Self::Type,
            "id" => Self::Id,
            "key" => Self::Key,
            "tenant" => Self::Tenant,
            "occurred_at" => Self::OccurredAt,
            "attempt" => Self::Attempt,
            _ => match name.strip_prefix("raw:") {
                Some(pointer) => Self::Raw(Pointer::parse(pointer)?),
                None => Self::Json(Pointer::parse(name.strip_prefix("json:")?)?),
            },
        })
    }
}

impl fmt::Display for InBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("body"),
            Self::Raw(pointer) => write!(f, "raw:{pointer}"),
            Self::Json(pointer) => write!(f, "json:{pointer}"),
            Self::Type => f.write_str("type"),
            Self::Id => f.write_str("id"),
            Self::Key => f.write_str("key"),
            Self::Tenant => f.write_str("tenant"),
            Self::OccurredAt => f.write_str("occurred_at"),
            Self::Attempt => f.write_str("attempt"),
        }
    }
}

/// Reads and writes the names of placeholders without arguments, from one table.
macro_rules! placeholder {
    ($kind:ident, $known:literal, $($name:literal = $variant:ident),+) => {
        impl Placeholder for $kind {
            const KNOWN: &'static str = $known;

            fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $name),+ })
            }
        }
    };
}

placeholder!(
    InSchemeHeader,
    "{signature} {timestamp} {timestamp_ms} {id}",
    "signature" = Signature,
    "timestamp" = Timestamp,
    "timestamp_ms" = TimestampMs,
    "id" = Id
);
placeholder!(
    InHeader,
    "{type} {id} {occurred_at} {attempt} {tenant}",
    "type" = Type,
    "id" = Id,
    "occurred_at" = OccurredAt,
    "attempt" = Attempt,
    "tenant" = Tenant
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_offered_is_known_and_prints_as_it_reads() {
        fn check<P: Placeholder>() {
            for name in P::KNOWN.split(' ').map(|name| name.trim_matches(['{', '}'])) {
                assert_eq!(P::named(name).unwrap().to_string(), name);
            }
        }
        check::<InMessage>();
        check::<InSchemeHeader>();
        check::<InHeader>();
        check::<InBody>();
    }

    #[test]
    fn each_kind_refuses_the_names_of_the_others() {
        assert!(InMessage::named("signature").is_none());
        assert!(InMessage::named("json:").is_none());
        assert!(InMessage::named("json:a").is_none());
        assert!(InSchemeHeader::named("body").is_none());
        assert!(InHeader::named("signature").is_none());
        assert!(InHeader::named("Type").is_none());
        assert!(InBody::named("raw:").is_none());
        assert!(InBody::named("json:a").is_none());
        assert!(InBody::named("timestamp").is_none());
    }
}
