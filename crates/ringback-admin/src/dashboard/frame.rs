//! What all pages have in common: where they are mounted, who looks, and what their forms carry.

use ringback::{seal::MasterKeys, time::Timestamp};

use super::{
    assets::{ICON, STYLE},
    form_token,
    mount::Mount,
    portal::Look,
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

/// A page that has a place of its own, with everything below it.
struct Place {
    path: &'static str,
    /// What links to it say; `None` if not every page links to it.
    name: Option<&'static str>,
    /// Who gets that link.
    whom: Whom,
}

/// Who gets a link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Everybody,
    /// Who came by a token, and not by a link to the portal.
    Operators,
    /// Those of them whose token is of scope admin.
    Administrators,
}

const fn linked(path: &'static str, name: &'static str, whom: Whom) -> Place {
    Place { path, name: Some(name), whom }
}

const fn unlinked(path: &'static str) -> Place {
    Place { path, name: None, whom: Whom::Everybody }
}

/// All places, in the order of their links.
const PLACES: [Place; 13] = [
    linked("/", "Overview", Whom::Everybody),
    linked("/dead-letters", "Dead letters", Whom::Everybody),
    linked("/deliveries", "Deliveries", Whom::Everybody),
    linked("/events", "Events", Whom::Everybody),
    linked("/endpoints", "Endpoints", Whom::Everybody),
    linked("/replays", "Replays", Whom::Everybody),
    linked("/gaps", "Gaps", Whom::Everybody),
    linked("/alerts", "Alerts", Whom::Operators),
    linked("/nodes", "Nodes", Whom::Administrators),
    linked("/audit", "Audit", Whom::Administrators),
    linked("/tokens", "Tokens", Whom::Administrators),
    unlinked("/find"),
    unlinked("/tail"),
];

/// Whether a path, whose first part this is, is that of a page.
pub(super) fn is_place(first: &str) -> bool {
    PLACES.iter().any(|place| !first.is_empty() && place.path.strip_prefix('/') == Some(first))
}

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
    pub(super) fn inside(
        mount: Mount,
        keys: &MasterKeys,
        access: &Access,
        session: Option<&str>,
        may_leave: bool,
        here: &str,
    ) -> Self {
        let who = Who {
            scope: access.scope.name(),
            tenant: access.tenant.as_deref().map(visible),
            may_operate: access.may(Permission::Operate),
            may_administer: access.may(Permission::Administer),
            may_leave,
        };
        let form = form_token::make(session.unwrap_or_default(), keys, Timestamp::now());
        Self { form, who: Some(who), here: here.to_owned(), ..Self::bare(mount) }
    }

    /// How the pages look, if they are those of the portal.
    pub(super) fn portal(&self) -> Option<&Look> {
        self.mount.portal.as_deref()
    }

    /// What the pages are called.
    pub(super) fn brand(&self) -> &str {
        self.portal().map_or("Ringback", |look| &look.name)
    }

    /// The picture beside that, if it is not Ringback's own.
    pub(super) fn logo(&self) -> Option<&str> {
        self.portal()?.logo.as_deref()
    }

    /// Without forms, for pages that cannot have any.
    pub(super) fn bare(mount: Mount) -> Self {
        Self { mount, form: String::new(), who: None, here: String::new(), style: &STYLE.name, icon: &ICON.name }
    }

    /// The pages that the visitor may go to from everywhere.
    pub(super) fn pages(&self) -> Vec<PageLink> {
        let with_token = self.portal().is_none();
        let may_administer = self.who.as_ref().is_some_and(|who| who.may_administer);
        let link = |place: &Place| {
            let is_shown = match place.whom {
                Whom::Everybody => true,
                Whom::Operators => with_token,
                Whom::Administrators => with_token && may_administer,
            };
            let name = place.name.filter(|_| is_shown)?;
            let is_here = if place.path == "/" { self.here == "/" } else { self.here.starts_with(place.path) };
            Some(PageLink { href: self.mount.to(place.path), name, is_here })
        };
        PLACES.iter().filter_map(link).collect()
    }

    /// Whether the visitor may make links for people outside.
    pub(super) fn may_share(&self) -> bool {
        self.may_operate() && self.portal().is_none()
    }

    /// Whether the visitor may replay.
    pub(super) fn may_operate(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may_operate)
    }
}
