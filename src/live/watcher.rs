//! A socket with all that it watches: the question of its address, others that its client asks for later, and who is here.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::live::greeting::Resume;
use crate::live::hub::{Hub, serialise};
use crate::live::lanes::{Batch, Frame};
use crate::live::model::Message;
use crate::live::presence::{Presence, Seat};
use crate::live::socket::{Ended, Socket, wire};
use crate::sales::question::Question;
use crate::sales::snapshot::Unanswered;

/// Questions that a socket watches beside that of its address at most. Who wants more opens another.
pub const ALSO_MAX: usize = 8;
/// Characters of their names at most.
const NAME_CHARS_MAX: usize = 40;
/// Wishes of a client in a minute at most: each may be a question that nobody has asked before.
const WISHES_MAX: u32 = 60;
const WISHES_EVERY: Duration = Duration::from_secs(60);

/// What a socket begins with. In a box, as a task has room for what it is given and for what it hands on.
pub struct Standing {
    /// Where answers come from.
    pub hub: Hub,
    /// Who is on the page.
    pub presence: Presence,
    /// The question of its address.
    pub question: Question,
    /// Where its client left off.
    pub resume: Resume,
    /// Who opened it; a script is nobody.
    pub person: Option<i32>,
}

/// What a client wishes for.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Wish {
    /// To be told of another question too, or of another one under this name.
    Watch {
        name: String,
        #[serde(default)]
        query: String,
        #[serde(flatten)]
        resume: Resume,
    },
    /// To be told no more of it.
    Unwatch { name: String },
}

/// What is said besides messages of figures.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Aside<'a> {
    /// The next message is of the question of this name.
    Of { name: &'a str },
    /// The question of this name is not watched.
    Refused { name: &'a str, why: &'a str },
}

impl Aside<'_> {
    fn wire(&self) -> Bytes {
        serialise(self).map(|text| wire([text.as_str()])).unwrap_or_default()
    }
}

/// Where a client stands with a question.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    last_event: i64,
    /// The version of its figures.
    version: i64,
}

impl Place {
    /// As if it came back now.
    fn resume(self) -> Resume {
        Resume { last_event: Some(self.last_event), version: Some(self.version) }
    }

    /// Whether a frame has nothing that it does not have.
    fn has(self, frame: &Frame) -> bool {
        let knows_events = frame.first_event.is_none() || frame.last_event <= self.last_event;
        let knows_figures = frame.figures.is_none_or(|step| step.version <= self.version);
        knows_events && knows_figures && (frame.first_event.is_some() || frame.figures.is_some())
    }

    /// Whether a frame follows on what it has.
    fn leads_to(self, frame: &Frame) -> bool {
        frame.first_event.is_none_or(|first| first == self.last_event + 1)
            && frame.figures.is_none_or(|step| step.since.is_none_or(|since| since == self.version))
    }

    fn go(&mut self, frame: &Frame) {
        // A frame without events tells the time, not where the stream stands.
        if frame.first_event.is_some() {
            self.last_event = self.last_event.max(frame.last_event);
        }
        self.version = frame.figures.map_or(self.version, |step| step.version.max(self.version));
    }
}

/// What is heard of a question: frames, or that some were missed.
type Heard = Result<Arc<Batch>, ()>;

/// A question that is watched beside that of the address.
struct Also {
    name: String,
    /// Goes before each message of it.
    envelope: Bytes,
    question: Question,
    place: Place,
    frames: Pin<Box<dyn Stream<Item = Heard> + Send>>,
}

/// A socket, and how it speaks.
struct Line<'a> {
    socket: &'a mut Socket,
    hub: &'a Hub,
    /// Whether it speaks our protocol; otherwise it gets the old page's messages.
    ours: bool,
}

/// Sends until the socket ends. Subscriptions begin before greetings, so nothing falls between them.
pub async fn serve(socket: &mut Socket, standing: &Standing, ours: bool) -> Result<(), Ended> {
    let Standing { hub, presence, question, resume, person } = standing;
    let seat = person.map(|person| presence.enter(person));
    let mut here = presence.subscribe();
    let mut frames = hub.subscribe(question);
    let mut line = Line { socket, hub, ours };
    let (mut place, mut more) = (Place::default(), More::default());
    // What happens once or seldom is boxed: a socket that only waits stays small.
    if !Box::pin(line.greet(question, &mut place, *resume)).await? {
        return Ok(());
    }
    // Who is here is told after the greeting, and whenever it changes.
    here.mark_changed();
    loop {
        let goes_on = tokio::select! {
            Ok(()) = here.changed(), if ours => {
                let frame = here.borrow_and_update().frame.clone();
                line.socket.send(&frame).await?;
                true
            }
            frame = frames.recv() => match frame {
                Ok(frame) => line.deliver(question, &mut place, &frame).await?,
                // It fell too far behind: from here on as if it had come back.
                Err(RecvError::Lagged(_)) => {
                    let resume = place.resume();
                    Box::pin(line.greet(question, &mut place, resume)).await?
                }
                Err(RecvError::Closed) => false,
            },
            (n, heard) = more.next() => Box::pin(more.deliver(&mut line, n, heard)).await?,
            heard = line.socket.heard() => match heard? {
                Some(text) if ours => Box::pin(more.wish(&mut line, seat.as_ref(), &text)).await?,
                _ => true,
            },
        };
        if !goes_on {
            return Ok(());
        }
    }
}

impl Line<'_> {
    /// Brings the client to the present. False when the database does not answer: it should come back.
    async fn greet(&mut self, question: &Question, place: &mut Place, resume: Resume) -> Result<bool, Ended> {
        let Ok(greeting) = self.hub.greeting(question, resume).await else {
            return self.stand_still().await;
        };
        *place = Place { last_event: greeting.last_event, version: greeting.version };
        self.socket.send(if self.ours { &greeting.ours } else { &greeting.legacy }).await?;
        Ok(true)
    }

    /// Sends what is new to the client of a batch. False when it should come back.
    async fn deliver(&mut self, question: &Question, place: &mut Place, batch: &Batch) -> Result<bool, Ended> {
        if place.has(&batch.whole) {
            return Ok(true);
        }
        if place.leads_to(&batch.whole) {
            self.write(place, &batch.whole).await?;
            return Ok(true);
        }
        for frame in &batch.frames {
            if !Box::pin(self.deliver_frame(question, place, frame)).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sends a frame where it follows on what the client has; else brings the client to the present. False when it should
    /// come back.
    async fn deliver_frame(&mut self, question: &Question, place: &mut Place, frame: &Frame) -> Result<bool, Ended> {
        if place.has(frame) {
            return Ok(true);
        }
        if !place.leads_to(frame) {
            let resume = place.resume();
            return Box::pin(self.greet(question, place, resume)).await;
        }
        self.write(place, frame).await?;
        Ok(true)
    }

    async fn write(&mut self, place: &mut Place, frame: &Frame) -> Result<(), Ended> {
        self.socket.send(if self.ours { &frame.ours } else { &frame.legacy }).await?;
        place.go(frame);
        Ok(())
    }

    /// Says that the database does not answer, and that the client should come back.
    async fn stand_still(&mut self) -> Result<bool, Ended> {
        if let Some(text) = serialise(&Message::stale()).filter(|_| self.ours) {
            self.socket.send(&wire([text.as_str()])).await?;
        }
        Ok(false)
    }
}

/// The questions beside that of the address: none, mostly.
#[derive(Default)]
struct More {
    all: Vec<Also>,
    /// When the running minute of wishes began, and how many there were in it.
    wishes: Option<(Instant, u32)>,
}

impl More {
    /// The next that is heard of any of them, by its place.
    async fn next(&mut self) -> (usize, Heard) {
        std::future::poll_fn(|cx| {
            for (n, also) in self.all.iter_mut().enumerate() {
                if let Poll::Ready(Some(heard)) = also.frames.as_mut().poll_next(cx) {
                    return Poll::Ready((n, heard));
                }
            }
            Poll::Pending
        })
        .await
    }

    async fn deliver(&mut self, line: &mut Line<'_>, n: usize, heard: Heard) -> Result<bool, Ended> {
        let Some(also) = self.all.get_mut(n) else { return Ok(true) };
        let follows = |place: Place, batch: &Batch| place.has(&batch.whole) || place.leads_to(&batch.whole);
        match heard {
            Ok(batch) if follows(also.place, &batch) => {
                for frame in &batch.frames {
                    if !also.place.has(frame) {
                        line.socket.send(&also.envelope).await?;
                        line.write(&mut also.place, frame).await?;
                    }
                }
                Ok(true)
            }
            _ => {
                let resume = also.place.resume();
                self.greet(line, n, resume).await
            }
        }
    }

    /// Brings the client to the present with one of them; a question that has no answer any more is let go.
    async fn greet(&mut self, line: &mut Line<'_>, n: usize, resume: Resume) -> Result<bool, Ended> {
        let Some(also) = self.all.get_mut(n) else { return Ok(true) };
        match line.hub.greeting(&also.question, resume).await {
            Ok(greeting) => {
                line.socket.send(&also.envelope).await?;
                line.socket.send(&greeting.ours).await?;
                also.place = Place { last_event: greeting.last_event, version: greeting.version };
                Ok(true)
            }
            Err(Unanswered::Question(why)) => {
                let gone = self.all.remove(n);
                refuse(line, &gone.name, &why).await
            }
            Err(Unanswered::Database(_)) => line.stand_still().await,
        }
    }

    /// Does what a client wishes. False when it wishes too much: it should come back.
    async fn wish(&mut self, line: &mut Line<'_>, seat: Option<&Seat>, text: &str) -> Result<bool, Ended> {
        let Ok(wish) = serde_json::from_str(text) else {
            // Where somebody is on the page is nobody's wish.
            if let Some(seat) = seat {
                seat.heard(text);
            }
            return Ok(true);
        };
        if !self.may_wish() {
            return Ok(false);
        }
        let (name, query, resume) = match wish {
            Wish::Watch { name, query, resume } => (name, query, resume),
            Wish::Unwatch { name } => {
                self.all.retain(|also| also.name != name);
                return Ok(true);
            }
        };
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX {
            let short: String = name.chars().take(NAME_CHARS_MAX).collect();
            return refuse(line, &short, &format!("a name has 1 to {NAME_CHARS_MAX} characters")).await;
        }
        self.all.retain(|also| also.name != name);
        if self.all.len() >= ALSO_MAX {
            let why = format!("a socket watches {ALSO_MAX} questions beside its own: open another one, or unwatch one");
            return refuse(line, &name, &why).await;
        }
        let pairs: Vec<_> = form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).collect();
        match Question::parse(pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))) {
            Ok(question) => {
                let place = Place::default();
                let frames = frames(line.hub.subscribe(&question));
                let envelope = Aside::Of { name: &name }.wire();
                self.all.push(Also { name, envelope, question, place, frames });
                self.greet(line, self.all.len() - 1, resume).await
            }
            Err(error) => refuse(line, &name, &error.to_string()).await,
        }
    }

    fn may_wish(&mut self) -> bool {
        let now = Instant::now();
        let (began, count) = self.wishes.filter(|(began, _)| now - *began < WISHES_EVERY).unwrap_or((now, 0));
        self.wishes = Some((began, count + 1));
        count < WISHES_MAX
    }
}

async fn refuse(line: &mut Line<'_>, name: &str, why: &str) -> Result<bool, Ended> {
    line.socket.send(&Aside::Refused { name, why }.wire()).await?;
    Ok(true)
}

/// All that is heard from now on.
fn frames(receiver: Receiver<Arc<Batch>>) -> Pin<Box<dyn Stream<Item = Heard> + Send>> {
    Box::pin(unfold(receiver, |mut receiver| async move {
        match receiver.recv().await {
            Ok(batch) => Some((Ok(batch), receiver)),
            Err(RecvError::Lagged(_)) => Some((Err(()), receiver)),
            Err(RecvError::Closed) => None,
        }
    }))
}
