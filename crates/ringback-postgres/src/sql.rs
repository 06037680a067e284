//! All statements, with the schema's name put in when the store is opened.

use std::sync::Arc;

use ringback::store::codes;
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr as _, SqlStr, postgres::PgArguments, query::Query};

use crate::{routed, work};

macro_rules! parts {
    ($($name:ident)+) => {
        /// Texts that several statements share, by their names.
        const PARTS: &[(&str, &str)] =
            &[$((stringify!($name), include_str!(concat!("../sql/parts/", stringify!($name), ".sql")))),+];
    };
}

parts! {
    dead_letter_columns
    delivery_columns
    due_columns
    endpoint_columns
    event_columns
    event_of_delivery
    fits_replay
    is_first_in_order
    is_listed
    is_over
    locked_keys
    nothing_blocks
    past_sums
    replay_columns
    stored_dead
    stored_rest
    link_columns
    token_columns
}

/// A statement with its parts, the schema's name and the codes of words put in. This is safe: the schema's name is a
/// validated identifier, and everything else is Ringback's own text.
pub(crate) fn render(text: &str, schema: &str) -> SqlStr {
    let text = codes::put_in(text, PARTS, &[work::SETTLEMENTS.as_slice(), &routed::FATES].concat());
    AssertSqlSafe(Arc::<str>::from(text.replace("{schema}", schema))).into_sql_str()
}

/// A query that is planned for its values each time: operators' questions differ, and a plan that was cached while a table
/// was empty stays wrong until the next ANALYZE.
pub(crate) fn query(statement: &SqlStr) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(statement.clone()).persistent(false)
}

/// A statement of the pipeline, parsed and planned once for each connection, since that costs more than running it. The plan
/// must be right however large the tables become. So these statements run on connections that plan with indexes only (see
/// `open`), and none joins two sets of rows with a nested loop over both.
pub(crate) fn prepared<'q>(statement: &SqlStr) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(statement.clone()).persistent(true)
}

macro_rules! statements {
    ($($folder:ident { $($name:ident)+ })+) => {
        /// One field for each file of `sql/`, which has a folder for each subject.
        #[derive(Debug, Clone)]
        pub(crate) struct Statements {
            $($(pub(crate) $name: SqlStr),+),+
        }

        impl Statements {
            pub(crate) fn render(schema: &str) -> Self {
                Self { $($($name: render(
                    include_str!(concat!("../sql/", stringify!($folder), "/", stringify!($name), ".sql")),
                    schema,
                )),+),+ }
            }

            #[cfg(test)]
            pub(crate) fn all(&self) -> Vec<(&'static str, &SqlStr)> {
                vec![$($((concat!(stringify!($folder), "/", stringify!($name)), &self.$name)),+),+]
            }
        }
    };
}

statements! {
    audit {
        insert_record
        list_audit
        list_audit_of_tenant
    }
    configuration {
        cancel_endpoint
        config_version
        count_endpoints
        delete_endpoint
        disable_endpoint
        find_endpoint
        insert_endpoint
        keep_setting
        list_endpoints
        load_endpoints
        load_live_endpoints
        lock_endpoint
        put_setting
        raise_version
        read_changes
        read_endpoints_as_of
        read_setting
        record_changes
        record_endpoint_version
        refill_endpoint
        update_endpoint
    }
    dead_letters {
        discard_dead_letter
        end_of_dead_letters
        group_dead_letters
        list_dead_letters
        list_dead_letters_of_events
    }
    deliveries {
        end_of_dead
        end_of_finished
        end_of_pending
        find_events_of_key
        list_dead
        list_deliveries_of_events
        list_finished
        list_pending
        read_attempts
        read_delivery
        read_lane_holds
        read_replays_under_way
        read_standings
    }
    events {
        end_of_events
        end_of_events_of_key
        end_of_events_of_metadata
        find_events
        find_events_of_keys
        find_events_of_metadata
        find_keys_after
        find_keys_before
        find_key_takers
        find_waiting
        list_events
        read_payload
        read_verdicts
    }
    expunging {
        advance_expunge
        cancel_dead_letters_of_events
        cancel_deliveries
        complete_expunge
        drop_expunge_items
        erase_attempts
        erase_events
        erase_finished
        erase_idempotency_keys
        erase_moving_events
        fix_expunge
        forget_contents
        insert_expunge
        keep_expunge_digest
        list_running_expunges
        lock_deliveries_of_events
        lock_events_to_erase
        lock_expunge
        lock_expunged_events
        read_attempts_to_erase
        read_expunge
        read_expunge_items
        read_finished_to_erase
    }
    figures {
        add_figures
        add_part
        add_pulses
        count_accepted
        count_ledger
        count_ledger_of_tenant
        count_pending_in
        find_failing
        read_backlog
        read_figures
        read_oldest_due
        read_oldest_due_outside
        read_vitals
    }
    intake {
        accept_events
        find_keys
        release_keys
        reserve_keys
        take_over_keys
    }
    leases {
        claim_shards
        deregister_node
        lock_nodes
        lock_shards
        read_nodes
        read_shard_map
        read_timeline
        register_node
        release_shards
        remove_nodes
        renew_lease
    }
    liveness {
        probe
    }
    once {
        find_request_key
        take_request_key
    }
    outbox {
        emit
        find_expunged
        read_events
        read_pointers
        remove_pointers
    }
    replays {
        advance_replay
        cancel_replay
        classify_for_replay
        find_dead_letters_to_replay
        find_delivered_to_replay
        find_events_to_replay
        insert_replay
        insert_replay_items
        list_replays
        list_running_replays
        lock_replay
        mark_owed
        mark_released
        read_events_to_replay
        read_replay
        read_replay_items
        readdress_dead_letter
        readdress_event
        readdress_finished
        release_dead
        release_delivered
        remove_verdicts
    }
    routing {
        insert_routed
        select_heads
    }
    schema {
        set_emit_limit
    }
    sealed {
        find_sealed_destinations
        find_sealed_endpoints
        find_sealed_requests
        replace_setting
        reseal_destinations
        reseal_endpoints
        reseal_moving_destinations
        reseal_requests
    }
    links {
        find_link
        find_valid_link
        insert_link
        open_link
        revoke_link
    }
    sessions {
        end_session
        find_ended_session
    }
    tokens {
        find_token
        find_valid_token
        insert_token
        list_tokens
        note_token_use
        revoke_token
    }
    upkeep {
        cancel_stragglers
        copy_survivors
        count_dropped
        count_survivors_past
        expire_dead_letters
        expire_held
        find_late_survivors
        forget_audit
        forget_changes
        forget_figure_parts
        forget_figures
        forget_holds
        forget_keys
        forget_metadata
        forget_replay_items
        forget_replays
        forget_request_keys
        forget_links
        forget_tokens
        keep_position
        list_partitions
        prune_kept_attempts
        prune_kept_events
        read_clock
        read_written_until
        read_position
        record_past
        refresh_survivors
        remove_figures
        remove_payloads
        settle_survivors
    }
    work {
        drop_repeated_attempts
        feed_lanes
        feed_shards
        find_heads
        find_lanes
        find_overdue
        find_untried
        load_events
        load_holds
        raise_attempts
        record_outcomes
        set_holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_statement_and_every_statement_a_file() {
        let rendered = Statements::render("ringback");
        let mut listed: Vec<_> = rendered.all().into_iter().map(|(name, _)| format!("{name}.sql")).collect();
        listed.extend(PARTS.iter().map(|(name, _)| format!("parts/{name}.sql")));
        let within = |folder: &std::path::Path| -> Vec<_> {
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let all = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/sql"));
        let files = within(all).into_iter().flat_map(|folder| within(&folder));
        let mut files: Vec<_> = files.map(|file| file.strip_prefix(all).unwrap().display().to_string()).collect();
        listed.sort();
        files.sort();
        assert_eq!(listed, files);
        for (name, statement) in rendered.all() {
            assert!(!["{schema}", "{part."].iter().any(|left| statement.as_str().contains(left)), "{name}");
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
