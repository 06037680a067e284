//! Targets: destinations, registered or inline, that are ready to be sent to. Read once, used for many attempts.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::HeaderName;

use super::{
    Auth, Body, ClientTls, Credentials, Endpoint, Method, Retry, Scheme, Statuses, TargetUrl, body::Recipe, header,
    placeholder::InHeader, template::Template,
};
use crate::{
    deliver::{send::Spelling, sign::Signer},
    document::escape,
    egress::{Egress, Identity},
    invalid::Invalid,
};

/// Header names, and the templates of their values.
type ExtraHeaders = Arc<[(HeaderName, Template<InHeader>)]>;

/// A destination that is ready to be sent to.
#[derive(Clone)]
pub struct Target {
    /// Where requests go.
    pub url: TargetUrl,
    /// How they are signed.
    pub scheme: Scheme,
    /// What they are signed and authorised with.
    pub credentials: Arc<Credentials>,
    /// Deadline of one attempt.
    pub timeout: Duration,
    /// How often and when a failed delivery is tried again.
    pub retry: Retry,
    /// The method of requests.
    pub(crate) method: Method,
    /// Which answers say that a delivery has arrived.
    pub(crate) success: Statuses,
    /// Which answers say that no further try can help.
    pub(crate) permanent: Statuses,
    /// Whether requests say which span of which trace they are.
    pub(crate) trace: bool,
    /// What their body is made of, read.
    pub(crate) body: Recipe,
    /// Scheme and secrets, read; `None` if nothing is signed.
    pub(crate) signer: Option<Arc<Signer>>,
    /// The extra headers, read.
    pub(crate) headers: ExtraHeaders,
    /// The client certificate and authorities, read; `None` for those of everyone.
    pub(crate) identity: Option<Arc<Identity>>,
    /// How all header names are written; decided at the first request.
    spelling: OnceLock<Spelling>,
}

impl Target {
    /// Makes a destination ready.
    ///
    /// # Errors
    /// When its scheme, a secret, a header or a certificate cannot be used; pointers are those of an endpoint's document.
    pub fn new(
        url: TargetUrl,
        scheme: Scheme,
        credentials: Arc<Credentials>,
        timeout: Duration,
        retry: Retry,
    ) -> Result<Self, Invalid> {
        let signer = Signer::new(&scheme, &credentials)?.map(Arc::new);
        let headers = read_headers(&credentials)?;
        let identity = credentials.tls.as_ref().map(ClientTls::identity).transpose()?.map(Arc::new);
        let (success, permanent, spelling) = (Statuses::default(), Statuses::none(), OnceLock::new());
        let (trace, body, method) = (false, Recipe::default(), Method::default());
        let target = Self {
            url,
            scheme,
            credentials,
            timeout,
            retry,
            method,
            success,
            permanent,
            trace,
            body,
            signer,
            headers,
            identity,
            spelling,
        };
        Ok(target)
    }

    /// The target whose requests have another method.
    #[must_use]
    pub(crate) fn by(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// The target with other statuses that count as success, and others that end a delivery.
    #[must_use]
    pub(crate) fn succeeding_on(self, success: Statuses, permanent: Statuses) -> Self {
        Self { success, permanent, ..self }
    }

    /// The target whose requests say which span of which trace they are, or not.
    #[must_use]
    pub(crate) fn traced(self, trace: bool) -> Self {
        Self { trace, ..self }
    }

    /// The target with another body.
    ///
    /// # Errors
    /// When it cannot be used; pointers are those of an endpoint's document.
    pub(crate) fn with_body(self, body: &Body) -> Result<Self, Invalid> {
        let recipe = body.compile().map_err(|invalid| {
            let mut at_body = Invalid::default();
            at_body.absorb("/body", invalid);
            at_body
        })?;
        Ok(Self { body: recipe, ..self })
    }

    /// How header names are written on the wire: those of the scheme, of the extra headers and of `auth` as they were
    /// given, and the engine's `own` names, which must be the same in every call.
    pub(crate) fn spelling(&self, own: &[String]) -> Spelling {
        let spelled = || {
            let scheme = self.signer.as_ref().and_then(|_| self.scheme.spelled_out()).map(|custom| custom.headers);
            let scheme = scheme.iter().flat_map(|headers| headers.keys());
            let names = own.iter().chain(scheme).chain(self.credentials.headers.keys()).map(String::as_str);
            Spelling::of(names.chain(self.credentials.auth.as_ref().map(Auth::header)))
        };
        self.spelling.get_or_init(spelled).clone()
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("url", &self.url)
            .field("scheme", &self.scheme)
            .field("credentials", &self.credentials)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

impl Endpoint {
    /// The endpoint as a target.
    ///
    /// # Errors
    /// When what was stored cannot be used, or its URL may not be sent to any more.
    pub fn target(&self, egress: &Egress) -> Result<Target, Invalid> {
        self.target_at(&self.spec.url, egress)
    }

    /// The same at another URL of its own: signed and authorised alike.
    pub(crate) fn target_at(&self, url: &str, egress: &Egress) -> Result<Target, Invalid> {
        let (url, _) = TargetUrl::parse(url, egress)?;
        let timeout = Duration::from_millis(self.spec.timeout_ms.into());
        let (scheme, retry) = (self.spec.scheme.clone(), self.spec.retry.clone());
        let target = Target::new(url, scheme, Arc::clone(&self.credentials), timeout, retry)?;
        let (success, permanent) = (self.spec.success_statuses.clone(), self.spec.permanent_statuses.clone());
        let target = target.by(self.spec.method).succeeding_on(success, permanent);
        target.traced(self.spec.trace).with_body(&self.spec.body)
    }

    /// The key that its `v1a` signatures verify with; `None` for schemes without one.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        (self.spec.scheme == Scheme::StandardEd25519).then(|| self.credentials.public_key())?
    }
}

fn read_headers(credentials: &Credentials) -> Result<ExtraHeaders, Invalid> {
    let mut invalid = Invalid::default();
    let mut headers = Vec::with_capacity(credentials.headers.len());
    for (text, value) in &credentials.headers {
        let pointer = format!("/headers/{}", escape(text));
        let name = header::name(text, &pointer, &mut invalid);
        match Template::parse(value) {
            Ok(template) => headers.extend(name.map(|name| (name, template))),
            Err(error) => invalid.add(pointer, error.code(), error.to_string()),
        }
    }
    invalid.or(headers.into())
}
