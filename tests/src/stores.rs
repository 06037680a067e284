//! Which database a promise is tried on: each on both.

/// A kind of database that Ringback runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A file of its own.
    Sqlite,
    /// The server that `RINGBACK_TEST_POSTGRES_URL` names.
    Postgres,
}

/// Makes one test per store out of an async function: `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($store:ident: $kind:ty) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn promise($store: $kind) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                promise($crate::stores::Store::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                promise($crate::stores::Store::Postgres).await;
            }
        }
    )+};
}
