//! Every statement, with the schema's name put in once.

use std::sync::Arc;

use ringback::store::codes;
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr as _, SqlStr, postgres::PgArguments, query::Query};

use crate::{routed, work};

/// A statement with the schema's name and the codes of words in it. Safe: besides numbers of ours the only thing put in is a
/// validated identifier.
pub(crate) fn render(text: &str, schema: &str) -> SqlStr {
    let text = codes::put_in(text, &[work::SETTLEMENTS.as_slice(), &routed::FATES].concat());
    AssertSqlSafe(Arc::<str>::from(text.replace("{schema}", schema))).into_sql_str()
}

/// A query that is planned for its very values: what people ask for differs, and a plan cached while a table was
/// empty stays wrong until the next ANALYZE.
pub(crate) fn query(statement: &SqlStr) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(statement.clone()).persistent(false)
}

/// A statement of the pipeline, parsed and planned once per connection: that costs more than running it. The plan has
/// to be right however large the tables become, so these run on connections that plan by index alone (see `open`),
/// and none joins two sets of rows by comparing each with each.
pub(crate) fn prepared(statement: &SqlStr) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(statement.clone()).persistent(true)
}

macro_rules! statements {
    ($($name:ident)+) => {
        /// One field for each file of `sql/`.
        #[derive(Debug, Clone)]
        pub(crate) struct Statements {
            $(pub(crate) $name: SqlStr),+
        }

        impl Statements {
            pub(crate) fn render(schema: &str) -> Self {
                Self { $($name: render(include_str!(concat!("../sql/", stringify!($name), ".sql")), schema)),+ }
            }

            #[cfg(test)]
            pub(crate) fn all(&self) -> Vec<(&'static str, &SqlStr)> {
                vec![$((stringify!($name), &self.$name)),+]
            }
        }
    };
}

statements! {
    accept_events
    advance_expunge
    advance_replay
    cancel_dead_letters_of_events
    cancel_deliveries
    cancel_endpoint
    cancel_replay
    cancel_stragglers
    claim_shards
    classify_for_replay
    complete_expunge
    config_version
    copy_survivors
    count_dropped
    count_endpoints
    count_ledger
    count_ledger_of_tenant
    count_survivors_past
    delete_endpoint
    deregister_node
    disable_gone
    discard_dead_letter
    drop_expunge_items
    drop_repeated_attempts
    emit
    end_of_dead
    end_of_dead_letters
    end_of_events
    end_of_events_of_key
    end_of_finished
    end_of_pending
    end_session
    erase_attempts
    erase_events
    erase_finished
    erase_idempotency_keys
    erase_moving_events
    expire_dead_letters
    expire_held
    feed_shards
    find_dead_letters_to_replay
    find_delivered_to_replay
    find_ended_session
    find_endpoint
    find_events
    find_events_of_key
    find_events_to_replay
    find_expunged
    find_heads
    find_keys
    find_lanes
    find_late_survivors
    find_request_key
    find_sealed_destinations
    find_sealed_endpoints
    find_sealed_requests
    find_token
    find_untried
    find_valid_token
    find_waiting
    fix_expunge
    forget_audit
    forget_changes
    forget_contents
    forget_holds
    forget_keys
    forget_replay_items
    forget_replays
    forget_request_keys
    forget_tokens
    insert_endpoint
    insert_expunge
    insert_record
    insert_replay
    insert_replay_items
    insert_routed
    insert_token
    keep_expunge_digest
    keep_position
    keep_setting
    list_audit
    list_audit_of_tenant
    list_dead
    list_dead_letters
    list_dead_letters_of_events
    list_deliveries_of_events
    list_endpoints
    list_events
    list_finished
    list_partitions
    list_pending
    list_replays
    list_running_expunges
    list_running_replays
    list_tokens
    load_endpoints
    load_events
    load_holds
    load_live_endpoints
    lock_deliveries_of_events
    lock_endpoint
    lock_events_to_erase
    lock_expunge
    lock_expunged_events
    lock_nodes
    lock_replay
    lock_shards
    mark_owed
    mark_released
    note_token_use
    probe
    prune_kept_attempts
    prune_kept_events
    put_setting
    raise_attempts
    raise_version
    read_attempts
    read_attempts_to_erase
    read_backlog
    read_changes
    read_clock
    read_delivery
    read_endpoints_as_of
    read_events
    read_events_to_replay
    read_expunge
    read_expunge_items
    read_finished_to_erase
    read_lane_holds
    read_oldest_due
    read_payload
    read_pointers
    read_position
    read_recent_attempts
    read_replay
    read_replay_items
    read_replays_under_way
    read_setting
    read_shard_map
    read_timeline
    read_verdicts
    record_changes
    record_endpoint_version
    record_outcomes
    record_past
    refill_endpoint
    refill_lanes
    refresh_survivors
    register_node
    release_dead
    release_delivered
    release_keys
    release_shards
    remove_nodes
    remove_payloads
    remove_pointers
    remove_verdicts
    renew_lease
    replace_setting
    reseal_destinations
    reseal_endpoints
    reseal_moving_destinations
    reseal_requests
    reserve_keys
    revoke_token
    select_heads
    set_emit_limit
    set_holds
    settle_survivors
    take_over_keys
    take_request_key
    update_endpoint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_statement_and_every_statement_a_file() {
        let rendered = Statements::render("ringback");
        let mut listed: Vec<_> = rendered.all().into_iter().map(|(name, _)| format!("{name}.sql")).collect();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        listed.sort();
        files.sort();
        assert_eq!(listed, files);
        for (name, statement) in rendered.all() {
            assert!(!statement.as_str().contains("{schema}"), "{name}");
            assert!(statement.as_str().starts_with("-- "), "{name} says what it does in its first line");
        }
    }

    #[tokio::test]
    async fn every_statement_fits_the_schema() {
        use sqlx::Executor as _;
        let (store, schema) = crate::fresh::migrated().await;
        let mut connection = store.desk().await.unwrap();
        for (name, statement) in store.sql().all() {
            let prepared = (&mut *connection).prepare(statement.clone()).await;
            assert!(prepared.is_ok(), "{name}: {prepared:?}");
        }
        drop(connection);
        crate::fresh::remove(&store, &schema).await;
    }
}
