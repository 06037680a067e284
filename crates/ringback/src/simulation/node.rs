//! A simulated node: an engine on a runtime of its own, whose time passes only as far as the world lets it.

use std::{cell::Cell, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::{
    runtime::Runtime,
    time::{Instant, advance, sleep_until},
};

use super::{
    IS_DEFECTIVE, STEP,
    database::BEGINNING,
    line::Line,
    receivers::{Together, Way},
    world::World,
};
use crate::{
    deliver::outside::{Carrier, Outside},
    engine::Engine,
    event::NewEvent,
    run::Sending,
    seal::MasterKeys,
    settings::Settings,
    time::Timestamp,
};

thread_local! {
    /// The wall clock of the node that runs: what it showed, and when.
    static WALL: Cell<Option<(Timestamp, Instant)>> = const { Cell::new(None) };
}

/// What the clock on the wall shows to the node that runs.
pub(crate) fn wall_clock() -> Option<Timestamp> {
    WALL.get().map(|(shown, at)| shown + at.elapsed())
}

/// Longer than any endpoint is paused, and shorter than what is owed to the slowest receiver waits.
const EXPIRES_AFTER: Duration = Duration::from_secs(100);

/// How long a node may let requests end when it is told to stop.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// One node.
pub(super) struct Node {
    number: usize,
    world: Arc<Mutex<World>>,
    runtime: Runtime,
    /// The runtime's moment at which the world's time began.
    base: Instant,
    /// By how many microseconds its wall clock is ahead.
    pub(super) ahead: i64,
    /// It stands still until then.
    pub(super) frozen_until: Duration,
    /// It has a defect until then, so that it panics here and there.
    pub(super) defective_until: Duration,
    running: Arc<Mutex<Option<(Engine, Sending)>>>,
    engine: Arc<Mutex<Option<Engine>>>,
    is_stopping: bool,
    has_stopped: Arc<Mutex<bool>>,
}

impl Node {
    /// A process that has just been started.
    pub(super) fn start(number: usize, world: &Arc<Mutex<World>>) -> Self {
        // One task at a time, so that a node can stand still between any two of them.
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).event_interval(1).build();
        let runtime = runtime.expect("a runtime");
        let base = runtime.block_on(async { Instant::now() }) - world.lock().now();
        let node = Self {
            number,
            world: Arc::clone(world),
            runtime,
            base,
            ahead: 0,
            frozen_until: Duration::ZERO,
            defective_until: Duration::ZERO,
            running: Arc::default(),
            engine: Arc::default(),
            is_stopping: false,
            has_stopped: Arc::default(),
        };
        node.open();
        node
    }

    fn open(&self) {
        let (number, base, world) = (self.number, self.base, Arc::clone(&self.world));
        let (running, opened) = (Arc::clone(&self.running), Arc::clone(&self.engine));
        self.runtime.spawn(async move {
            loop {
                let keys = MasterKeys::parse(&"5".repeat(64), &[]).expect("a key");
                let mut settings = Settings::new(keys);
                settings.retention.expires_after = EXPIRES_AFTER;
                let store = Arc::new(Line::of(number, &world));
                if let Ok(engine) = Engine::open(store, settings).await {
                    let way = Way { world: Arc::clone(&world), node: number, base };
                    let outside = Outside { carrier: Carrier::Simulated(Box::new(way)), apart: Box::new(Together) };
                    let sending = engine.start_in(outside).await.expect("nothing to be set up");
                    *opened.lock() = Some(engine.clone());
                    *running.lock() = Some((engine, sending));
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }

    /// Lives until the world's `now`, unless it stands still.
    pub(super) fn live_until(&mut self, now: Duration) {
        if now < self.frozen_until {
            return;
        }
        let base = self.base;
        self.run(async {
            let behind = now.saturating_sub(Instant::now() - base);
            // Whoever stood still wakes up to find that time has passed.
            if behind > STEP * 2 {
                advance(behind - STEP).await;
            }
            sleep_until(base + now).await;
        });
    }

    /// Lives through a step of time, until something has been picked and is not being sent yet, or so many of its tasks have
    /// had a turn; whether something was picked.
    pub(super) fn live_until_picked(&mut self, turns: u32) -> bool {
        let engine = self.engine.lock().clone();
        let was_picked = Cell::new(false);
        self.run(async {
            advance(STEP).await;
            for _ in 0..turns {
                tokio::task::yield_now().await;
                if engine.as_ref().is_some_and(|engine| engine.picked_unsent() > 0) {
                    return was_picked.set(true);
                }
            }
        });
        was_picked.get()
    }

    fn run(&self, life: impl Future<Output = ()>) {
        WALL.set(Some((Timestamp::from_micros(BEGINNING.micros() + self.ahead), self.base)));
        IS_DEFECTIVE.set(self.world.lock().now() < self.defective_until);
        self.runtime.block_on(life);
        IS_DEFECTIVE.set(false);
        WALL.set(None);
    }

    pub(super) fn runs(&self, now: Duration) -> bool {
        !self.is_stopping && now >= self.frozen_until && self.engine.lock().is_some()
    }

    /// Whether it was told to stop and has.
    pub(super) fn has_stopped(&self) -> bool {
        *self.has_stopped.lock()
    }

    pub(super) const fn number(&self) -> usize {
        self.number
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping
    }

    /// Does something with the engine, in this process.
    pub(super) fn with_engine<F>(&self, act: impl FnOnce(Engine) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(engine) = self.engine.lock().clone() {
            self.runtime.spawn(act(engine));
        }
    }

    /// A caller hands an event in by way of this node, and remembers it once it is told that it was accepted.
    pub(super) fn hand_in(&self, event: NewEvent) {
        let world = Arc::clone(&self.world);
        self.with_engine(|engine| async move {
            let timeline = world.lock().database.timeline;
            if let Ok(accepted) = engine.accept(vec![event]).await {
                let mut world = world.lock();
                let now = world.now();
                // What was committed to a database that was replaced before the answer came, is gone with it.
                if world.database.timeline != timeline {
                    return;
                }
                world.witness.owed.extend(accepted.iter().map(|emitted| (emitted.id, now)));
            }
        });
    }

    /// SIGTERM.
    pub(super) fn tell_to_stop(&mut self) {
        self.is_stopping = true;
        let (running, stopped) = (Arc::clone(&self.running), Arc::clone(&self.has_stopped));
        self.runtime.spawn(async move {
            let running = running.lock().take();
            if let Some((_, sending)) = running {
                sending.shutdown(GRACE).await;
            }
            *stopped.lock() = true;
        });
    }

    /// SIGKILL: nothing of it runs any more, not even what would tidy up.
    pub(super) fn kill(self) {
        self.world.lock().disconnect(self.number);
        std::mem::forget(self);
    }
}
