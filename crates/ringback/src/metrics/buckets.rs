//! The buckets of histograms, in seconds. Each bucket is a series of its own for each label, so there are few, close where
//! it matters whether something is slow, and wide where it only matters how far it has come.

use prometheus_client::metrics::histogram::Histogram;

/// Of one request to a receiver. Good receivers answer within tens of milliseconds; from 1 s on the steps are those of
/// time-outs that people set, up to 60 s, the longest there is.
pub(super) fn attempt() -> Histogram {
    Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0])
}

/// From an event's acceptance to the first request of a delivery. An engine that is well takes milliseconds; one that is
/// behind, or whose lane was held, takes up to the three days after which a held delivery expires.
pub(super) fn first_attempt() -> Histogram {
    Histogram::new([0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0, 600.0, 3_600.0, 86_400.0])
}

/// From an event's acceptance to the receiver's answer of success: a first attempt at once, or retries over hours.
pub(super) fn delivery() -> Histogram {
    Histogram::new([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1_800.0, 10_800.0, 86_400.0])
}

/// Of one call of the store. Most take a few milliseconds; the deadlines are 12 s and more.
pub(super) fn store() -> Histogram {
    Histogram::new([0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0])
}
