//! A socket of `/voice`: reads what a browser says within its limits, asks for each message whether who says it is still let in,
//! writes what there is to be told, and finds out whether anybody is there at all.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::access::session::Denied;
use crate::access::visitors::LOOKED_AT_EVERY;
use crate::live::socket::Socket;
use crate::voice::limits::Limits;
use crate::voice::media::{Media, Seat};
use crate::voice::protocol::{Ending, Said, Told, Why, You};
use crate::voice::state::frame;
use crate::voice::switchboard::Switchboard;
use crate::voice::visit::{Standing, Visit};

/// A message of a browser at most: a description of 32 KiB, quoted.
pub const INCOMING_MAX_BYTES: usize = 48 * 1024;
/// A socket that takes nothing for this long is closed.
const SENDING_MAX: Duration = Duration::from_secs(10);
/// When to try again what nobody can be asked about.
const AWAY_RETRY_MS: u64 = 4_000;
/// A ping without content (RFC 6455, section 5.5.2): browsers answer it by themselves.
static PING: Bytes = Bytes::from_static(&[0x89, 0x00]);

/// How often is looked at a socket.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often its browser is asked whether it is there.
    pub pinged_every: Duration,
    /// A socket that says nothing for this long, not even that it is there, is closed: its computer sleeps, or is elsewhere.
    pub silent_max: Duration,
    /// How often whoever says nothing is looked at again.
    pub looked_at_every: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            pinged_every: Duration::from_secs(10),
            silent_max: Duration::from_secs(30),
            looked_at_every: LOOKED_AT_EVERY,
        }
    }
}

/// Serves a socket until it ends, is closed, falls silent or is no longer let in. The seat that it leaves behind, if it had one.
pub async fn serve<M: Media>(
    voice: &Switchboard<M>,
    visit: &mut Visit,
    pace: Pace,
    socket: &mut Socket,
) -> Option<Seat> {
    let you = You { person: visit.person.id, is_administrator: visit.person.role == "administrator" };
    match voice.open(you).await {
        Ok((number, waiting)) => {
            Talk { voice, visit, number, limits: Limits::new(Instant::now().into_std()) }
                .until_it_ends(pace, waiting, socket)
                .await;
            voice.close(number)
        }
        Err(error) => {
            turn_away(socket, Why::Denied, &error.to_string()).await;
            None
        }
    }
}

/// Looks whether somebody whose seat is kept without a socket is still let in, until they come back or the seat is given up: sound
/// flows all the while.
pub async fn look_after<M: Media>(voice: &Switchboard<M>, visit: &mut Visit, pace: Pace, seat: Seat) {
    let mut looks = every(pace.looked_at_every);
    loop {
        looks.tick().await;
        if !voice.is_left(seat) {
            return;
        }
        if visit.standing().await == Standing::Out {
            return voice.end(seat, Ending::SignedOut).await;
        }
    }
}

/// Says why there is nothing to be had here.
pub async fn turn_away(socket: &mut Socket, why: Why, sentence: &str) {
    write(socket, &frame(&Told::Refused { why, sentence: sentence.into(), retry_after_ms: None })).await;
}

struct Talk<'a, M> {
    voice: &'a Switchboard<M>,
    visit: &'a mut Visit,
    number: u64,
    limits: Limits,
}

impl<M: Media> Talk<'_, M> {
    async fn until_it_ends(&mut self, pace: Pace, mut waiting: mpsc::Receiver<Bytes>, socket: &mut Socket) {
        let mut heard_at = Instant::now();
        let (mut pings, mut looks) = (every(pace.pinged_every), every(pace.looked_at_every));
        loop {
            let is_in = tokio::select! {
                told = waiting.recv() => {
                    // None: it could not keep up.
                    let Some(told) = told else { return };
                    if !write(socket, &told).await {
                        return;
                    }
                    true
                }
                heard = socket.heard() => {
                    let Ok(text) = heard else { return };
                    heard_at = Instant::now();
                    let is_in = self.hear(text).await;
                    if self.limits.is_exhausted() {
                        return;
                    }
                    is_in
                }
                _ = pings.tick() => {
                    if heard_at.elapsed() >= pace.silent_max || !write(socket, &PING).await {
                        return;
                    }
                    true
                }
                _ = looks.tick() => self.visit.standing().await != Standing::Out,
            };
            if !is_in {
                self.voice.sign_out(self.number).await;
                while let Ok(told) = waiting.try_recv() {
                    if !write(socket, &told).await {
                        return;
                    }
                }
                return;
            }
        }
    }

    /// Does what a frame says. Whether who says it is still let in.
    async fn hear(&mut self, text: Option<Utf8Bytes>) -> bool {
        let now = Instant::now().into_std();
        if let Err(wait) = self.limits.frame(now) {
            self.slow_down(wait);
            return true;
        }
        // A pong, or what is no text.
        let Some(text) = text else { return true };
        let Ok(said) = serde_json::from_str::<Said>(&text) else {
            self.voice.refuse(self.number, Why::Unreadable, "this message is none that the server knows", None);
            return true;
        };
        let is_start = matches!(said, Said::Join { .. } | Said::Offer { .. });
        if is_start && let Err(wait) = self.limits.start(now) {
            self.slow_down(wait);
            return true;
        }
        match self.visit.standing().await {
            Standing::Out => return false,
            Standing::Unknown if is_for_those_who_are_known(&said) => {
                let sentence = Denied::Unavailable.to_string();
                self.voice.refuse(self.number, Why::Denied, sentence, Some(AWAY_RETRY_MS));
            }
            Standing::In | Standing::Unknown => self.voice.hear(self.number, &self.visit.person, said).await,
        }
        true
    }

    fn slow_down(&self, wait: Duration) {
        let retry_after_ms = u64::try_from(wait.as_millis()).ok();
        self.voice.refuse(self.number, Why::RateLimited, "too much at once; it is tried again", retry_after_ms);
    }
}

/// What begins something, or is done to others: not on the word of a while ago.
fn is_for_those_who_are_known(said: &Said) -> bool {
    matches!(said, Said::Join { .. } | Said::Moderate { .. })
}

/// Whether the system has taken it in time.
async fn write(socket: &mut Socket, told: &Bytes) -> bool {
    matches!(timeout(SENDING_MAX, socket.send(told)).await, Ok(Ok(())))
}

/// Ticks that begin one step from now.
fn every(step: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + step, step);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[cfg(test)]
#[path = "signalling_tests.rs"]
mod tests;
