//! What has arrived, compared with what was accepted.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use ringback_tests::{
    api::{Api, count, id_of},
    receiver::Arrived,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    row::Expected,
    stream::{Emitted, Fate},
};

/// Most duplicates whose attempts are looked up.
const LOOKED_UP_MAX: usize = 60;

/// Most of one kind of thing that a failed row shows.
const SHOWN_MAX: usize = 5;

/// Most lines of the log that a failed row shows.
const LINES_MAX: usize = 30;

/// What came of a row.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Events that somebody was told are accepted.
    pub(crate) accepted: usize,
    /// Events that have arrived.
    pub(crate) received: usize,
    /// Numbers of events that were accepted and never arrived.
    pub(crate) lost: Vec<usize>,
    /// What arrived though it cannot have been accepted, or under another id.
    pub(crate) unexpected: Vec<String>,
    /// Events of which nobody was told whether they are accepted, by the reason, and how many of those have arrived.
    pub(crate) unanswered: BTreeMap<String, usize>,
    pub(crate) unanswered_received: usize,
    /// Ids that have arrived more than once, and how often.
    pub(crate) repeated: BTreeMap<String, usize>,
    /// What the engine's own log of attempts says about those, and how often it says so.
    pub(crate) causes: BTreeMap<String, usize>,
    /// See [`Expected::latest`].
    pub(crate) latest: Duration,
    /// As [`Expected::meanwhile`].
    pub(crate) meanwhile: Option<Duration>,
    /// The ledger, once nothing is pending.
    pub(crate) ledger: Value,
    /// If the row knows them, the only ids that may have come twice.
    pub(crate) may_repeat: Option<HashSet<String>>,
    /// What all nodes have printed.
    pub(crate) log: String,
    /// What the row has seen besides.
    pub(crate) seen: Vec<String>,
}

/// First arrival of an event, under which id, and how often it came.
struct Came {
    id: String,
    at: Instant,
    times: usize,
}

impl Outcome {
    /// Compares what was emitted with what healthy and hanging receivers have seen.
    pub(crate) fn compare(
        emitted: &[Emitted],
        healthy: &[Arrived],
        hanging: &[Arrived],
        began: Instant,
        ended: Instant,
    ) -> Self {
        let mut outcome = Self::default();
        let mut came: HashMap<usize, Came> = HashMap::new();
        for request in healthy.iter().chain(hanging) {
            let Some(number) = std::str::from_utf8(&request.body).ok().and_then(|number| number.parse().ok()) else {
                outcome.unexpected.push(format!("a body that nobody emitted: {:?}", request.body));
                continue;
            };
            let first =
                came.entry(number).or_insert_with(|| Came { id: request.id().to_owned(), at: request.at, times: 0 });
            first.times += 1;
            if first.id != request.id() {
                outcome.unexpected.push(format!("event {number} came as {} and as {}", first.id, request.id()));
            }
        }
        let is_timed: HashSet<_> = healthy.iter().map(|request| request.id()).collect();
        outcome.received = came.len();
        for Came { id, times, .. } in came.values().filter(|came| came.times > 1) {
            outcome.repeated.insert(id.clone(), *times);
        }
        let mut is_known = HashSet::new();
        for Emitted { number, fate } in emitted {
            if !is_known.insert(*number) {
                continue; // It was asked for twice, under one key.
            }
            match (fate, came.get(number)) {
                (Fate::Accepted { .. }, None) => outcome.lost.push(*number),
                (Fate::Accepted { id, at }, Some(came)) => {
                    if came.id != *id {
                        outcome.unexpected.push(format!("event {number} was accepted as {id} and came as {}", came.id));
                    }
                    if is_timed.contains(&*came.id) {
                        outcome.time(*at, came.at, began, ended);
                    }
                }
                (Fate::Refused, Some(_)) => outcome.unexpected.push(format!("event {number} was refused and came")),
                (Fate::Unanswered(_), Some(_)) => outcome.unanswered_received += 1,
                (Fate::Refused | Fate::Unanswered(_), None) => {}
            }
            outcome.accepted += usize::from(matches!(fate, Fate::Accepted { .. }));
            if let Fate::Unanswered(why) = fate {
                *outcome.unanswered.entry(why.clone()).or_default() += 1;
            }
        }
        let unknown = came.keys().filter(|number| !is_known.contains(number));
        outcome.unexpected.extend(unknown.map(|number| format!("event {number} came and was never emitted")));
        outcome
    }

    fn time(&mut self, accepted: Instant, came: Instant, began: Instant, ended: Instant) {
        if came > ended {
            self.latest = self.latest.max(came.saturating_duration_since(accepted.max(ended)));
        }
        if (began..ended).contains(&accepted) {
            let took = came.saturating_duration_since(accepted);
            self.meanwhile = Some(self.meanwhile.unwrap_or_default().max(took));
        }
    }

    /// Asks the engine's own log of attempts why events came more than once.
    pub(crate) async fn name_causes(&mut self, api: &Api) {
        for (event, times) in self.repeated.clone().into_iter().take(LOOKED_UP_MAX) {
            let answer = api.get(&format!("/v1/deliveries?event_id={event}")).await.expect(200);
            let Some(delivery) = answer["items"].get(0).map(id_of) else {
                *self.causes.entry("the database knows no such event".to_owned()).or_default() += 1;
                continue;
            };
            let delivery = api.get(&format!("/v1/deliveries/{delivery}")).await.expect(200);
            let attempts = delivery["attempts"].as_array().map(Vec::as_slice).unwrap_or_default();
            let not_recorded = times.saturating_sub(attempts.len());
            if not_recorded > 0 {
                *self.causes.entry("answered and not recorded".to_owned()).or_default() += not_recorded;
            }
            for attempt in attempts.iter().filter(|attempt| attempt["outcome"] != "delivered") {
                let outcome = attempt["outcome"].as_str().unwrap_or_default();
                let error = attempt["error"].as_str().map(|error| format!(" ({error})")).unwrap_or_default();
                *self.causes.entry(format!("{outcome}{error}")).or_default() += 1;
            }
        }
    }

    /// Requests that came too often.
    pub(crate) fn duplicates(&self) -> usize {
        self.repeated.values().map(|times| times - 1).sum()
    }

    /// Whether the ledger knows exactly what has arrived, and all of it as delivered.
    pub(crate) fn ledger_is_true(&self) -> bool {
        let received = i64::try_from(self.received).unwrap_or(i64::MAX);
        let [events, deliveries] = ["events", "deliveries"].map(|group| &self.ledger[group]);
        count(&events["routed"]) == received && count(&deliveries["delivered"]) == received
    }

    /// Where it is not what is expected.
    pub(crate) fn broken(&self, expected: &Expected) -> Vec<String> {
        let mut broken = Vec::new();
        if !self.lost.is_empty() {
            broken.push(format!("{} of {} are lost: {:?}", self.lost.len(), self.accepted, self.lost));
        }
        if !self.unexpected.is_empty() {
            let some = &self.unexpected[..self.unexpected.len().min(SHOWN_MAX)];
            broken.push(format!("{} unexpected: {}", self.unexpected.len(), some.join("; ")));
        }
        if self.duplicates() > expected.duplicates.most {
            let (most, because) = (expected.duplicates.most, expected.duplicates.because);
            broken.push(format!("{} duplicates; {because} explains {most}: {:?}", self.duplicates(), self.causes));
        }
        if let Some(may_repeat) = &self.may_repeat {
            let without_cause: Vec<_> = self.repeated.keys().filter(|id| !may_repeat.contains(*id)).collect();
            if !without_cause.is_empty() {
                broken.push(format!("came again though their delivery was recorded: {without_cause:?}"));
            }
        }
        if self.latest > expected.latest.most {
            let (most, because) = (expected.latest.most, expected.latest.because);
            broken.push(format!("the latest came {:?} after the fault; {because} explains {most:?}", self.latest));
        }
        if let (Some(most), Some(meanwhile)) = (expected.meanwhile, self.meanwhile)
            && meanwhile > most
        {
            broken.push(format!("while the fault lasted, an event took {meanwhile:?}, and {most:?} are allowed"));
        }
        let unanswered = self.unanswered.values().sum::<usize>();
        if expected.unanswered.is_some_and(|most| unanswered > most) {
            broken.push(format!("{unanswered} were not answered: {:?}", self.unanswered));
        }
        if !expected.is_forgetful && !self.ledger_is_true() {
            broken.push(format!("{} have arrived, and the ledger says {}", self.received, self.ledger));
        }
        broken
    }

    /// What the nodes complained about, for somebody who looks for the reason.
    pub(crate) fn complaints(self) -> String {
        let lines: Vec<_> = self.log.lines().filter(|line| is_complaint(line)).collect();
        let last = &lines[lines.len().saturating_sub(LINES_MAX)..];
        format!("the nodes' last {} of {} complaints:\n{}", last.len(), lines.len(), last.join("\n"))
    }

    /// The most severe and then most frequent complaint of the nodes: the first of those that differ in figures alone.
    pub(crate) fn telling(&self) -> Option<String> {
        let mut said: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for line in self.log.lines().filter(|line| is_complaint(line)) {
            // After the time.
            let words = || line.split_whitespace().skip(1).filter(|word| !word.starts_with("request{"));
            let kind = words().filter(|word| !word.contains(|letter: char| letter.is_ascii_digit()));
            let first = || (0, words().collect::<Vec<_>>().join(" "));
            said.entry(kind.collect::<Vec<_>>().join(" ")).or_insert_with(first).0 += 1;
        }
        let (times, line) = said.into_values().max_by_key(|(times, line)| (line.starts_with("ERROR"), *times))?;
        Some(format!("{times} × {line}"))
    }
}

fn is_complaint(line: &str) -> bool {
    matches!(line.split_whitespace().nth(1), Some("WARN" | "ERROR"))
}
