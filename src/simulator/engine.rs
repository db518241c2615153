//! Engine of the world: its state behind a lock, what is sent, and what falls due.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, broadcast, watch};
use tokio::time::sleep;

use super::Simulator;
use super::agenda::Due;
use super::builder::SimulatorBuilder;
use super::control::SimulatorChange;
use super::outbox::{Departure, Scope};
use super::post::{Outcome, Outlets};
use super::saved::Configured;
use super::state_file::StateFile;
use super::world::World;

/// Changes that a subscriber may be behind.
const BEHIND: usize = 4096;

/// State that all clones of a simulator share.
pub(super) struct Shared {
    world: Mutex<World>,
    outlets: Outlets,
    /// Hosts that it is called by.
    pub(super) hosts: Vec<String>,
    /// Configuration that a reset goes back to.
    origin: SimulatorBuilder,
    pub(super) changes: broadcast::Sender<SimulatorChange>,
    /// Number of the state: what is sent for another one is dropped.
    epoch: watch::Sender<u64>,
    /// Notified when something else falls due next.
    agenda: Arc<Notify>,
    has_timer: AtomicBool,
    /// Number of the changes of the world so far.
    revision: AtomicU64,
    pub(super) configured: Configured,
    pub(super) state_file: Mutex<Option<Arc<StateFile>>>,
}

impl Shared {
    pub(super) fn new(world: World, outlets: Outlets, origin: SimulatorBuilder) -> Self {
        Self {
            configured: Configured::of(&world),
            world: Mutex::new(world),
            outlets,
            hosts: origin.hosts.clone(),
            origin,
            changes: broadcast::channel(BEHIND).0,
            epoch: watch::channel(0).0,
            agenda: Arc::new(Notify::new()),
            has_timer: AtomicBool::new(false),
            revision: AtomicU64::new(0),
            state_file: Mutex::new(None),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The timer has nothing to wait for any more.
        self.agenda.notify_one();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Simulator {
    /// Looks at the world.
    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        // Nothing is left half done by a panic that was caught elsewhere.
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the world, and returns the number of the changes that it went through.
    pub(super) fn look<R>(&self, look: impl FnOnce(&mut World) -> R) -> (u64, R) {
        let mut world = self.lock();
        // Under the lock: then each of them is done.
        (self.0.revision.load(Ordering::Relaxed), look(&mut world))
    }

    /// Lets something happen in the world, and what follows from it.
    pub(super) fn act<R>(&self, action: impl FnOnce(&mut World) -> R) -> R {
        let mut world = self.lock();
        // Before the change: whoever sees it finds it counted.
        self.0.revision.fetch_add(1, Ordering::Relaxed);
        let result = action(&mut world);
        world.hear();
        world.fall_due();
        let departures = world.departures();
        world.hear();
        let changes = std::mem::take(&mut world.changes);
        let next = world.agenda.next().and_then(|next| world.time.wait_until(next));
        drop(world);
        for change in changes {
            // Nobody has to listen.
            let _ = self.0.changes.send(change);
        }
        departures.into_iter().for_each(|departure| self.depart(departure));
        if next.is_some() {
            self.start_timer();
        }
        result
    }

    fn depart(&self, departure: Departure) {
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(self.clone().carry(departure))),
            Err(_) => {
                let outcome = Outcome::failed("not sent: there is no runtime");
                let _ = self.arrive(&departure, &outcome, None);
            }
        }
    }

    /// Sends a request, and those that wait for its answer.
    async fn carry(self, first: Departure) {
        let mut epoch = self.0.epoch.subscribe();
        let mut next = Some(first);
        while let Some(departure) = next {
            if *epoch.borrow_and_update() != departure.epoch {
                return;
            }
            let outlets = self.0.outlets.clone();
            let (posted, is_twice) = (departure.posted.clone(), departure.is_twice());
            // A task of its own: what panics in a transport is not to stop what waits behind it.
            let mut sent = tokio::spawn(async move {
                let first = outlets.send(&posted).await;
                (first, if is_twice { Some(outlets.send(&posted).await) } else { None })
            });
            let (outcome, second) = tokio::select! {
                sent = &mut sent => sent.unwrap_or_else(|_| (Outcome::failed("it panicked"), None)),
                _ = epoch.changed() => {
                    sent.abort();
                    return;
                }
            };
            next = self.arrive(&departure, &outcome, second);
        }
    }

    fn arrive(
        &self,
        departure: &Departure,
        outcome: &Outcome,
        second: Option<Outcome>,
    ) -> Option<Departure> {
        self.act(|world| {
            let is_current = world.epoch == departure.epoch;
            is_current.then(|| world.arrive(departure, outcome, second)).flatten()
        })
    }

    /// Waits until nothing is under way that is of this.
    pub(super) async fn settle(&self, scope: Scope) {
        loop {
            let settling = self.lock().outbox.settling(scope.clone());
            let Some(settling) = settling else { return };
            // An error is as good: what was under way is gone, by a reset.
            let _ = settling.await;
        }
    }

    /// Lets time pass, and what falls due happen in its order.
    pub(super) async fn pass(&self, duration: Duration) {
        self.act(|world| world.outbox.release(None));
        self.settle(Scope::All).await;
        // The seconds of events come on top.
        let end = self.lock().time.passed().saturating_add(duration);
        loop {
            let is_over = self.act(|world| {
                let rest = end.saturating_duration_since(world.time.passed());
                let end = world.time.now().saturating_add(rest);
                let next = world.agenda.next().filter(|next| *next <= end);
                world.time.advance_to(next.unwrap_or(end));
                next.is_none()
            });
            self.settle(Scope::All).await;
            if is_over {
                return;
            }
        }
    }

    /// Makes everything as at the start.
    pub(super) fn begin_again(&self, seed: Option<u64>) {
        let mut origin = self.0.origin.clone();
        if let Some(seed) = seed {
            origin = origin.seed(seed);
        }
        let epoch = self.act(|world| {
            let (epoch, watchers) = (world.epoch + 1, world.watchers);
            *world = origin.into_world();
            (world.epoch, world.watchers) = (epoch, watchers);
            world.changed(SimulatorChange::Reset);
            epoch
        });
        self.0.epoch.send_replace(epoch);
    }

    fn start_timer(&self) {
        self.0.agenda.notify_one();
        if let Ok(runtime) = Handle::try_current()
            && !self.0.has_timer.swap(true, Ordering::Relaxed)
        {
            runtime.spawn(run_timer(Arc::downgrade(&self.0), Arc::clone(&self.0.agenda)));
        }
    }
}

/// Lets happen what falls due by itself, as long as there is a simulator.
async fn run_timer(shared: Weak<Shared>, agenda: Arc<Notify>) {
    while let Some(shared_now) = shared.upgrade() {
        let simulator = Simulator(shared_now);
        let wait = {
            let world = simulator.lock();
            world.agenda.next().and_then(|next| world.time.wait_until(next))
        };
        drop(simulator);
        let Some(wait) = wait else {
            agenda.notified().await;
            continue;
        };
        tokio::select! {
            () = sleep(wait) => {
                let Some(shared) = shared.upgrade() else { return };
                Simulator(shared).act(|_| ());
            }
            () = agenda.notified() => {}
        }
    }
}

impl World {
    /// Notes since when the chats are silent in which something was said just now.
    fn hear(&mut self) {
        let now = self.time.passed();
        for change in &self.changes {
            if let SimulatorChange::Visit(id) = change
                && self.cases.get(id).is_some_and(|case| !case.was_heard())
                && let Some(case) = self.cases.get_mut(id)
            {
                case.hear(now);
            }
        }
    }

    /// Lets happen what is due.
    fn fall_due(&mut self) {
        loop {
            let now = self.time.now();
            match self.agenda.take(now) {
                Some(Due::Retry(failed)) => self.post_again(failed),
                Some(Due::Silence(case)) => self.fall_silent(&case),
                None => return,
            }
        }
    }
}
