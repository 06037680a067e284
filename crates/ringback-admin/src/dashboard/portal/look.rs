//! The portal's name, colour and security policy, as every request below `/portal` carries them.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use http::{HeaderName, HeaderValue, header};

use crate::{dashboard::headers, portal::Portal};

/// The configured look, made ready.
#[derive(Debug)]
pub(in crate::dashboard) struct Look {
    pub(in crate::dashboard) name: String,
    pub(in crate::dashboard) logo: Option<String>,
    /// The rules that follow those of all pages; empty without an accent.
    style: String,
    policy: HeaderValue,
    /// Whether any site may frame the portal.
    pub(in crate::dashboard) is_framed: bool,
}

impl Look {
    pub(in crate::dashboard) fn of(portal: &Portal) -> Self {
        let logo = portal.logo.as_ref().map(ToString::to_string);
        let sites: Vec<_> = portal.frame_ancestors.iter().map(ToString::to_string).collect();
        let ancestors = if sites.is_empty() { "'none'".to_owned() } else { sites.join(" ") };
        let policy = headers::policy(logo.as_deref(), &ancestors);
        let style = portal.accent.map(|accent| {
            let on = accent.readable_on_it();
            format!(
                "button.primary {{ background: {accent}; color: {on}; }}\n.bar {{ border-top: 4px solid {accent}; }}\n"
            )
        });
        Self {
            name: portal.name.as_ref().map_or_else(|| "Ringback".to_owned(), ToString::to_string),
            logo,
            style: style.unwrap_or_default(),
            // It is made of validated origins and plain text.
            policy: HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(headers::POLICY)),
            is_framed: !sites.is_empty(),
        }
    }

    /// Whether there is a style to be loaded.
    pub(in crate::dashboard) fn has_style(&self) -> bool {
        !self.style.is_empty()
    }
}

/// Marks a request as one of the portal, and its answer with the portal's policy.
pub(in crate::dashboard) async fn mark(State(look): State<Arc<Look>>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Arc::clone(&look));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, look.policy.clone());
    if look.is_framed {
        let anywhere = HeaderValue::from_static("cross-origin");
        headers.insert(HeaderName::from_static("cross-origin-resource-policy"), anywhere);
    } else {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    response
}

/// `GET /portal/look.css`
pub(in crate::dashboard) async fn style(axum::Extension(look): axum::Extension<Arc<Look>>) -> Response {
    let kept = HeaderValue::from_static("private, max-age=300");
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], look.style.clone()).into_response()
}
