//! One attempt of one delivery: authorise, sign, send, judge, report to the recorder. The heart of the engine, as a column of verbs.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt as _;

use super::{
    Delivering,
    authorize::authorize,
    expire,
    judge::{self, Next},
    lanes::{Courier, Ended, Symptom, tries},
    record::Report,
    sign::{self, Message, OwnNames, Signed},
    step::Step,
    verification,
};
use crate::{
    attempt::{Attempt, Conclusion, Detail, ErrorClass, Outcome, Phase},
    chance::chance,
    compute::{compute, is_small},
    delivery::{DeadReason, Due},
    endpoint::{KeptDestination, Method, Statuses, Target},
    id::{EndpointId, EventId},
    store::{LoadedEvent, Recorded, Settlement},
    time::Timestamp,
};

/// How long a lane pauses after a 410 until its endpoint is disabled. If that fails, a request is sent at this interval.
const GONE_PAUSE: Duration = Duration::from_secs(5);

/// An expunge must reach every request that begins later than this. A request that waited longer to be authorised looks for
/// its event once more; one look costs a read, so others do not.
const LONG_WAIT: Duration = Duration::from_millis(500);

/// How long an inline delivery waits while the endpoint that it inherits from cannot be read.
const UNREADABLE_PAUSE: Duration = Duration::from_secs(15);

/// Tries a delivery that was picked. A panic in here counts as a failed attempt of this delivery alone.
pub(super) async fn deliver(delivering: Arc<Delivering>, due: Due, event: Arc<LoadedEvent>, courier: Arc<Courier>) {
    // Since the pick the whole process may have stood still for so long that another node has taken the shard.
    if !delivering.lease.runs() {
        give_back(&delivering, &due);
        return;
    }
    // Counts the request as open until its outcome is with the recorder.
    let _open = delivering.engine.metrics().open_request();
    let begun = Instant::now();
    let at = Timestamp::now();
    let attempt = AssertUnwindSafe(attempt(&delivering, &due, &event, &courier)).catch_unwind().await;
    let Some(mut tried) = attempt.unwrap_or_else(|_| Some(panicked(&due))) else {
        give_back(&delivering, &due);
        return;
    };
    let (took, symptom) = (begun.elapsed(), tried.symptom_at(&courier, &due));
    let (step, target) = (tried.step.take(), tried.target.clone());
    // Making the report may panic, too; without a report the delivery would count as open for ever.
    let reported = catch_unwind(AssertUnwindSafe(|| report(&due, &courier, tried, at)));
    let (recorded, gone, asked) = reported.unwrap_or_else(|_| report(&due, &courier, panicked(&due), at));
    if let (Some(spans), Some(step)) = (&delivering.engine.settings().spans, step) {
        step.tell(&**spans, &event.event, &recorded, target.as_deref());
    }
    let (tenant, deliver_after) = (event.event.tenant.as_str().into(), event.event.schedule.deliver_after);
    let is_verified = verification::is_one(&due, &event) && recorded.settlement == Settlement::Delivered;
    let verified = due.endpoint.filter(|_| is_verified).zip(target.map(|target| target.url.url.to_string()));
    let report = Report { recorded, due, tenant, deliver_after, gone, verified };
    let now = Instant::now();
    let ended =
        Ended { took, symptom, asked: asked.map(|wait| now + wait), pause: report.gone.map(|_| now + GONE_PAUSE) };
    let mut lanes = delivering.lanes.lock();
    lanes.ended(&report.due, &courier, ended, now);
    let holds_changed = lanes.has_changed_holds();
    drop(lanes);
    if holds_changed {
        delivering.holds_changed.notify_one();
    }
    delivering.ready.notify_one();
    delivering.recorder.report(report, &delivering.progress);
}

/// Nothing was tried: the delivery is read again, by whoever may send it then.
fn give_back(delivering: &Delivering, due: &Due) {
    delivering.lanes.lock().returned(due);
    delivering.ready.notify_one();
}

/// The failed attempt that a panic of Ringback counts as.
fn panicked(due: &Due) -> Tried {
    tracing::error!(delivery = %due.id, "an attempt panicked; it counts as failed");
    Tried::unsent(Outcome::refused(ErrorClass::Panic, Phase::Policy))
}

/// The result of [`attempt`].
struct Tried {
    outcome: Result<Outcome, Untried>,
    target: Option<Arc<Target>>,
    signed: Option<Signed>,
    /// Its place in the event's trace, if anybody is told.
    step: Option<Step>,
}

/// Why nothing was tried.
enum Untried {
    /// The destination or the payload cannot be used; why, for operators.
    Unroutable(String),
    /// The endpoint that the inline destination inherits from cannot be read now.
    Waits,
    /// Its event expired before the first attempt.
    Over,
}

impl Tried {
    const fn unsent(outcome: Outcome) -> Self {
        Self { outcome: Ok(outcome), target: None, signed: None, step: None }
    }

    const fn unroutable(why: String) -> Self {
        Self { outcome: Err(Untried::Unroutable(why)), target: None, signed: None, step: None }
    }

    /// What the outcome says about the receiver. Silence at the first of two URLs does not keep deliveries from their way to
    /// the other.
    fn symptom_at(&self, courier: &Courier, due: &Due) -> Symptom {
        let symptom = self.outcome.as_ref().map_or(Symptom::Unknown, judge::symptom);
        let goes_on = courier.fallback.is_some() && courier.fallback_of(due).is_none();
        if goes_on && symptom == Symptom::Failing { Symptom::Unknown } else { symptom }
    }
}

/// One request from its target to its outcome. `None` if it may not be sent any more when it is authorised.
async fn attempt(
    delivering: &Arc<Delivering>,
    due: &Due,
    event: &Arc<LoadedEvent>,
    courier: &Arc<Courier>,
) -> Option<Tried> {
    if due.attempts == 0 && !due.marks.replay && event.event.schedule.is_over(delivering.database_now()) {
        return Some(Tried { outcome: Err(Untried::Over), target: None, signed: None, step: None });
    }
    let target = match target(delivering, due, event, courier) {
        Ok(Some(target)) => target,
        Ok(None) => return Some(Tried::unsent(Outcome::refused(ErrorClass::BlockedDestination, Phase::Policy))),
        Err(untried) => return Some(Tried { outcome: Err(untried), target: None, signed: None, step: None }),
    };
    let is_traced = target.trace || delivering.engine.settings().spans.is_some();
    let step = is_traced.then(|| Step::of(&event.event));
    let (begun, whole) = (Instant::now(), target.timeout);
    let (mut refused, mut left) = (None, whole);
    loop {
        let authorized =
            match authorize(delivering, due, &event.event.tenant, courier, &target, refused.as_ref(), left).await {
                Ok(authorized) => authorized,
                Err(outcome) => {
                    let outcome = Outcome { duration: begun.elapsed(), ..outcome };
                    return Some(Tried { outcome: Ok(outcome), target: Some(target), signed: None, step });
                }
            };
        let waited = authorized.took;
        if !waited.is_zero() && !may_still_go(delivering, due, courier, waited).await {
            return None;
        }
        let told = step.clone().filter(|_| target.trace);
        let signed = match sign(delivering, due, event, &target, (authorized.headers, told)).await {
            Ok(signed) => signed,
            Err(why) => return Some(Tried::unroutable(why)),
        };
        // Without a wait, the attempt begins with its request.
        let spent = if waited.is_zero() && refused.is_none() { Duration::ZERO } else { begun.elapsed() };
        left = whole.saturating_sub(spent);
        let outcome = delivering.outside.carrier.carry(&courier.connections, &signed, left).await;
        let outcome = verification::judged(outcome.under(&target.success).after(spent), due, event);
        left = whole.saturating_sub(begun.elapsed());
        // Once: a receiver that refuses the new token, too, will refuse the next.
        if refused.is_none() && !left.is_zero() && wants_another(&outcome) {
            refused = authorized.token;
            if refused.is_some() {
                continue;
            }
        }
        return Some(Tried { outcome: Ok(outcome), target: Some(target), signed: Some(signed), step });
    }
}

/// Whether the receiver does not take the token: it may have been revoked, or its server's clock goes wrong.
fn wants_another(outcome: &Outcome) -> bool {
    !outcome.is_delivered() && outcome.response.as_ref().is_some_and(|response| response.status == 401)
}

/// Whether a request that has waited so long to be authorised may still begin: meanwhile the lease may have ended, the
/// endpoint may have been paused or changed, and the event may have been expunged. A test is sent to paused endpoints, too.
async fn may_still_go(delivering: &Delivering, due: &Due, courier: &Arc<Courier>, waited: Duration) -> bool {
    let is_there = waited < LONG_WAIT || is_there(delivering, due.id.event()).await;
    is_there && delivering.lease.runs() && (due.marks.test || delivering.lanes.lock().is_as_picked(due, courier))
}

/// Whether the event still has its payload. If the database does not say so, it is not sent now.
async fn is_there(delivering: &Delivering, event: EventId) -> bool {
    let loaded = delivering.engine.store().load_events(&[event]).await;
    loaded.is_ok_and(|events| events.iter().any(|loaded| loaded.payload.is_some()))
}

/// The request, signed now, with the headers that authorise it, and those that put it into a trace. A large payload is signed apart from the threads that
/// requests run on.
async fn sign(
    delivering: &Delivering,
    due: &Due,
    event: &Arc<LoadedEvent>,
    target: &Arc<Target>,
    (authorized, step): (BTreeMap<String, String>, Option<Step>),
) -> Result<Signed, String> {
    let bytes = event.payload.as_ref().map_or(0, Bytes::len);
    let (attempt, marks) = (due.attempts + 1, due.marks);
    let signed = move |event: &LoadedEvent, target: &Target, own: &OwnNames| {
        let Some(body) = &event.payload else { return Err("the payload is gone".to_owned()) };
        let message = Message { event: &event.event, body, attempt, marks, now: Timestamp::now() };
        let signed = sign::compose(target, &message, own).and_then(|signed| signed.with(authorized));
        let signed = match &step {
            Some(step) => signed.and_then(|signed| signed.in_trace(step)),
            None => signed,
        };
        signed.map_err(|unsignable| unsignable.to_string())
    };
    let effort = sign::effort(target, bytes);
    if is_small(effort) {
        return signed(event, target, &delivering.own_names);
    }
    let (event, target, own) = (Arc::clone(event), Arc::clone(target), Arc::clone(&delivering.own_names));
    compute(effort, move || signed(&event, &target, &own)).await
}

/// Where the request goes: to the lane's endpoint, at its other URL if the first budget is spent, or the event's own destination. `Ok(None)` if the endpoint's URL may not
/// be dialled any more; `Err` if the inline destination cannot be used.
fn target(
    delivering: &Delivering,
    due: &Due,
    event: &LoadedEvent,
    courier: &Courier,
) -> Result<Option<Arc<Target>>, Untried> {
    if courier.endpoint.is_some() {
        let fallback = courier.fallback_of(due).map(|fallback| &fallback.target);
        return Ok(fallback.unwrap_or(&courier.target).clone());
    }
    let event = &event.event;
    let unroutable = |why: String| Untried::Unroutable(why);
    let destination =
        event.destination.as_deref().ok_or_else(|| unroutable("the event has no destination".to_owned()))?;
    let kept: KeptDestination = serde_json::from_str(destination).map_err(|error| unroutable(error.to_string()))?;
    let directory = delivering.engine.directories().newest();
    let inherit = kept.endpoint_key.as_deref().and_then(|key| directory.by_key(&event.tenant, key));
    if inherit.is_some_and(|endpoint| endpoint.unreadable.is_some()) {
        return Err(Untried::Waits);
    }
    let settings = delivering.engine.settings();
    let target = kept.usable(event.id, &settings.keys, inherit.map(AsRef::as_ref), &settings.egress);
    let target = target.map_err(unroutable)?;
    Ok(Some(Arc::new(target)))
}

/// What to record, the endpoint and version that answered 410, and how long the receiver wants its lane held.
fn report(
    due: &Due,
    courier: &Courier,
    tried: Tried,
    at: Timestamp,
) -> (Recorded, Option<(EndpointId, i64)>, Option<Duration>) {
    let outcome = match tried.outcome {
        Ok(outcome) => outcome,
        Err(Untried::Unroutable(why)) => return (unroutable(due, courier, why), None, None),
        Err(Untried::Waits) => return (waits(due), None, None),
        Err(Untried::Over) => return (expire::expired(due, courier.blocks_when_dead), None, None),
    };
    let retry = tried.target.as_ref().map_or(&courier.retry, |target| &target.retry);
    // A test is sent to disabled endpoints, too: if a 410 kept it pending, it would be sent again and again.
    let ends_when_gone = courier.endpoint.is_none() || due.marks.test;
    let none = Statuses::none();
    let permanent = tried.target.as_ref().map_or(&none, |target| &target.permanent);
    let (fallback, has_fallback) = (courier.fallback_of(due), courier.fallback.is_some());
    let policy = judge::Policy { retry, permanent, inline: ends_when_gone, has_fallback };
    let judgement = judge::judge(&outcome, tries(due), policy, chance(), Timestamp::now());
    let settlement = match judgement.next {
        Next::Delivered => Settlement::Delivered,
        Next::Retry { after } => Settlement::Retry { after },
        Next::Gone => Settlement::Keep,
        Next::Dead(reason) => Settlement::Dead { reason, detail: None, blocks: courier.blocks_when_dead },
    };
    let is_gone = matches!(judgement.next, Next::Gone | Next::Dead(DeadReason::Gone));
    let gone = courier.endpoint.filter(|_| is_gone).map(|endpoint| (endpoint, courier.version));
    let recorded = Recorded {
        id: due.id,
        lane: due.lane,
        fence: due.attempts,
        settlement,
        attempt: Some(write_up(
            due.attempts + 1,
            at,
            outcome,
            tried.signed,
            fallback.map_or(&courier.url, |fallback| &fallback.url),
        )),
    };
    (recorded, gone, judgement.hold)
}

fn waits(due: &Due) -> Recorded {
    let settlement = Settlement::Retry { after: UNREADABLE_PAUSE };
    Recorded { id: due.id, lane: due.lane, fence: due.attempts, settlement, attempt: None }
}

fn unroutable(due: &Due, courier: &Courier, why: String) -> Recorded {
    Recorded {
        id: due.id,
        lane: due.lane,
        fence: due.attempts,
        settlement: Settlement::Dead {
            reason: DeadReason::Unroutable,
            detail: Some(why),
            blocks: courier.blocks_when_dead,
        },
        attempt: None,
    }
}

fn write_up(number: i32, at: Timestamp, outcome: Outcome, signed: Option<Signed>, unsent_to: &str) -> Attempt {
    let conclusion = if outcome.is_delivered() { Conclusion::Delivered } else { Conclusion::Failed };
    let status = outcome.response.as_ref().map(|response| response.status);
    let response = outcome.response.unwrap_or_default();
    let shown = signed.iter().flat_map(Signed::shown);
    let answered = response.headers.iter().map(|(name, value)| (&**name, &**value));
    let detail = Detail {
        timings: outcome.timings,
        remote_addr: outcome.remote_addr,
        url: signed.as_ref().map_or(unsent_to, |signed| signed.url.as_str()).into(),
        request_headers: shown.map(|(name, value)| (name.into(), value.into())).collect(),
        response_headers: answered.map(|(name, value)| (name.into(), value.into())).collect(),
        truncated: response.truncated,
        method: signed.as_ref().map_or_else(Method::default, |signed| signed.method),
    };
    let detail = detail.to_bytes();
    Attempt {
        number,
        at,
        conclusion,
        status,
        error: outcome.failure.map(|failure| failure.error),
        phase: outcome.failure.and_then(|failure| failure.phase),
        ambiguous: outcome.failure.is_some_and(|failure| failure.ambiguous),
        duration: outcome.duration,
        detail,
        response_body: response.body,
    }
}
