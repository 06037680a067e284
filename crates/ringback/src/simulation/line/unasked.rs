//! What nobody asks of a store in the simulation.

use std::time::Duration;

use super::{Line, unavailable};
use crate::{
    attempt::Attempt,
    audit::Entry,
    delivery::LaneId,
    id::{DeliveryId, EndpointId, EventId, ExpungeId, LinkId, ReplayId, SessionId, TokenId},
    link::Link,
    store::{
        Audit, AuditFilter, AuditPosition, AuditRow, Backlog, Created, DeadGroups, DeliveryFilter, DeliveryRow,
        Elsewhere, Erased, EventFilter, EventRow, Expected, ExpungeRow, ExpungeToCreate, Expunging, FigureKeeping,
        Figures, FiguresPart, GroupFilter, Ingest, Keys, Ledger, Links, OnceName, Operations, Outcome, Page,
        PayloadRead, ReplayListFilter, ReplayOf, ReplayOne, ReplayRow, ReplayScope, ReplayToCreate, Resealed, Result,
        Sealed, SealedDestinations, Sessions, Span, Subject, Tokens, Vitals,
    },
    time::Timestamp,
    token::Token,
};

/// What the simulated life does not come to, and what there is none of in it.
macro_rules! unasked {
    ($($stage:ident {
        $($name:ident($($type:ty),*) -> $answer:ty;)+
        $(; none $empty:ident -> $list:ty;)?
    })+) => {
        $(#[async_trait::async_trait]
        impl $stage for Line {
            $(async fn $name(&self, $(_: $type),*) -> Result<$answer> {
                Err(unavailable("nobody asks in the simulation"))
            })+
            $(async fn $empty(&self) -> Result<$list> {
                self.read(|_| Vec::new()).await
            })?
        })+
    };
}

unasked! {
    Operations {
        check_ready() -> ();
        list_events(&EventFilter, Option<EventId>, u32) -> Page<EventRow, EventId>;
        keys_near(Option<&str>, &str, u32) -> Vec<String>;
        key_holders(Option<&str>, &str, Duration, u32) -> Vec<EventId>;
        event(EventId) -> Option<EventRow>;
        payload(EventId) -> PayloadRead;
        list_deliveries(&DeliveryFilter, Option<DeliveryId>, u32) -> Page<DeliveryRow, DeliveryId>;
        delivery(DeliveryId) -> Option<DeliveryRow>;
        attempts(DeliveryId) -> Vec<Attempt>;
        outcomes_of_keys(&[String], &Expected) -> Vec<Outcome>;
        list_dead_letters(&DeliveryFilter, Option<(Timestamp, DeliveryId)>, u32) -> Page<DeliveryRow, (Timestamp, DeliveryId)>;
        group_dead_letters(&GroupFilter, u32) -> DeadGroups;
        discard_dead_letter(DeliveryId, &Entry) -> bool;
        replay_one(DeliveryId, ReplayOf, &Entry) -> ReplayOne;
        replay_elsewhere(DeliveryId, ReplayOf, &Elsewhere, &Entry) -> ReplayOne;
        create_replay(&ReplayToCreate, &Entry) -> Created;
        replay(ReplayId) -> Option<ReplayRow>;
        list_replays(&ReplayListFilter<'_>, Option<ReplayId>, u32) -> Page<ReplayRow, ReplayId>;
        cancel_replay(ReplayId, &Entry) -> Option<ReplayRow>;
        release_replayed(ReplayId, &ReplayScope, u32) -> u32;
        ledger(Option<&str>, Span) -> Ledger;
        backlog(u32) -> Backlog;
        oldest_due() -> Option<Duration>;
        accepted_since(Option<&str>, Timestamp, u32) -> Ingest;
        oldest_due_outside(&[LaneId]) -> Option<Duration>;
        count_pending_in(&[LaneId], u32) -> u32;
        ; none running_replays -> Vec<ReplayId>;
    }
    Expunging {
        expunge(EventId, Keys, &Entry) -> Option<Erased>;
        create_expunge(&ExpungeToCreate, &Entry) -> ExpungeRow;
        expunge_of_many(ExpungeId) -> Option<ExpungeRow>;
        expunge_next(ExpungeId, u32) -> bool;
        ; none running_expunges -> Vec<ExpungeId>;
    }
    Sealed {
        sealed_endpoints(Option<EndpointId>, u32) -> Vec<(EndpointId, Vec<u8>)>;
        reseal_endpoints(&[Resealed<EndpointId, Vec<u8>>]) -> u64;
        sealed_destinations(Option<EventId>, u32) -> SealedDestinations;
        reseal_destinations(&[Resealed<EventId, String>]) -> u64;
        sealed_requests(Option<&OnceName>, u32) -> Vec<(OnceName, Vec<u8>)>;
        reseal_requests(&[Resealed<OnceName, Vec<u8>>]) -> u64;
        replace_setting(&str, &[u8], &[u8], Option<&Entry>) -> bool;
    }
    Tokens {
        create_token(&Token, &Entry) -> ();
        list_tokens() -> Vec<Token>;
        valid_token(TokenId) -> Option<Token>;
        revoke_token(TokenId, &Entry) -> Option<Token>;
        note_token_use(TokenId) -> ();
    }
    Links {
        create_link(&Link, &Entry) -> ();
        link(LinkId) -> Option<Link>;
        valid_link(LinkId) -> Option<Link>;
        open_link(LinkId, &Entry) -> bool;
        revoke_link(LinkId, &Entry) -> bool;
    }
    Sessions {
        end_session(SessionId, Timestamp) -> ();
        is_session_ended(SessionId) -> bool;
    }
    Audit {
        list_audit(&AuditFilter, Option<AuditPosition>, u32) -> Page<AuditRow, AuditPosition>;
    }
}

/// Figures are added, and nobody looks at them.
#[async_trait::async_trait]
impl FigureKeeping for Line {
    async fn add_figures(&self, _: &FiguresPart) -> Result<()> {
        Ok(())
    }

    async fn read_figures(&self, _: &Subject, _: Timestamp, _: Timestamp, _: u32) -> Result<Vec<(Timestamp, Figures)>> {
        Err(unavailable("nobody asks in the simulation"))
    }

    async fn vitals(&self, _: &[EndpointId], _: u32) -> Result<Vec<Vitals>> {
        Err(unavailable("nobody asks in the simulation"))
    }
    async fn failing_endpoints(&self, _: Timestamp, _: u32) -> Result<Vec<EndpointId>> {
        Err(unavailable("nobody asks in the simulation"))
    }
}
