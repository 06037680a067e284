//! What callers write into the view with statements of their own, and what was written past it.

use ringback::{
    event::NewEvent,
    id::EventId,
    store::{Error, Floor, Outbox as _},
    time::Timestamp,
};

use crate::fixture::Fixture;

/// The columns of an event that is in order, as SQL writes them.
const IN_ORDER: [(&str, &str); 6] = [
    ("tenant", "'acme:eu'"),
    ("type", "'call.ended'"),
    ("key", "'naïve 😀'"),
    ("occurred_at", "0"),
    ("endpoint_keys", r#"'["crm","é"]'"#),
    ("payload", "x'31'"),
];

/// Such an event with one column as given, inserted into the view.
async fn insert(fixture: &Fixture, column: &str, value: &str) -> Result<(), String> {
    let id = format!("x'{}'", EventId::new(Timestamp::now()).uuid().simple());
    let mut columns = vec![("id", id.as_str())];
    columns.extend(IN_ORDER);
    // Beside a destination there are no keys.
    columns.retain(|(name, _)| *name != column && !(column == "destination" && *name == "endpoint_keys"));
    columns.push((column, value));
    let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let statement = format!("INSERT INTO ringback_emit ({}) VALUES ({})", names.join(", "), values.join(", "));
    match fixture.execute(statement).await {
        Ok(()) => Ok(()),
        Err(Error::Refused(why)) => Err(why.to_string()),
        Err(other) => panic!("{column} {value}: {other}"),
    }
}

#[tokio::test]
async fn what_is_in_order_is_taken_as_it_is() {
    let fixture = Fixture::new().await;
    let longest = format!("'{}'", "é".repeat(256));
    let name = format!("'{}'", "t".repeat(128));
    let keys = format!("'{}'", serde_json::to_string(&vec!["k"; 1_000]).unwrap());
    let taken = [
        ("key", "NULL"),
        ("key", &longest),
        ("ordering_key", &longest),
        ("idempotency_key", "char(160)"),
        ("type", &name),
        ("tenant", &name),
        ("endpoint_keys", "NULL"),
        ("endpoint_keys", "'[]'"),
        ("endpoint_keys", &keys),
        ("destination", r#"'{"url":"https://example.com/"}'"#),
        ("occurred_at", "-62167219200000000"),
        ("occurred_at", "253402300799999999"),
        ("payload", "x''"),
        ("payload", "zeroblob(1048576)"),
    ];
    for (column, value) in taken {
        insert(&fixture, column, value).await.unwrap_or_else(|why| panic!("{column} {value}: {why}"));
    }
    let page = fixture.store.read_outbox(Floor::default(), 100).await.unwrap();
    assert_eq!(page.events.len(), taken.len());
    assert!(page.events.iter().all(|unrouted| unrouted.event.unreadable.is_none()));
}

#[tokio::test]
async fn what_is_not_is_refused_with_the_name_of_the_column() {
    let fixture = Fixture::new().await;
    let long = |times: usize| format!("'{}'", "k".repeat(times));
    let (name, key, huge) = (long(129), long(257), long(300_000));
    let many = format!("'{}'", serde_json::to_string(&vec!["k"; 1_001]).unwrap());
    let long_entry = format!(r#"'["{}"]'"#, "k".repeat(257));
    let random = format!("x'{}'", "ab".repeat(16));
    for (column, value) in [
        ("id", "NULL"),
        ("id", "x'00'"),
        ("id", "'0190b2a4c0de7000800000000000'"),
        ("id", "x'0190b2a4c0de70008000000000000001'"),
        ("id", &random),
        ("type", "NULL"),
        ("type", "''"),
        ("type", "'call ended'"),
        ("type", "'call' || char(0) || ' ended'"),
        ("type", "CAST(x'61ff' AS TEXT)"),
        ("type", "CAST(x'6180' AS TEXT)"),
        ("type", "x'61'"),
        ("type", &name),
        ("tenant", "NULL"),
        ("tenant", "''"),
        ("tenant", "'acme/eu'"),
        ("tenant", &name),
        ("key", "''"),
        ("key", &key),
        ("key", &huge),
        ("key", "'a' || char(0) || 'b'"),
        ("key", "'a' || char(10)"),
        ("key", "char(127)"),
        ("key", "char(159)"),
        ("key", "x'61'"),
        ("ordering_key", "char(1)"),
        ("idempotency_key", "''"),
        ("occurred_at", "NULL"),
        ("occurred_at", "9223372036854775807"),
        ("occurred_at", "-9223372036854775808"),
        ("occurred_at", "1.5"),
        ("occurred_at", "'yesterday'"),
        ("endpoint_keys", r#"'{"a":1}'"#),
        ("endpoint_keys", "'crm'"),
        ("endpoint_keys", "''"),
        ("endpoint_keys", "'null'"),
        ("endpoint_keys", "x'5b5d'"),
        ("endpoint_keys", "7"),
        ("endpoint_keys", r#"'["crm",1]'"#),
        ("endpoint_keys", r#"'["crm",["a"]]'"#),
        ("endpoint_keys", r#"'["crm",null]'"#),
        ("endpoint_keys", r#"'[""]'"#),
        ("endpoint_keys", r#"'["a\u0000b"]'"#),
        ("endpoint_keys", r#"'["a\nb"]'"#),
        ("endpoint_keys", &long_entry),
        ("endpoint_keys", &many),
        ("endpoint_keys", &huge),
        ("destination", "'[]'"),
        ("destination", "'no JSON'"),
        ("destination", "x'7b7d'"),
        ("destination", &huge),
        ("payload", "NULL"),
        ("payload", "'{}'"),
        ("payload", "1"),
        ("payload", "zeroblob(1048577)"),
    ] {
        let refused = insert(&fixture, column, value).await;
        let shown = &value[..value.len().min(40)];
        let why = refused.expect_err(&format!("{column} {shown}"));
        assert!(why.contains(column), "{column} {shown}: {why}");
    }
    assert!(fixture.store.read_outbox(Floor::default(), 100).await.unwrap().events.is_empty());
}

/// As an older version, which checked less, or a statement on the table itself has left it.
async fn write_past_the_view(fixture: &Fixture, column: &str, value: &str) -> EventId {
    let id = EventId::new(Timestamp::now());
    let hex = id.uuid().simple().to_string();
    let mut columns = vec![("tenant", "'default'"), ("type", "'t'"), ("occurred_at", "0")];
    columns.retain(|(name, _)| *name != column);
    columns.push((column, value));
    let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let event = format!(
        "INSERT INTO ringback_event (id, payload, payload_bytes, {}) VALUES (x'{hex}', x'31', 1, {})",
        names.join(", "),
        values.join(", ")
    );
    fixture.execute(event).await.unwrap();
    let pointer = format!("INSERT INTO ringback_outbox SELECT seq, id FROM ringback_event WHERE id = x'{hex}'");
    fixture.execute(pointer).await.unwrap();
    id
}

#[tokio::test]
async fn what_was_written_past_the_view_is_read_alone_and_told() {
    let fixture = Fixture::new().await;
    let no_text = "CAST(x'61ff' AS TEXT)";
    let large = "CAST(zeroblob(4000000) AS TEXT)";
    let mut bad = Vec::new();
    for column in ["tenant", "type", "key", "ordering_key", "idempotency_key"] {
        for (value, why) in [(no_text, "is no UTF-8 text"), ("''", "must be 1 to"), (large, "must be 1 to")] {
            bad.push((write_past_the_view(&fixture, column, value).await, column, why));
        }
    }
    for (column, value, why) in [
        ("endpoint_keys", r#"CAST(x'5b22ff225d' AS TEXT)"#, "is no UTF-8 text"),
        ("endpoint_keys", r#"'["a",1]'"#, "is no array of strings"),
        ("endpoint_keys", "'a'", "is no array of strings"),
        ("endpoint_keys", large, "4000000 bytes"),
        ("destination", "CAST(x'7b2275726c223a2268747470733a2f2f612e6578616d706c652fff227d' AS TEXT)", "is no UTF-8"),
        ("destination", large, "4000000 bytes"),
    ] {
        bad.push((write_past_the_view(&fixture, column, value).await, column, why));
    }
    // A time out of all years is a time.
    let late = write_past_the_view(&fixture, "occurred_at", "9223372036854775807").await;
    let good = fixture.store.emit(&NewEvent::new("call.ended", "{}")).await.unwrap();

    let page = fixture.store.read_outbox(Floor::default(), 100).await.unwrap();
    assert_eq!(page.events.len(), bad.len() + 2);
    for (id, column, why) in bad {
        let event = &page.events.iter().find(|unrouted| unrouted.event.id == id).unwrap().event;
        let told = event.unreadable.as_deref().unwrap_or_default();
        assert!(told.starts_with(column) && told.contains(why), "{column}: {told:?} for {why}");
        assert!(event.tenant.len() + event.event_type.len() < 1_024, "{column} is held in memory");
    }
    for id in [late, good] {
        let event = &page.events.iter().find(|unrouted| unrouted.event.id == id).unwrap().event;
        assert_eq!(event.unreadable, None, "{id}");
        assert!(!event.occurred_at.to_string().is_empty());
    }
}
