//! The engine: what it is asked and tells, and the threads that it runs on.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, Runtime};
use tokio::sync::mpsc;

use super::inner::{Inner, Loss, close};
use super::room::Room;
use super::{Event, Measured, Media, Place, Refused, Seat};

/// Events that nobody has taken yet. What finds no place is told again by the next tick, so this only has to hold a busy moment.
const EVENTS_MAX: usize = 4_096;
/// Sound that comes within this time is dealt with in one go, as waking a thread costs as much as passing a packet on. Nobody hears
/// it: a packet holds 20 ms.
const GATHERING: Duration = Duration::from_millis(1);

/// The engine on the protocols of the crate `rtc`. It runs on threads of its own, so that neither calls nor orders wait for the other.
#[derive(Clone)]
pub struct Sfu {
    inner: Arc<Inner>,
    handle: Handle,
    _threads: Arc<Threads>,
}

/// Ends without waiting wherever the last engine is dropped, which may be within a task.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Sfu {
    /// Starts it. What it has to tell comes over the receiver.
    pub fn start(place: Place) -> io::Result<(Sfu, mpsc::Receiver<Event>)> {
        Sfu::begin(place, None)
    }

    /// Starts one that loses so many percent of the packets to listeners, for measuring what that does to them.
    pub fn with_loss(place: Place, percent: u8) -> io::Result<(Sfu, mpsc::Receiver<Event>)> {
        Sfu::begin(place, Some(Loss::new(percent)))
    }

    fn begin(place: Place, loss: Option<Loss>) -> io::Result<(Sfu, mpsc::Receiver<Event>)> {
        // Half of the processors: sound is cheap, and orders come first.
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .thread_name("voice")
            .on_thread_park(|| std::thread::sleep(GATHERING))
            .enable_all()
            .build()?;
        let (events, told) = mpsc::channel(EVENTS_MAX);
        let inner = Arc::new(Inner::new(place, loss, events, runtime.handle())?);
        runtime.spawn(Arc::clone(&inner).keep_time());
        let handle = runtime.handle().clone();
        Ok((Sfu { inner, handle, _threads: Arc::new(Threads(Some(runtime))) }, told))
    }

    /// Runs on the engine's own threads, where the library finds its timers and sockets.
    async fn on_threads<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static, or: T) -> T {
        self.handle.spawn(work).await.unwrap_or(or)
    }
}

impl Media for Sfu {
    async fn offer(&self, seat: Seat, attempt: u32, sdp: String) -> Result<String, Refused> {
        let inner = Arc::clone(&self.inner);
        self.on_threads(async move { inner.offer(seat, attempt, &sdp).await }, Err(Refused::Busy)).await
    }

    async fn candidate(&self, seat: Seat, attempt: u32, candidate: String) -> Result<(), Refused> {
        self.inner.candidate(seat, attempt, candidate)
    }

    fn silence(&self, seat: Seat, is_silenced: bool) {
        self.inner.silence(seat, is_silenced);
    }

    fn deafen(&self, seat: Seat, is_deaf: bool) {
        self.inner.deafen(seat, is_deaf);
    }

    fn note_loss(&self, seat: Seat, percent: f64) {
        let inner = Arc::clone(&self.inner);
        // Everybody says it each second, and a room is busy while it sends.
        self.handle.spawn(async move {
            let note = |room: &mut Room| {
                if let Some(sitting) = room.seats.get_mut(&seat) {
                    sitting.note_loss(percent, Instant::now());
                }
            };
            inner.with_room(seat.room, note);
        });
    }

    async fn leave(&self, seat: Seat) {
        close(self.inner.take_out(seat));
    }

    async fn measured(&self) -> Vec<(Seat, Measured)> {
        let inner = Arc::clone(&self.inner);
        self.on_threads(async move { inner.measured(Instant::now()) }, Vec::new()).await
    }

    async fn close(&self) {
        close(self.inner.end());
    }
}
