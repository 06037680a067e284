//! One result.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{
    bench::{Bare, Bench, Scale},
    database::Store,
    measure::used::Used,
};

/// A result beside the ceiling of the same minute.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    pub(crate) scenario: &'static str,
    pub(crate) store: Option<Store>,
    /// What was done, its size included.
    pub(crate) what: String,
    /// Full size, or by how much it was scaled down.
    pub(crate) scale: Option<String>,
    pub(crate) bare_per_second: Option<f64>,
    pub(crate) bare_sender_us: Option<f64>,
    pub(crate) result: String,
    /// Deliveries, or whatever the scenario counts, a second.
    pub(crate) per_second: Option<f64>,
    pub(crate) of_bare: Option<f64>,
    pub(crate) engine_us: Option<f64>,
    pub(crate) postgres_us: Option<f64>,
    /// Without full-page images.
    pub(crate) wal_bytes: Option<f64>,
    pub(crate) wal_image_bytes: Option<f64>,
    pub(crate) commits_per_1000: Option<f64>,
    pub(crate) peak_mb: Option<f64>,
    pub(crate) target: Option<String>,
    /// `None` if there is no target, or if this run claims none.
    pub(crate) met: Option<bool>,
    /// Everything else that was measured.
    pub(crate) more: BTreeMap<&'static str, Value>,
}

impl Row {
    /// A row that says what was done.
    pub(crate) fn new(scenario: &'static str, store: Option<Store>, what: impl Into<String>) -> Self {
        Self {
            scenario,
            store,
            what: what.into(),
            scale: None,
            bare_per_second: None,
            bare_sender_us: None,
            result: String::new(),
            per_second: None,
            of_bare: None,
            engine_us: None,
            postgres_us: None,
            wal_bytes: None,
            wal_image_bytes: None,
            commits_per_1000: None,
            peak_mb: None,
            target: None,
            met: None,
            more: BTreeMap::new(),
        }
    }

    /// The ceiling beside it.
    pub(crate) fn beside(mut self, bare: Bare) -> Self {
        self.bare_per_second = Some(bare.rate);
        self.bare_sender_us = Some(bare.sender_us);
        self.of_bare = self.per_second.map(|rate| rate / bare.rate);
        self
    }

    /// The result is a rate.
    pub(crate) fn rate(mut self, per_second: f64) -> Self {
        self.per_second = Some(per_second);
        self.result = format!("{}/s", grouped(per_second));
        self.of_bare = self.bare_per_second.map(|bare| per_second / bare);
        self
    }

    /// The result is something else.
    pub(crate) fn result(mut self, text: impl Into<String>) -> Self {
        self.result = text.into();
        self
    }

    /// What was used for so many deliveries.
    pub(crate) fn used(mut self, used: &Used, deliveries: u64) -> Self {
        let each = deliveries.max(1) as f64;
        self.engine_us = Some(used.engine.as_secs_f64() * 1e6 / each);
        self.postgres_us = used.postgres.map(|cpu| cpu.as_secs_f64() * 1e6 / each);
        self.wal_bytes = used.written.map(|written| written.bytes / each);
        self.wal_image_bytes = used.written.map(|written| written.images / each);
        self.commits_per_1000 = used.written.map(|written| written.commits / each * 1_000.0);
        self.peak_mb = Some(used.peak as f64 / 1e6);
        self
    }

    /// CPU of engine and PostgreSQL for a delivery, as a multiple of the bare sender's for a request.
    pub(crate) fn times_bare_cpu(&self) -> Option<f64> {
        Some((self.engine_us? + self.postgres_us.unwrap_or(0.0)) / self.bare_sender_us?)
    }

    /// What else is worth knowing.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.insert(name, value.into());
        self
    }

    /// A number of what else was measured.
    pub(crate) fn measured(&self, name: &str) -> Option<f64> {
        self.more.get(name)?.as_f64()
    }

    /// What it should come to, and whether it does; a run that is scaled down does not claim that.
    pub(crate) fn target(mut self, bench: &Bench, text: impl Into<String>, met: bool) -> Self {
        self.target = Some(text.into());
        self.met = (bench.scale == Scale::Full && bench.count.is_none()).then_some(met);
        self
    }

    /// That this is `done` of what the full scenario does.
    pub(crate) fn scaled(mut self, done: u64, full: u64) -> Self {
        self.scale = (done != full).then(|| format!("{} of {}", grouped(done as f64), grouped(full as f64)));
        self
    }
}

/// A whole number with its thousands apart.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if number <= -0.5 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(
            [0.0, 999.0, 1_000.0, 1_234_567.4, -1_000.0].map(grouped),
            ["0", "999", "1,000", "1,234,567", "-1,000"]
        );
    }
}
