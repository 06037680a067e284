//! An endpoint as a caller describes it, before anything is checked against anything else.

use std::{collections::BTreeMap, fmt};

use serde::Deserialize;
use serde_json::Value;

use super::{Auth, ClientTls, Preset, RetryDraft, Scheme, read, setting};
use crate::{document::Fields, invalid::Invalid};

macro_rules! draft {
    ($(
        $(#[$about:meta])+
        $name:ident: $given:ty => $kept:ty [$($serde:meta)*] = $otherwise:expr,
            $flag:literal, $shape:expr, $example:literal, $label:expr;
    )+) => {
        /// The request fields of an endpoint; what is `None` comes from the preset or has a default. It is read from a
        /// document, or made by hand:
        ///
        /// ```
        /// use ringback::{egress::Egress, endpoint::Draft};
        ///
        /// let draft = Draft {
        ///     url: Some("https://example.com/hook".to_owned()),
        ///     event_types: Some(vec!["call.*".to_owned()]),
        ///     timeout_ms: Some(5_000),
        ///     ..Draft::default()
        /// };
        /// let resolved = draft.resolve(&Egress::default(), "ringback-").unwrap();
        /// assert_eq!((resolved.spec.timeout_ms, resolved.spec.max_in_flight), (5_000, 16));
        ///
        /// let invalid = Draft { timeout_ms: Some(1), ..Draft::default() };
        /// let invalid = invalid.resolve(&Egress::default(), "ringback-").unwrap_err();
        /// let pointers: Vec<_> = invalid.findings.iter().map(|finding| finding.pointer.as_str()).collect();
        /// assert_eq!(pointers, ["/url", "/timeout_ms", "/event_types"]);
        /// ```
        #[derive(Clone, Default)]
        pub struct Draft {
            /// The tenant that is to own it.
            pub tenant: Option<String>,
            /// The platform's own name for it.
            pub key: Option<String>,
            /// Where to send. Required.
            pub url: Option<String>,
            /// Whether it sends; `true` unless set.
            pub enabled: Option<bool>,
            /// Selectors. Required; empty for none.
            pub event_types: Option<Vec<String>>,
            /// The bundle that unset fields come from.
            pub preset: Option<Preset>,
            /// How to sign.
            pub scheme: Option<Scheme>,
            /// The signing secret. `None` keeps the present one or lets one be generated; `Some(None)` removes it.
            pub secret: Option<Option<String>>,
            /// Extra headers.
            pub headers: Option<BTreeMap<String, String>>,
            /// Authorization beside the signature.
            pub auth: Option<Auth>,
            /// A client certificate and certificate authorities of its own.
            pub tls: Option<ClientTls>,
            /// How often and when to try again.
            pub retry: Option<RetryDraft>,
            $(
                $(#[$about])+
                pub $name: Option<$given>,
            )+
            /// Findings of fields that could not be read; [`Draft::resolve`] reports them with all others.
            pub misread: Invalid,
        }
    };
}

setting::for_every_setting!(draft);

impl Draft {
    /// Reads the JSON document of `POST` and `PUT`. Findings are kept in `misread`, so that all are reported at once.
    #[must_use]
    pub fn read(document: Value) -> Self {
        let mut fields = Fields::of(document, "");
        let mut draft = Self {
            tenant: fields.text("tenant"),
            key: fields.text("key"),
            url: fields.text("url"),
            enabled: fields.flag("enabled"),
            event_types: fields.texts("event_types"),
            preset: read::preset(&mut fields),
            scheme: read::scheme(&mut fields),
            secret: read::secret(&mut fields),
            headers: fields.table("headers"),
            auth: read::auth(&mut fields),
            tls: read::tls(&mut fields),
            retry: read::retry(&mut fields),
            ..Self::default()
        };
        setting::read(&mut draft, &mut fields);
        draft.misread = fields.finish();
        draft
    }
}

/// Never fails on a field: see [`Draft::read`].
impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::read)
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("tenant", &self.tenant)
            .field("key", &self.key)
            .field("url", &self.url)
            .field("preset", &self.preset)
            .finish_non_exhaustive()
    }
}
