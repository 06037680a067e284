//! The examples do what they say: they check it themselves, and end.

#[path = "../examples/custom_resolver.rs"]
#[expect(dead_code, reason = "an example's own `main` is not called here")]
mod custom_resolver;
#[path = "../examples/sqlite_platform.rs"]
#[expect(dead_code, reason = "an example's own `main` is not called here")]
mod sqlite_platform;

#[tokio::test]
async fn a_platform_on_sqlite() {
    sqlite_platform::run().await.expect("it ends well");
}

#[tokio::test]
async fn a_resolver_of_the_hosts_own() {
    custom_resolver::run().await.expect("it ends well");
}
