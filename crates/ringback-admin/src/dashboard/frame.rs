//! What all pages have in common: where they are mounted, who looks, and what their forms carry.

use ringback::{seal::MasterKeys, time::Timestamp};

use super::{
    assets::{ICON, SCRIPT, STYLE},
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
    /// Where the style, the script and the icon are.
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    pub(super) icon: &'static str,
    /// It follows what happens, if the script runs.
    pub(super) is_live: bool,
    /// It shows what will be another soon: without the script it is loaded again by itself.
    pub(super) looks_again: bool,
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

/// Whether the page at this path shows what changes by itself. Lists with a button in each row are not among them, but for the
/// first page.
fn is_live(path: &str) -> bool {
    let mut parts = path.trim_matches('/').split('/');
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("" | "deliveries" | "events" | "tail" | "endpoints" | "replays", None) => true,
        ("deliveries" | "events" | "endpoints" | "replays", Some(id)) => id != "new",
        _ => false,
    }
}

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

    /// The same of a page that can be asked for again: it follows what happens, if it shows that.
    pub(super) fn following(self) -> Self {
        Self { is_live: is_live(&self.here), ..self }
    }

    /// The same of a page that changes by itself.
    pub(super) fn looking_again(self, looks_again: bool) -> Self {
        Self { looks_again, ..self }
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
        Self {
            mount,
            form: String::new(),
            who: None,
            here: String::new(),
            style: &STYLE.name,
            script: &SCRIPT.name,
            icon: &ICON.name,
            is_live: false,
            looks_again: false,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_show_what_happens_follow_it() {
        for live in
            ["/", "/deliveries", "/deliveries/dlv_1", "/events/evt_1", "/tail", "/replays/rpl_1", "/endpoints/ep_1"]
        {
            assert!(is_live(live), "{live}");
        }
        for still in ["/login", "/endpoints/new", "/replays/new", "/gaps", "/tokens", "/dead-letters", "/share/x"] {
            assert!(!is_live(still), "{still}");
        }
    }
}
