//! What is removed is removed from the file, too; and what is forgotten is not passed over in silence.

use ringback::{
    event::NewEvent,
    id::{EventId, ExpungeId},
    store::{
        Change, Configuration as _, Error, ExpungeFilter, ExpungeState, ExpungeToCreate, Expunging as _, Intake as _,
        Keys, Outbox as _, Retention, Span, Upkeep as _,
    },
    time::Timestamp,
};
use ringback_testkit::contract::given;

use crate::fixture::Fixture;

/// Neither the file does nor the log beside it, which is cut before the answer.
fn assert_holds_nothing_of(fixture: &Fixture, needle: &str) {
    for name in ["ringback.db", "ringback.db-wal"] {
        let file = std::fs::read(fixture.folder.path().join(name)).unwrap();
        assert!(!file.windows(needle.len()).any(|bytes| bytes == needle.as_bytes()), "{name}");
    }
}

#[tokio::test]
async fn nothing_of_an_expunged_payload_is_left_in_the_file() {
    let fixture = Fixture::new().await;
    let needle = "a-needle-that-must-not-stay";
    let id = fixture.store.emit(&NewEvent::new("call.ended", needle.repeat(1_000))).await.unwrap();
    assert!(fixture.store.expunge(id, Keys::Keep, &given::asked()).await.unwrap().is_some());
    assert_holds_nothing_of(&fixture, needle);
}

/// SQLite takes any bytes for a text.
#[tokio::test]
async fn an_event_whose_texts_are_none_is_expunged_like_any_other() {
    let fixture = Fixture::new().await;
    let needle = "a-needle-that-must-not-stay";
    // What is no UTF-8 stands where a question mark does.
    let hex = |text: &str| -> String {
        text.bytes().map(|byte| format!("{:02x}", if byte == b'?' { 0xff } else { byte })).collect()
    };
    let (text, url) = (hex(&format!("{needle}?")), hex(&format!(r#"{{"url":"https://a.example/{needle}?"}}"#)));
    let id = EventId::new(Timestamp::now()).uuid().simple();
    let emit = format!(
        "INSERT INTO ringback_event (id, tenant, type, key, ordering_key, idempotency_key, destination, occurred_at, payload,
                                     payload_bytes)
         VALUES (x'{id}', 'default', CAST(x'61ff' AS TEXT), CAST(x'{text}' AS TEXT), CAST(x'{text}' AS TEXT),
                 CAST(x'{text}' AS TEXT), CAST(x'{url}' AS TEXT), 0, x'{text}', 1)"
    );
    fixture.execute(emit).await.unwrap();
    let all = ExpungeFilter { tenant: "default".to_owned(), key: None, event_type: None, accepted: Span::default() };
    let id = ExpungeId::new(Timestamp::now());
    let expunge = ExpungeToCreate { id, filter: all, keys: Keys::Erase, dry_run: false };
    fixture.store.create_expunge(&expunge, &given::asked()).await.unwrap();
    while fixture.store.expunge_next(id, 10).await.unwrap() {}
    let receipt = fixture.store.expunge_of_many(id).await.unwrap().unwrap();
    assert_eq!((receipt.state, receipt.erased.events), (ExpungeState::Completed, 1));
    assert_holds_nothing_of(&fixture, needle);
}

#[tokio::test]
async fn old_changes_are_forgotten_and_those_who_ask_for_them_are_told() {
    let fixture = Fixture::new().await;
    given::create(&fixture.store, &given::endpoint()).await;
    let known = fixture.store.config_version().await.unwrap();
    fixture
        .store
        .write(|tx| {
            Box::pin(async move {
                let aged = sqlx::query("UPDATE ringback_change SET at = 0").execute(tx).await;
                aged.map_err(|error| Error::Refused(error.into()))
            })
        })
        .await
        .unwrap();
    while fixture.store.keep_house(&Retention::default()).await.unwrap() {}
    assert!(fixture.store.changes_since(0).await.unwrap().truncated);
    assert!(!fixture.store.changes_since(known).await.unwrap().truncated);
    let endpoint = given::create(&fixture.store, &given::endpoint()).await;
    assert_eq!(fixture.store.changes_since(known).await.unwrap().items, [Change::Endpoint(endpoint.id)]);
}
