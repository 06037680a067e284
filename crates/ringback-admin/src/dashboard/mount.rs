//! The path under which the pages are mounted, as browsers see it: it begins every link.

use std::{convert::Infallible, fmt, sync::Arc};

use axum::extract::{FromRequestParts, OriginalUri};
use http::request::Parts;

use super::portal::Look;

/// A path without a slash at its end, empty at the root. It is read from the request, because a host application may
/// nest the router deeper than its base path says.
#[derive(Debug, Clone)]
pub(crate) struct Mount {
    path: String,
    /// How the pages look, if they are those of the portal.
    pub(super) portal: Option<Arc<Look>>,
}

impl Mount {
    /// The prefix that nesting has removed from the request's path.
    pub(crate) fn of(parts: &Parts) -> Self {
        let inner = parts.uri.path();
        let whole = parts.extensions.get::<OriginalUri>().map_or(inner, |OriginalUri(uri)| uri.path());
        Self { path: prefix(whole, inner).to_owned(), portal: parts.extensions.get().map(Arc::clone) }
    }

    /// The link to `page`, which begins with a slash. Below a mount the link to the first page has no slash at its end,
    /// since nested routers know that page without one.
    pub(super) fn to(&self, page: &str) -> String {
        match page.strip_prefix('/') {
            Some(first) if (first.is_empty() || first.starts_with('?')) && !self.path.is_empty() => {
                format!("{}{first}", self.path)
            }
            _ => format!("{}{page}", self.path),
        }
    }

    /// The link to the first page.
    pub(super) fn home(&self) -> String {
        self.to("/")
    }
}

/// `/hooks` of `/hooks/login` and `/login`; also of `/hooks` and `/`.
fn prefix<'a>(whole: &'a str, inner: &str) -> &'a str {
    whole.strip_suffix(inner).unwrap_or(if inner == "/" { whole } else { "" }).trim_end_matches('/')
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

impl<S: Sync> FromRequestParts<S> for Mount {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_what_nesting_took_off() {
        assert_eq!(prefix("/login", "/login"), "");
        assert_eq!(prefix("/", "/"), "");
        assert_eq!(prefix("/ops/hooks/login", "/login"), "/ops/hooks");
        assert_eq!(prefix("/hooks", "/"), "/hooks");
        assert_eq!(prefix("/hooks/", "/"), "/hooks");
    }

    #[test]
    fn links_begin_with_the_mount() {
        let links =
            |mount: &str| ["/", "/?a=b", "/login"].map(|page| Mount { path: mount.to_owned(), portal: None }.to(page));
        assert_eq!(links(""), ["/", "/?a=b", "/login"]);
        assert_eq!(links("/hooks"), ["/hooks", "/hooks?a=b", "/hooks/login"]);
    }
}
