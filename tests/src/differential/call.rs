//! One call, with names instead of ids: `ep#2`, `evt#5`, `dlv#5/1`, `rpl#1`, and `at#5` for the moment in which the event
//! `evt#5` was accepted. Each side puts its own ids and moments in.

use reqwest::Method;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// May do everything.
    Admin,
    /// May look at what is `acme`'s.
    ReaderOfAcme,
    /// May emit for `acme`.
    EmitterOfAcme,
    /// May operate on everything.
    Operator,
    /// May do everything that is about `zeta`.
    AdminOfZeta,
    /// Has a token that is none.
    Nobody,
}

impl Caller {
    /// Those who have a token of their own, with its scope and tenant.
    pub(super) const WITH_TOKENS: [(Self, &'static str, Option<&'static str>); 4] = [
        (Self::ReaderOfAcme, "read", Some("acme")),
        (Self::EmitterOfAcme, "emit", Some("acme")),
        (Self::Operator, "operator", None),
        (Self::AdminOfZeta, "admin", Some("zeta")),
    ];
}

/// What is sent.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// By whom.
    pub(super) caller: Caller,
    /// How.
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    /// The body, if there is one.
    pub(super) body: Option<String>,
    /// `If-Match`, where `etag#2` is what the endpoint `ep#2` last said; and other headers.
    pub(super) headers: Vec<(&'static str, String)>,
    /// A list that is read to its end, page by page.
    pub(super) walked: bool,
}

impl Call {
    /// A call of the one who may do everything.
    #[must_use]
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        let path = path.into();
        Self { caller: Caller::Admin, method, path, body: None, headers: Vec::new(), walked: false }
    }

    /// With this body.
    #[must_use]
    pub(super) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// By somebody else.
    #[must_use]
    pub(super) const fn by(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// Whether it may set deliveries in motion.
    #[must_use]
    pub(super) fn moves(&self) -> bool {
        self.method != Method::GET
    }
}
