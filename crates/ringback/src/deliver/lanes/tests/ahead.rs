//! Events that are read before their turn, and how much of them is kept.

use super::*;

/// The event of a delivery, as a read would bring it.
fn event_of(row: DeliveryId) -> (EventId, Arc<LoadedEvent>) {
    let event = Event {
        id: row.event(),
        seq: 1,
        tenant: "default".to_owned(),
        event_type: "CALL_ENDED".to_owned(),
        key: None,
        ordering_key: None,
        idempotency_key: None,
        occurred_at: Timestamp::default(),
        endpoint_keys: None,
        destination: None,
        trace: None,
        schedule: Default::default(),
        metadata: None,
        test: false,
        unreadable: None,
    };
    (row.event(), Arc::new(LoadedEvent { event, payload: Some("{}".into()) }))
}

#[test]
fn events_of_what_comes_next_are_read_together_and_before_their_turn() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 100);
    assert!(world.lanes.pick(world.now).is_some_and(|picked| picked.event.is_none()), "the first was not expected");
    let ahead = world.lanes.look_ahead();
    assert_eq!(ahead[0].1.len(), 64, "four rounds of sixteen requests");
    assert!(world.lanes.look_ahead().is_empty(), "each is asked for once");
    assert!(world.lanes.pick(world.now).is_none(), "what is being read is not read twice");
    world.lanes.looked_ahead(&ahead, &ahead[0].1.iter().map(|&row| event_of(row)).collect());
    assert!(world.lanes.pick(world.now).is_some_and(|picked| picked.event.is_some()));
}

#[test]
fn a_lane_for_which_nothing_can_be_read_ahead_goes_on_by_itself() {
    let mut world = World::new();
    for lane in 1..=40 {
        world.prove(lane);
    }
    for lane in 1..=40 {
        world.fill(lane, 100);
    }
    // All are picked from before anything is read: there is room for the rows of some lanes only.
    let mut open: Vec<_> =
        std::iter::from_fn(|| world.lanes.pick(world.now)).take(40).map(|picked| picked.due.lane).collect();
    let ahead = world.lanes.look_ahead();
    assert!(ahead.len() < 40);
    open.extend(std::iter::from_fn(|| world.pick()).map(|due| due.lane));
    for lane in (1..=40).map(LaneId::from_i64).filter(|lane| ahead.iter().all(|(reading, _)| reading != lane)) {
        assert_eq!(open.iter().filter(|each| **each == lane).count(), 16);
    }
}

#[test]
fn an_event_that_a_read_did_not_bring_is_read_at_its_turn() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 3);
    world.lanes.pick(world.now);
    let ahead = world.lanes.look_ahead();
    world.lanes.looked_ahead(&ahead, &HashMap::new());
    assert!(world.lanes.pick(world.now).is_some_and(|picked| picked.event.is_none()));
}

#[test]
fn a_payload_removed_with_its_row_gives_back_its_room() {
    let mut world = World::new();
    world.prove(1);
    world.fill(1, 3);
    world.lanes.pick(world.now);
    let ahead = world.lanes.look_ahead();
    world.lanes.looked_ahead(&ahead, &ahead[0].1.iter().map(|&row| event_of(row)).collect());
    assert_eq!(world.lanes.event_bytes, 4);
    for row in &ahead[0].1 {
        world.lanes.remove_event(row.event());
    }
    assert_eq!(world.lanes.event_bytes, 0);
    assert!(world.pick().is_none());
}

#[test]
fn what_is_read_ahead_is_kept_while_there_are_less_than_64_mib() {
    for (bytes, kept) in [((64 << 20) - 1, 2), (64 << 20, 0)] {
        let mut world = World::new();
        world.fill(1, 1);
        let row = world.lanes.lanes.get_mut(&LaneId::from_i64(1)).unwrap().look_ahead(1)[0];
        world.lanes.event_bytes = bytes;
        world.lanes.looked_ahead(&vec![(LaneId::from_i64(1), vec![row])], &[event_of(row)].into());
        assert_eq!(world.lanes.event_bytes - bytes, kept);
    }
}

#[test]
fn a_lane_is_asked_what_comes_next_only_while_there_is_room_for_it() {
    let mut world = World::new();
    world.fill(1, 1);
    for (bytes, asked) in [(32 << 20, 0), (0, 1)] {
        world.lanes.event_bytes = bytes;
        world.lanes.ask_ahead(LaneId::from_i64(1));
        assert_eq!(world.lanes.out_of_events.len(), asked);
    }
}

#[test]
fn payloads_are_kept_up_to_64_mib() {
    let mut world = World::new();
    let kept = |world: &mut World, bytes: usize| {
        let row = world.due(1);
        // Two bytes.
        let event = model::loaded_of(&row, "default");
        world.lanes.event_bytes = bytes;
        world.lanes.admit(u64::MAX, vec![(row, Some(event))], &world.directory, world.clock(), world.now);
        world.lanes.event_bytes - bytes
    };
    assert_eq!((kept(&mut world, (64 << 20) - 2), kept(&mut world, (64 << 20) - 1)), (2, 0));
}

#[test]
fn what_the_rate_keeps_waiting_once_it_was_read_keeps_its_event_and_gives_its_place_back() {
    let mut world = World::new();
    let endpoint = super::super::model::endpoint(1, Some(1.0));
    world.directory.put(endpoint.clone());
    let admit = |world: &mut World| {
        let due = Due { lane: endpoint.lane(), endpoint: Some(endpoint.id), ..world.due(1) };
        world.lanes.admit(u64::MAX, vec![(due, None)], &world.directory, world.clock(), world.now);
        world.now += Duration::from_secs(1);
    };
    // It is known to answer, so that two may be read at a time.
    for _ in 0..3 {
        admit(&mut world);
        let due = world.pick().unwrap();
        world.end(&due, Duration::from_millis(1));
    }
    admit(&mut world);
    admit(&mut world);
    let picked = [(); 2].map(|()| world.pick_unread().unwrap().due);
    let [first, second] = picked.each_ref().map(|due| event_of(due.id).1);
    assert!(world.lanes.begin(&picked[0], Some(&first), world.now));
    assert!(!world.lanes.begin(&picked[1], Some(&second), world.now), "one goes in a second");
    assert_eq!((world.lanes.open(), world.lanes.event_bytes), (1, "{}".len()));
    world.now += Duration::from_secs(1);
    let again = world.pick_unread().unwrap();
    assert_eq!(again.due.id, picked[1].id);
    assert!(again.event.is_some_and(|event| Arc::ptr_eq(&event, &second)), "it is not read again");
}
