//! What the machine does without a database: the mark beside which every result stands.

use serde_json::json;

use crate::{
    bench::{Bare, Bench, CONNECTIONS},
    failure::Result,
    measure::cpu,
    process::{producer::Producer, receiver::Receiver},
    report::Row,
    sizes::USUAL,
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>> {
    let (mut receiver, mut producer) = (Receiver::start().await?, Producer::start()?);
    let before = cpu::of_process(receiver.pid())?;
    let done = bench.bare_of(&mut receiver, &mut producer, bench.seconds(10.0, 2.0), USUAL).await?;
    let receiver_us = (cpu::of_process(receiver.pid())? - before).as_secs_f64() * 1e6 / done.accepted.max(1) as f64;
    let bare = Bare::of(&done);
    let row = Row::new("ceiling", None, format!("2 KB signed and posted over {CONNECTIONS} connections, no database"))
        .rate(done.rate())
        .beside(bare)
        .with("sender_us", bare.sender_us)
        .with("receiver_us", receiver_us)
        .with("latency", json!(done.latency))
        .with("failed", done.failed);
    Ok(vec![row])
}
