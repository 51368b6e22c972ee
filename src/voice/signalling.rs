//! A socket of `/voice`: reads what a browser says within its limits, asks for each message whether who says it is still let in, and
//! writes what there is to be told.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::access::session::{Credential, Visitor};
use crate::access::visitors::Visitors;
use crate::live::socket::Socket;
use crate::voice::Voice;
use crate::voice::protocol::{Said, Why, You};

/// A message of a browser at most: a description of 32 KiB, quoted.
pub const INCOMING_MAX_BYTES: usize = 48 * 1024;
/// Messages of a socket a second, in the long run: a pointer moves ten times a second, a connection has some dozen candidates.
const MESSAGES_PER_SECOND: f64 = 30.0;
/// Messages at once.
const MESSAGES_AT_ONCE: f64 = 90.0;
/// Joins and offers of a socket in a minute: people who change rooms, and connections that are made again every four seconds.
const STARTS_PER_MINUTE: f64 = 30.0;
/// Messages above the rate that are refused before the socket is closed: no browser of ours sends any.
const REFUSED_MAX: u32 = 200;
/// A socket that takes nothing for this long is closed.
const SENDING_MAX: Duration = Duration::from_secs(10);

/// Serves a socket until it ends, is closed or is no longer let in.
pub async fn serve(voice: &Voice, visitors: &Visitors, credential: &Credential, you: You, socket: &mut Socket) {
    let Ok((number, waiting)) = voice.open(you).await else { return };
    talk(voice, visitors, credential, number, waiting, socket).await;
    voice.close(number);
}

async fn talk(
    voice: &Voice,
    visitors: &Visitors,
    credential: &Credential,
    number: u64,
    mut waiting: mpsc::Receiver<Bytes>,
    socket: &mut Socket,
) {
    let mut limits = Limits::new(Instant::now());
    loop {
        tokio::select! {
            told = waiting.recv() => {
                // None: it could not keep up.
                let Some(told) = told else { return };
                if !matches!(timeout(SENDING_MAX, socket.send(&told)).await, Ok(Ok(()))) {
                    return;
                }
            }
            heard = socket.heard() => {
                let Ok(heard) = heard else { return };
                let Some(text) = heard else { continue };
                let said = match serde_json::from_str::<Said>(&text) {
                    Ok(said) => said,
                    Err(_) => {
                        voice.refuse(number, Why::Unreadable, "this message is none that the server knows", None);
                        continue;
                    }
                };
                if let Err(wait) = limits.take(&said, Instant::now()) {
                    if limits.refused > REFUSED_MAX {
                        return;
                    }
                    let retry_after_ms = u64::try_from(wait.as_millis()).ok();
                    voice.refuse(number, Why::RateLimited, "too much at once; it is tried again", retry_after_ms);
                    continue;
                }
                let Ok(Visitor::Person(person)) = visitors.who(credential).await else { return };
                voice.hear(number, &person, said).await;
            }
        }
    }
}

/// How much a socket may say.
#[derive(Debug)]
struct Limits {
    messages: Bucket,
    starts: Bucket,
    refused: u32,
}

/// A token bucket.
#[derive(Debug)]
struct Bucket {
    left: f64,
    size: f64,
    per_second: f64,
    at: Instant,
}

impl Limits {
    fn new(now: Instant) -> Limits {
        let bucket = |size: f64, per_second: f64| Bucket { left: size, size, per_second, at: now };
        Limits {
            messages: bucket(MESSAGES_AT_ONCE, MESSAGES_PER_SECOND),
            starts: bucket(STARTS_PER_MINUTE, STARTS_PER_MINUTE / 60.0),
            refused: 0,
        }
    }

    /// Counts a message, or says how long to wait.
    fn take(&mut self, said: &Said, now: Instant) -> Result<(), Duration> {
        let is_start = matches!(said, Said::Join { .. } | Said::Offer { .. });
        let taken = self.messages.take(now).and_then(|()| if is_start { self.starts.take(now) } else { Ok(()) });
        self.refused += u32::from(taken.is_err());
        taken
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.per_second).min(self.size);
        self.at = now;
        if self.left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.left) / self.per_second));
        }
        self.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_may_say_so_much_and_no_more() {
        let begin = Instant::now();
        let mut limits = Limits::new(begin);
        let taken = (0..200).filter(|_| limits.take(&Said::Ping {}, begin).is_ok()).count();
        assert_eq!(taken, MESSAGES_AT_ONCE as usize);
        assert_eq!(limits.refused, 110);
        let second = begin + Duration::from_secs(1);
        let taken = (0..200).filter(|_| limits.take(&Said::Ping {}, second).is_ok()).count();
        assert_eq!(taken, MESSAGES_PER_SECOND as usize);

        let mut limits = Limits::new(begin);
        let join = Said::Join { room: 1, resume: None };
        let taken = (0..60).filter(|_| limits.take(&join, begin).is_ok()).count();
        assert_eq!(taken, STARTS_PER_MINUTE as usize);
        let wait = limits.take(&join, begin).expect_err("too many");
        assert!((1_900..=2_000).contains(&wait.as_millis()), "{wait:?}");
        assert!(limits.take(&Said::Ping {}, begin).is_err() || limits.messages.left < MESSAGES_AT_ONCE);
    }
}
