//! What all pages have in common: where they are mounted, who looks, and what their forms carry.

use ringback::{seal::MasterKeys, time::Timestamp};

use super::{
    assets::{ICON, STYLE},
    form_token,
    mount::Mount,
    visible::visible,
};
use crate::auth::{Access, Permission};

/// The data of `templates/layout.html`.
pub(super) struct Frame {
    /// Before every link.
    pub(super) mount: Mount,
    /// The token of the page's forms.
    pub(super) form: String,
    /// The visitor; `None` before the login.
    pub(super) who: Option<Who>,
    /// The page's own path.
    here: String,
    /// Where the style and the icon are.
    pub(super) style: &'static str,
    pub(super) icon: &'static str,
}

/// The pages that every page links to.
const PAGES: [(&str, &str); 9] = [
    ("/", "Overview"),
    ("/dead-letters", "Dead letters"),
    ("/deliveries", "Deliveries"),
    ("/events", "Events"),
    ("/endpoints", "Endpoints"),
    ("/replays", "Replays"),
    ("/alerts", "Alerts"),
    ("/audit", "Audit"),
    ("/tokens", "Tokens"),
];

/// Those of them that need a token of scope admin.
const OF_ADMINISTRATORS: [&str; 2] = ["/audit", "/tokens"];

/// A link to a page.
pub(super) struct PageLink {
    pub(super) href: String,
    pub(super) name: &'static str,
    /// It is the page that is shown, or one below it.
    pub(super) is_here: bool,
}

/// The visitor of a page.
pub(super) struct Who {
    /// `admin`, `operator`, `read`.
    pub(super) scope: &'static str,
    /// The one tenant that the token is bound to.
    pub(super) tenant: Option<String>,
    /// May replay.
    pub(super) may_operate: bool,
    /// May change endpoints, and see who changed what.
    may_administer: bool,
    /// Logged in here, and not by the host application.
    pub(super) may_leave: bool,
}

impl Frame {
    /// For a visitor who is not logged in.
    pub(super) fn outside(mount: Mount, keys: &MasterKeys) -> Self {
        Self { form: form_token::make("", keys, Timestamp::now()), ..Self::bare(mount) }
    }

    /// For a visitor with this access, in this session if there is one.
    pub(super) fn inside(mount: Mount, keys: &MasterKeys, access: &Access, session: Option<&str>, here: &str) -> Self {
        let who = Who {
            scope: access.scope.name(),
            tenant: access.tenant.as_deref().map(visible),
            may_operate: access.may(Permission::Operate),
            may_administer: access.may(Permission::Administer),
            may_leave: session.is_some(),
        };
        let form = form_token::make(session.unwrap_or_default(), keys, Timestamp::now());
        Self { form, who: Some(who), here: here.to_owned(), ..Self::bare(mount) }
    }

    /// Without forms, for pages that cannot have any.
    pub(super) fn bare(mount: Mount) -> Self {
        Self { mount, form: String::new(), who: None, here: String::new(), style: &STYLE.name, icon: &ICON.name }
    }

    /// The pages that the visitor may go to from everywhere.
    pub(super) fn pages(&self) -> Vec<PageLink> {
        let may_administer = self.who.as_ref().is_some_and(|who| who.may_administer);
        let shown = PAGES.iter().filter(|(path, _)| may_administer || !OF_ADMINISTRATORS.contains(path));
        let link = |&(path, name): &(&'static str, &'static str)| {
            let is_here = if path == "/" { self.here == path } else { self.here.starts_with(path) };
            PageLink { href: self.mount.to(path), name, is_here }
        };
        shown.map(link).collect()
    }

    /// Whether the visitor may replay.
    pub(super) fn may_operate(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may_operate)
    }
}
