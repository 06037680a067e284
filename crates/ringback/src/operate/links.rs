//! Creating, checking, opening and revoking links that open pages without a login.

use std::time::Duration;

use serde_json::json;

use crate::{
    Engine,
    audit::{Action, Actor},
    id::{EventId, LinkId},
    link::{Link, LinkText, Opens},
    store::{self, EventFilter, EventRow},
    time::Timestamp,
};

/// Longest life of a link: a quarter of a year. What must be seen for longer is worth a token.
pub const EXPIRES_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Most events of one key that a share shows.
const EVENTS_OF_KEY_MAX: u32 = 50;

impl Engine {
    /// Creates a link to what belongs to `tenant`. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn create_link(
        &self,
        opens: Opens,
        tenant: &str,
        expires_in: Duration,
        by: &Actor,
    ) -> store::Result<(Link, LinkText)> {
        let now = Timestamp::now();
        let text = LinkText::generate(LinkId::new(now));
        let link = Link {
            id: text.id(),
            opens,
            tenant: tenant.to_owned(),
            digest: text.digest(),
            created_at: now,
            expires_at: now + expires_in.min(EXPIRES_MAX),
            opened_at: None,
            revoked_at: None,
        };
        let (action, shown) = match opens {
            Opens::Delivery(id) => (Action::CreateShare, json!({"delivery_id": id, "expires_at": link.expires_at})),
            // An event instead of its key: the log outlives what an expunge erases.
            Opens::KeyOf(id) => (Action::CreateShare, json!({"key_of": id, "expires_at": link.expires_at})),
            Opens::Portal(scope) => {
                (Action::CreatePortalLink, json!({"scope": scope.name(), "expires_at": link.expires_at}))
            }
        };
        self.store().create_link(&link, &by.asks(action, link.id, Some(tenant)).after(shown)).await?;
        Ok((link, text))
    }

    /// The link with this id, whatever has become of it.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn link(&self, id: LinkId) -> store::Result<Option<Link>> {
        self.store().link(id).await
    }

    /// The link with this id, if it is neither revoked nor, by the database's clock, expired. Knowing the id proves nothing:
    /// the caller must compare the presented text with [`Link::digest`].
    ///
    /// # Errors
    /// The store's failure.
    pub async fn valid_link(&self, id: LinkId) -> store::Result<Option<Link>> {
        self.store().valid_link(id).await
    }

    /// Notes that a link has become a session: true the first time, and never again.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn open_link(&self, link: &Link, by: &Actor) -> store::Result<bool> {
        let record = by.asks(Action::OpenPortalLink, link.id, Some(&link.tenant));
        self.store().open_link(link.id, &record).await
    }

    /// Revokes a link, at once on every node. False if there is none.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn revoke_link(&self, link: &Link, by: &Actor) -> store::Result<bool> {
        let action = match link.opens {
            Opens::Delivery(_) | Opens::KeyOf(_) => Action::RevokeShare,
            Opens::Portal(_) => Action::RevokePortalLink,
        };
        self.store().revoke_link(link.id, &by.asks(action, link.id, Some(&link.tenant))).await
    }

    /// The events that have the key of this one, newest first; this one alone if its key was erased, or if it has none.
    ///
    /// # Errors
    /// The store's failure.
    pub async fn events_beside(&self, id: EventId) -> store::Result<Vec<EventRow>> {
        let Some(row) = self.event(id).await? else { return Ok(Vec::new()) };
        if row.event.key.is_none() {
            return Ok(vec![row]);
        }
        let (tenant, key) = (Some(row.event.tenant), row.event.key);
        let filter = EventFilter { tenant, key, ..EventFilter::default() };
        Ok(self.events(&filter, None, EVENTS_OF_KEY_MAX).await?.items)
    }
}
