//! Sessions of the dashboard that were ended before their time.

use ringback::{id::SessionId, store::Store, time::Timestamp};

use super::given::DAY;

/// It alone, as often as one likes.
pub async fn a_session_that_was_ended_stays_ended(store: &dyn Store) {
    let now = Timestamp::now();
    let (ended, other) = (SessionId::new(now), SessionId::new(now));
    assert!(!store.is_session_ended(ended).await.unwrap());
    for _ in 0..2 {
        store.end_session(ended, now + DAY).await.unwrap();
        assert!(store.is_session_ended(ended).await.unwrap());
    }
    assert!(!store.is_session_ended(other).await.unwrap());
}

/// Not at once, though: whoever asks may have a clock that is late.
pub async fn a_session_that_is_over_is_forgotten(store: &dyn Store) {
    let now = Timestamp::now();
    let [long_ago, lately, still] = [-2.0, -0.5, 0.5].map(|days| (SessionId::new(now), days));
    for (id, days) in [long_ago, lately, still] {
        let away = DAY.mul_f64(f64::abs(days));
        store.end_session(id, if days < 0.0 { now - away } else { now + away }).await.unwrap();
    }
    let known = async |(id, _)| store.is_session_ended(id).await.unwrap();
    assert_eq!((known(long_ago).await, known(lately).await, known(still).await), (false, true, true));
}
