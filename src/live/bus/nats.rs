//! The bus by way of a NATS server. Core NATS delivers at most once, which is enough: whoever may have missed something looks.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::Notify;

use super::address::{NatsServer, Pass};
use super::{BadAddress, Kind, TELL_WAIT, Untold};

/// How often a server looks by itself while it does not hear the bus: as late as its watchers may be then.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A connection that is silent for twice this long is given up. A server that is cut off is not known before.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long one try to connect may take.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// The first pause between two tries; it doubles up to the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The first word of every subject.
const SUBJECTS: &str = "takings.";

/// One server's end.
pub struct Nats {
    client: Client,
    /// Notified when the connection begins and ends.
    changed: Arc<Notify>,
    /// Why the last try to connect failed.
    why: Arc<Mutex<String>>,
    address: String,
}

/// What happens while one hears.
enum Heard {
    /// News, or a word that is none of ours.
    Told(Option<Kind>),
    /// The connection begins or ends.
    Changed,
    /// Nothing, for as long as one may go without looking.
    Nothing,
}

impl Nats {
    /// The end of a server, which is connected in the background.
    pub async fn at(server: &NatsServer) -> Result<Nats, BadAddress> {
        let (changed, why) = (Arc::new(Notify::new()), Arc::new(Mutex::new(String::new())));
        let options = match server.pass.clone() {
            Pass::None => ConnectOptions::new(),
            Pass::Password(user, password) => ConnectOptions::with_user_and_password(user, password),
            Pass::Token(token) => ConnectOptions::with_token(token),
        };
        let options = match &server.trusted {
            Some(file) => options.add_root_certificates(file.clone()),
            None => options,
        };
        let event = {
            let (changed, why) = (Arc::clone(&changed), Arc::clone(&why));
            move |event| {
                match event {
                    Event::Connected | Event::Disconnected => changed.notify_one(),
                    Event::ClientError(error) => {
                        *why.lock().unwrap_or_else(PoisonError::into_inner) = error.to_string()
                    }
                    _ => {}
                }
                std::future::ready(())
            }
        };
        let options = options
            .name("takings")
            .retry_on_initial_connect()
            .max_reconnects(None)
            .reconnect_delay_callback(pause)
            .connection_timeout(CONNECT_WAIT)
            .ping_interval(PING_EVERY)
            .event_callback(event);
        // With tries in the background, only an address that is none fails here.
        let client = options.connect(server.address.clone()).await.map_err(|_| BadAddress::Malformed)?;
        Ok(Nats { client, changed, why, address: server.address.as_url_str().to_owned() })
    }

    /// Publishes a word. While there is no connection nobody is told: the others are told when there is one again.
    pub async fn tell(&self, kind: Kind) -> Result<(), Untold> {
        if self.client.connection_state() == State::Disconnected {
            return Ok(());
        }
        Ok(self.client.publish(format!("{SUBJECTS}{}", kind.word()), Bytes::new()).await?)
    }

    /// Waits until everything published has been written to the server.
    pub async fn flush(&self) {
        if self.client.connection_state() == State::Disconnected {
            return;
        }
        // What fails here is said by whoever hears.
        let _ = self.client.flush().await;
    }

    /// Hears for ever. Until its own words come back, it cannot know that it hears: it looks by itself, and says them again.
    pub async fn hear(&self, heard: impl Fn(Kind)) {
        let Ok(mut told) = self.client.subscribe(format!("{SUBJECTS}*")).await else {
            tracing::error!("the bus cannot be heard; this server looks by itself");
            return self.look(heard).await;
        };
        let (mut hears, mut is_said) = (false, false);
        loop {
            let next = tokio::select! {
                message = told.next() => match message {
                    Some(message) => Heard::Told(message.subject.strip_prefix(SUBJECTS).and_then(Kind::of_word)),
                    None => return self.look(heard).await,
                },
                () = self.changed.notified() => Heard::Changed,
                () = tokio::time::sleep(LOOK_EVERY), if !hears => Heard::Nothing,
            };
            match next {
                // What was still on its way when the connection ended says nothing of it.
                Heard::Told(_) if self.client.connection_state() != State::Connected => {}
                Heard::Told(kind) => {
                    if std::mem::take(&mut is_said) {
                        tracing::info!(bus = self.address, "the bus is back");
                    }
                    if !std::mem::replace(&mut hears, true) {
                        Kind::ALL.into_iter().for_each(&heard);
                    }
                    kind.into_iter().for_each(&heard);
                }
                Heard::Changed => {
                    hears = false;
                    self.tell_all().await;
                }
                Heard::Nothing => {
                    if !std::mem::replace(&mut is_said, true) {
                        let why = self.why.lock().unwrap_or_else(PoisonError::into_inner).clone();
                        tracing::warn!(
                            bus = self.address,
                            why,
                            "the bus is away; this server looks by itself meanwhile"
                        );
                    }
                    Kind::ALL.into_iter().for_each(&heard);
                    self.tell_all().await;
                }
            }
        }
    }

    /// Makes every server look, this one too: while there was no connection, nobody was told.
    async fn tell_all(&self) {
        if self.client.connection_state() != State::Connected {
            return;
        }
        let telling = async {
            for kind in Kind::ALL {
                self.tell(kind).await?;
            }
            Ok::<_, Untold>(())
        };
        // A connection that ends meanwhile is heard of, and one that hangs must not keep this server from looking.
        let _ = tokio::time::timeout(TELL_WAIT, telling).await;
    }

    async fn look(&self, heard: impl Fn(Kind)) {
        loop {
            Kind::ALL.into_iter().for_each(&heard);
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// The pause before a try, half of it at random: servers do not come back all at once.
fn pause(tries: usize) -> Duration {
    let doubled = u32::try_from(tries).unwrap_or(u32::MAX).saturating_sub(1).min(10);
    let pause = PAUSE_FIRST.saturating_mul(1 << doubled).min(PAUSE_MAX);
    pause.mul_f64(0.5 + rand::random::<f64>() / 2.0)
}
