//! What every store promises the engine: one function a promise, its name being the promise.
//!
//! A store's tests say `ringback_testkit::store_contract!(fresh);` where `fresh` is an `async fn() -> Fresh` that
//! makes an empty, migrated store: each promise becomes a test of its own, with a store of its own.

#![expect(clippy::unwrap_used, reason = "a promise that is broken ends its test")]

use std::{future::Future, pin::Pin};

use ringback::store::SharedStore;

pub mod audit;
pub mod configuration;
pub mod expunging;
pub mod figures;
pub mod gaps;
pub mod given;
pub mod history;
pub mod intake;
pub mod leases;
pub mod ledger;
pub mod links;
pub mod lists;
pub mod once;
pub mod order;
pub mod outbox;
pub mod replays;
pub mod replays_of_many;
pub mod replays_of_missing;
pub mod schedules;
pub mod sealed;
pub mod sessions;
pub mod tokens;
pub mod upkeep;
pub mod work;

/// An empty store for one promise, and how to remove what it left.
pub struct Fresh {
    /// Migrated and empty.
    pub store: SharedStore,
    /// Run once the promise was kept; after a broken one the data stays for whoever looks into it.
    pub remove: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl std::fmt::Debug for Fresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fresh")
    }
}

/// Makes a test of each promise; takes the name of an `async fn() -> Fresh`.
#[macro_export]
macro_rules! store_contract {
    ($fresh:ident) => {
        $crate::store_contract!(@each $fresh;
            intake:
                an_accepted_event_is_due_at_once,
                a_payload_comes_back_byte_for_byte,
                an_event_that_nobody_wants_is_unmatched,
                an_unroutable_event_is_dead_at_once_without_an_attempt,
                the_same_key_and_content_is_a_duplicate,
                other_content_under_the_same_key_is_a_conflict,
                a_group_with_a_conflict_stores_nothing,
                a_refused_group_leaves_its_other_keys_free,
                groups_stand_alone,
                a_key_is_free_again_after_its_window,
                a_key_is_one_tenants_and_one_types,
                events_of_a_request_keep_their_order,
                concurrent_requests_with_the_same_keys_do_not_deadlock,
                a_large_group_keeps_every_payload,
                an_event_ahead_of_the_databases_clock_is_refused,
                one_refused_event_keeps_its_whole_group_out;
            outbox:
                an_emitted_event_waits_unrouted,
                an_emitted_event_keeps_every_field,
                routing_turns_a_pointer_into_deliveries_once,
                routing_tells_what_became_of_each_event,
                a_late_page_folds_within_the_window_alone,
                only_one_of_two_routers_wins,
                nothing_is_missed_from_the_next_floor_on,
                a_full_page_is_followed_by_the_rest,
                a_page_is_bounded_by_bytes_as_well_as_by_rows,
                an_event_routed_to_nobody_is_unmatched,
                an_event_routed_to_an_unusable_destination_is_dead,
                a_later_event_with_the_same_key_is_folded,
                duplicates_within_one_batch_are_folded,
                an_accepted_events_key_folds_an_emitted_one,
                an_event_expunged_before_it_is_routed_is_cancelled,
                a_malformed_event_is_refused,
                emitted_and_accepted_events_share_one_order,
                a_part_of_which_one_event_is_refused_routes_none;
            work:
                feed_reads_each_shard_after_its_cursor,
                feed_gives_at_most_the_limit_of_each_shard,
                feed_of_other_shards_sees_nothing,
                an_idle_feed_still_tells_the_time,
                feed_lanes_reads_single_lanes,
                lanes_with_pending_deliveries_are_found_one_after_the_other,
                what_is_finished_is_not_found_untried,
                absent_events_are_left_out,
                a_delivered_one_is_finished_with_its_attempt,
                a_failed_attempt_counts_and_is_kept,
                a_retry_is_not_due_before_its_time,
                keeping_leaves_it_due_as_it_was,
                a_dead_one_becomes_a_dead_letter_with_its_reason,
                what_was_never_tried_counts_no_attempt,
                a_stale_outcome_changes_nothing_and_is_kept,
                outcomes_that_are_recorded_again_count_once,
                the_second_outcome_of_a_batch_for_one_delivery_is_stale,
                a_full_batch_is_recorded_at_once,
                bytes_of_a_receiver_are_kept_as_they_came,
                a_batch_of_which_one_outcome_is_refused_records_none,
                holds_last_until_they_end,
                the_last_hold_of_a_lane_counts,
                holds_of_a_shard_that_was_lost_are_not_set;
            order:
                only_the_first_of_an_ordering_key_is_due,
                the_next_is_the_head_once_the_first_is_finished,
                a_first_that_waits_for_its_retry_holds_the_others_back,
                a_dead_one_that_does_not_block_lets_the_next_go,
                a_dead_one_that_blocks_holds_the_others_back_until_it_is_discarded,
                other_keys_and_lanes_do_not_wait,
                an_accepted_event_behind_another_is_not_handed_out,
                a_replayed_dead_letter_is_the_head_again;
            leases:
                a_fresh_node_is_alive,
                nodes_are_told_with_their_shards,
                shards_are_claimed_once,
                shards_of_an_ended_lease_can_be_claimed,
                an_ended_lease_is_never_renewed,
                a_handover_passes_what_is_open,
                a_claim_that_is_repeated_passes_what_is_open_again,
                only_the_owner_releases,
                a_node_that_left_is_gone;
            configuration:
                every_change_raises_the_version_and_is_told,
                changes_come_in_pages_that_miss_nothing,
                an_endpoint_is_found_by_id_key_and_page,
                a_key_is_one_live_endpoints,
                a_tenant_has_only_so_many_endpoints,
                an_update_of_an_older_version_is_refused,
                enabling_makes_what_is_pending_due_with_a_full_budget,
                deleting_cancels_what_is_pending_and_keeps_dead_letters,
                a_deleted_endpoint_is_found_by_id_only,
                an_endpoint_that_is_gone_is_disabled_once,
                an_endpoint_that_was_changed_meanwhile_is_not_gone,
                the_past_is_answered_as_routing_saw_it,
                the_first_setting_stays,
                a_setting_that_is_put_replaces_the_one_before,
                what_comes_too_late_for_a_deleted_endpoint_is_cancelled;
            schedules:
                an_event_is_due_when_it_may_be_sent,
                an_emitted_event_keeps_its_schedule_and_its_metadata,
                what_expired_before_its_first_attempt_is_found,
                events_are_found_by_their_metadata,
                old_events_are_not_found_by_their_metadata;
            once:
                a_request_under_a_key_is_carried_out_once,
                a_request_that_is_refused_takes_no_key,
                of_equal_requests_at_once_one_is_carried_out;
            sealed:
                sealed_endpoints_are_found_in_pages,
                resealing_an_endpoint_raises_no_version,
                sealed_destinations_are_found_among_all_events,
                sealed_requests_are_found_in_pages,
                a_setting_is_replaced_if_it_is_what_was_read;
            gaps:
                what_became_of_many_keys_is_told_at_once;
            lists:
                keys_are_found_near_a_text,
                holders_of_an_idempotency_key_are_found,
                events_are_listed_newest_first_in_pages,
                events_are_filtered,
                deliveries_are_listed_newest_first_in_pages,
                deliveries_are_filtered,
                inline_deliveries_are_found_by_host,
                dead_letters_are_listed_newest_death_first,
                a_key_that_many_events_carry_hides_nothing,
                a_held_lane_shows_at_its_deliveries,
                discarding_cancels_a_dead_letter,
                a_rare_match_is_found_page_by_page;
            replays:
                a_dead_letter_goes_back_under_its_id_with_a_full_budget,
                a_delivered_one_stays_delivered_whatever_its_replay_does,
                attempt_numbers_rise_over_every_replay,
                an_inline_delivery_is_replayed_into_the_lane_of_another_url,
                attempts_of_a_replay_count_however_it_ends,
                a_stale_attempt_of_a_replay_does_not_count,
                what_cannot_be_replayed_says_why;
            replays_of_many:
                a_preview_stores_nothing,
                a_replay_takes_a_fixed_set_and_counts_it,
                a_replay_counts_what_became_of_its_deliveries,
                a_replay_skips_what_cannot_go_back,
                a_replay_leaves_out_what_has_been_delivered_meanwhile,
                a_replay_takes_the_dead_letters_of_its_reason_and_status,
                a_replay_by_host_takes_its_endpoints_and_its_inline_destinations,
                replays_are_listed,
                a_cancelled_replay_releases_nothing_more,
                a_filter_that_finds_nothing_is_complete_at_once;
            replays_of_missing:
                missing_events_get_a_new_delivery,
                a_missing_event_that_is_there_by_then_is_skipped;
            expunging:
                expunging_cancels_and_removes_the_payload,
                expunging_removes_what_receivers_answered,
                an_answer_that_comes_after_expunging_is_not_kept,
                keys_are_erased_if_asked_for,
                expunging_forgets_the_digest_of_the_content,
                expunging_leaves_the_origin_of_an_inline_destination,
                all_deliveries_of_an_event_are_erased,
                an_expunge_of_many_takes_a_fixed_set_and_gives_a_receipt,
                an_expunge_takes_what_its_filter_finds,
                an_expunge_that_finds_nothing_is_complete_at_once;
            ledger:
                the_ledger_of_an_empty_store_is_zero,
                the_ledger_balances_through_every_state,
                the_ledger_of_a_tenant_or_a_time_counts_theirs_only;
            figures:
                the_backlog_counts_what_is_pending_and_what_is_dead,
                accepted_events_are_counted_from_a_moment_on,
                the_oldest_due_one_counts_whatever_keeps_it_back,
                the_oldest_that_could_be_sent_is_found_behind_what_could_not,
                what_is_pending_in_some_lanes_is_counted_up_to_a_bound,
                dead_letters_are_grouped_by_what_they_have_in_common;
            history:
                figures_of_several_nodes_add_up,
                figures_are_read_by_time,
                what_expires_is_counted_as_dead,
                the_pulse_of_a_receiver_goes_on,
                vitals_tell_of_each_endpoint_what_waits_and_what_holds_it,
                old_figures_and_those_of_deleted_endpoints_are_removed;
            upkeep:
                a_young_house_is_left_alone,
                what_is_committed_counts_as_written,
                held_deliveries_expire,
                one_call_expires_some_thousands_and_the_next_ones_the_rest,
                only_what_is_held_for_long_expires,
                a_pause_counts_from_when_the_database_was_told,
                an_endpoint_that_cannot_be_read_lets_others_expire,
                waiting_for_a_retry_never_expires,
                a_stale_attempt_is_not_the_last_of_what_expires,
                an_event_whose_dead_letters_are_gone_is_still_routed,
                old_payloads_are_removed_but_not_what_is_owed,
                old_events_go_and_the_ledger_remembers,
                what_is_owed_or_dead_outlives_its_retention,
                old_dead_letters_go_with_their_events,
                old_keys_are_forgotten,
                replays_that_ended_long_ago_are_forgotten,
                receipts_of_expunges_stay,
                a_held_one_that_expires_blocks_its_key_like_any_dead_letter;
            links:
                a_link_is_kept_as_it_was_made,
                an_expired_link_opens_nothing,
                a_link_becomes_a_session_once,
                a_revoked_link_opens_nothing,
                links_that_ended_long_ago_are_forgotten;
            tokens:
                a_token_is_kept_as_it_was_made,
                tokens_are_listed_newest_first,
                an_expired_token_is_worth_nothing,
                a_revoked_token_is_worth_nothing,
                a_tokens_use_is_noted_once_a_minute,
                tokens_that_ended_long_ago_are_forgotten;
            sessions:
                a_session_that_was_ended_stays_ended,
                a_session_that_is_over_is_forgotten;
            audit:
                a_record_comes_back_as_it_was_written,
                changes_of_endpoints_are_recorded_if_they_are_made,
                expunging_and_discarding_are_recorded_if_they_do_anything,
                replays_are_recorded_if_they_do_anything,
                what_was_asked_for_with_an_event_is_recorded_if_it_is_stored,
                tokens_are_recorded_as_they_are_made_and_revoked,
                a_change_that_cannot_be_recorded_is_not_made,
                changes_are_listed_newest_first_in_pages,
                changes_are_filtered,
                changes_are_found_by_who_what_and_object,
                old_changes_are_forgotten
        );
    };
    (@each $fresh:ident; $($module:ident: $($promise:ident),+);+) => {
        $(
            mod $module {
                $(
                    #[tokio::test]
                    async fn $promise() {
                        let fresh = super::$fresh().await;
                        $crate::contract::$module::$promise(&*fresh.store).await;
                        drop(fresh.store);
                        fresh.remove.await;
                    }
                )+
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    /// A promise that no store is held to would be worth nothing.
    #[test]
    fn every_promise_is_in_the_list() {
        let list = include_str!("mod.rs");
        let files = [
            include_str!("audit.rs"),
            include_str!("configuration.rs"),
            include_str!("expunging.rs"),
            include_str!("figures.rs"),
            include_str!("gaps.rs"),
            include_str!("intake.rs"),
            include_str!("leases.rs"),
            include_str!("ledger.rs"),
            include_str!("lists.rs"),
            include_str!("once.rs"),
            include_str!("order.rs"),
            include_str!("outbox.rs"),
            include_str!("replays.rs"),
            include_str!("replays_of_many.rs"),
            include_str!("replays_of_missing.rs"),
            include_str!("schedules.rs"),
            include_str!("sealed.rs"),
            include_str!("sessions.rs"),
            include_str!("links.rs"),
            include_str!("tokens.rs"),
            include_str!("upkeep.rs"),
            include_str!("work.rs"),
        ];
        for line in files.iter().flat_map(|file| file.lines()) {
            if let Some(rest) = line.strip_prefix("pub async fn ") {
                let name = rest.split('(').next().unwrap();
                assert!(list.contains(&format!("                {name}")), "{name} is in no list");
            }
        }
    }
}
