//! All calls of a store except two, as a table, so that code that treats each call alike is written once.

/// Passes all calls of a store to `$then!`, by trait, each as `limit name(argument: type, …) -> type;`, where `limit` is
/// the name of the call's deadline. The calls of [`super::Liveness`] are left out, since they are about the store itself.
/// The module that uses the macro imports the types.
#[doc(hidden)]
#[macro_export]
macro_rules! for_every_call {
    ($then:ident) => {
        $then! {
            Intake {
                intake config_version() -> i64;
                intake accept(groups: &[Group], window: Duration) -> Vec<Acceptance>;
            }
            Outbox {
                look read_outbox(floor: Floor, limit: u32) -> OutboxPage;
                commit record_routing(events: &[RoutedEvent], window: Duration) -> RecordedRouting;
                intake emit(event: &NewEvent) -> EventId;
            }
            Work {
                look feed(cursors: &[(Shard, Cursor)], limit: u32) -> FeedPage;
                look feed_lanes(lanes: &[(LaneId, Cursor)], limit: u32) -> FeedPage;
                look pending_lanes(after: Option<LaneId>, limit: u32) -> Vec<PendingLane>;
                look heads(keys: &[(LaneId, Box<str>)]) -> FeedPage;
                look load_events(ids: &[EventId]) -> Vec<LoadedEvent>;
                commit record(outcomes: &[Recorded]) -> Vec<bool>;
                look find_untried(deliveries: &[(DeliveryId, i32)]) -> Vec<DeliveryId>;
                look find_overdue(shards: &[Shard], limit: u32) -> Vec<(Due, String)>;
                look set_holds(node: NodeId, holds: &[Hold]) -> ();
                look load_holds(shards: &[Shard]) -> Vec<Hold>;
            }
            Leases {
                look register_node(lease: Duration) -> Option<NodeId>;
                question lease_keeper() -> Box<dyn LeaseKeeper>;
                look shard_map() -> ShardMap;
                question nodes() -> Nodes;
                look claim_shards(node: NodeId, wanted: &[Shard]) -> Vec<Claimed>;
                look release_shards(node: NodeId, shards: &[Claimed]) -> ();
            }
            Configuration {
                look changes_since(version: i64) -> Changes;
                question load_endpoints(filter: &EndpointFilter) -> Vec<StoredEndpoint>;
                question endpoint_by_key(tenant: &str, key: &str) -> Option<StoredEndpoint>;
                question create_endpoint(endpoint: &StoredEndpoint, tenant_max: u32, once: Option<&Once>, record: &Entry) -> Updated;
                question update_endpoint(endpoint: &StoredEndpoint, record: &Entry) -> Updated;
                question delete_endpoint(id: EndpointId, version: Option<i64>, record: &Entry) -> Updated;
                question disable_endpoint(endpoint: EndpointId, version: i64, reason: &str, record: &Entry) -> ();
                question endpoints_as_of(tenant: &str, version: i64, limit: u32) -> Vec<EndpointAsOf>;
                question keep_setting(name: &str, value: &[u8]) -> Vec<u8>;
                question put_setting(name: &str, value: &[u8]) -> ();
                question setting(name: &str) -> Option<Vec<u8>>;
            }
            Sealed {
                question sealed_endpoints(after: Option<EndpointId>, limit: u32) -> Vec<(EndpointId, Vec<u8>)>;
                question reseal_endpoints(rows: &[Resealed<EndpointId, Vec<u8>>]) -> u64;
                question sealed_destinations(after: Option<EventId>, limit: u32) -> SealedDestinations;
                question reseal_destinations(rows: &[Resealed<EventId, String>]) -> u64;
                question sealed_requests(after: Option<&OnceName>, limit: u32) -> Vec<(OnceName, Vec<u8>)>;
                question reseal_requests(rows: &[Resealed<OnceName, Vec<u8>>]) -> u64;
                question replace_setting(name: &str, before: &[u8], after: &[u8], record: Option<&Entry>) -> bool;
            }
            Operations {
                question check_ready() -> ();
                question list_events(filter: &EventFilter, before: Option<EventId>, limit: u32) -> Page<EventRow, EventId>;
                question keys_near(tenant: Option<&str>, text: &str, most: u32) -> Vec<String>;
                question key_holders(tenant: Option<&str>, key: &str, window: Duration, most: u32) -> Vec<EventId>;
                question event(id: EventId) -> Option<EventRow>;
                question payload(id: EventId) -> PayloadRead;
                question list_deliveries(filter: &DeliveryFilter, before: Option<DeliveryId>, limit: u32) -> Page<DeliveryRow, DeliveryId>;
                question delivery(id: DeliveryId) -> Option<DeliveryRow>;
                question attempts(id: DeliveryId) -> Vec<Attempt>;
                question outcomes_of_keys(keys: &[String], expected: &Expected) -> Vec<Outcome>;
                question list_dead_letters(filter: &DeliveryFilter, before: Option<(Timestamp, DeliveryId)>, limit: u32) -> Page<DeliveryRow, (Timestamp, DeliveryId)>;
                question group_dead_letters(filter: &GroupFilter, most: u32) -> DeadGroups;
                question discard_dead_letter(id: DeliveryId, record: &Entry) -> bool;
                question replay_one(id: DeliveryId, of: ReplayOf, record: &Entry) -> ReplayOne;
                question replay_elsewhere(id: DeliveryId, of: ReplayOf, to: &Elsewhere, record: &Entry) -> ReplayOne;
                question create_replay(replay: &ReplayToCreate, record: &Entry) -> Created;
                question replay(id: ReplayId) -> Option<ReplayRow>;
                question list_replays(filter: &ReplayListFilter<'_>, before: Option<ReplayId>, limit: u32) -> Page<ReplayRow, ReplayId>;
                question cancel_replay(id: ReplayId, record: &Entry) -> Option<ReplayRow>;
                question running_replays() -> Vec<ReplayId>;
                question release_replayed(id: ReplayId, scope: &ReplayScope, count: u32) -> u32;
                question ledger(tenant: Option<&str>, accepted: Span) -> Ledger;
                question backlog(counted_max: u32) -> Backlog;
                question oldest_due() -> Option<Duration>;
                question accepted_since(tenant: Option<&str>, since: Timestamp, looked_at_max: u32) -> Ingest;
                question oldest_due_outside(held: &[LaneId]) -> Option<Duration>;
                question count_pending_in(lanes: &[LaneId], counted_max: u32) -> u32;
            }
            FigureKeeping {
                commit add_figures(part: &FiguresPart) -> ();
                question read_figures(subject: &Subject, from: Timestamp, until: Timestamp, limit: u32) -> Vec<(Timestamp, Figures)>;
                question failing_endpoints(since: Timestamp, most: u32) -> Vec<EndpointId>;
                question vitals(endpoints: &[EndpointId], counted_max: u32) -> Vec<Vitals>;
            }
            Expunging {
                question expunge(id: EventId, keys: Keys, record: &Entry) -> Option<Erased>;
                question create_expunge(expunge: &ExpungeToCreate, record: &Entry) -> ExpungeRow;
                question expunge_of_many(id: ExpungeId) -> Option<ExpungeRow>;
                question running_expunges() -> Vec<ExpungeId>;
                upkeep expunge_next(id: ExpungeId, count: u32) -> bool;
            }
            Tokens {
                question create_token(token: &Token, record: &Entry) -> ();
                question list_tokens() -> Vec<Token>;
                question valid_token(id: TokenId) -> Option<Token>;
                question revoke_token(id: TokenId, record: &Entry) -> Option<Token>;
                question note_token_use(id: TokenId) -> ();
            }
            Links {
                question create_link(link: &Link, record: &Entry) -> ();
                question link(id: LinkId) -> Option<Link>;
                question valid_link(id: LinkId) -> Option<Link>;
                question open_link(id: LinkId, record: &Entry) -> bool;
                question revoke_link(id: LinkId, record: &Entry) -> bool;
            }
            Sessions {
                question end_session(id: SessionId, until: Timestamp) -> ();
                question is_session_ended(id: SessionId) -> bool;
            }
            Audit {
                question list_audit(filter: &AuditFilter, before: Option<AuditPosition>, limit: u32) -> Page<AuditRow, AuditPosition>;
            }
            Upkeep {
                upkeep expire_held(expires_after: Duration) -> u64;
                look clock() -> Timestamp;
                look written_until() -> Timestamp;
                upkeep take_step(step: Step, kept: &Retention) -> bool;
            }
        }
    };
}
