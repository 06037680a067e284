//! The example does what it says: it checks it itself, and ends.

#[expect(dead_code, reason = "the example makes its store itself")]
mod fresh;
#[path = "../examples/postgres_platform.rs"]
#[expect(dead_code, reason = "an example's own `main` is not called here")]
mod postgres_platform;

#[tokio::test]
async fn a_platform_on_postgres() {
    postgres_platform::run(&fresh::url()).await.expect("it ends well");
}
