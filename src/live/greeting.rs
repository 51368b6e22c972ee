//! What a client is told first: what it missed and the present figures. Made once for all that come with the same
//! knowledge at the same moment, as thousands do after a server was started again.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;

use crate::live::hub::{Hub, legacy, serialise};
use crate::live::model::Message;
use crate::live::socket::wire;
use crate::sales::model::Snapshot;
use crate::sales::question::Question;
use crate::sales::snapshot::Unanswered;

/// Greetings kept of each question.
const KEPT: usize = 4;

/// Where a client left off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct Resume {
    /// The number of the last event it has.
    pub last_event: Option<i64>,
    /// The version of the figures it has.
    pub version: Option<i64>,
}

/// What a client is told first, as it goes over the wire, and where that brings it.
#[derive(Debug)]
pub struct Greeting {
    /// The number of the last event that it knows then.
    pub last_event: i64,
    /// The version of the figures that it has then.
    pub version: i64,
    /// For the page, as JSON.
    pub text: Bytes,
    /// For the page.
    pub ours: Bytes,
    /// For clients without a sub-protocol.
    pub legacy: Bytes,
}

impl Greeting {
    /// Whether it tells a client anything new.
    pub fn is_news_to(&self, client: Resume) -> bool {
        client.last_event != Some(self.last_event) || client.version != Some(self.version)
    }
}

/// The newest greetings of a question.
#[derive(Default)]
pub struct Greetings(Vec<(Moment, Resume, Arc<Greeting>)>);

/// What a greeting depends on besides the client: the count of changes, and the version of the figures.
type Moment = (u64, i64);

impl Greetings {
    fn find(&self, moment: Moment, resume: Resume) -> Option<Arc<Greeting>> {
        let known = self.0.iter().find(|(of, for_whom, _)| (*of, *for_whom) == (moment, resume));
        known.map(|(_, _, greeting)| Arc::clone(greeting))
    }

    fn keep(&mut self, moment: Moment, resume: Resume, greeting: &Arc<Greeting>) {
        self.0.retain(|(of, _, _)| *of == moment);
        if self.0.len() == KEPT {
            self.0.remove(0);
        }
        self.0.push((moment, resume, Arc::clone(greeting)));
    }
}

impl Hub {
    /// Brings a client to the present: with the events it missed where they are few, and with what changed in the figures
    /// it has, or the snapshot.
    pub async fn greeting(&self, question: &Question, resume: Resume) -> Result<Arc<Greeting>, Unanswered> {
        let changes = self.changes();
        let snapshot = self.figures_with(question, resume.last_event).await?;
        let overview = &snapshot.overview;
        let moment = (changes, overview.version);
        if let Some(known) = self.with_greetings(question, |known| known.find(moment, resume)) {
            return Ok(known);
        }
        let after = resume.last_event.unwrap_or(overview.last_event);
        let (missed, last_event) = self.missed(after).await?;
        let has_figures = resume.version.filter(|_| missed.is_some());
        let missed = missed.unwrap_or_default();
        let old = legacy(&missed);
        let message = match has_figures {
            Some(version) if version == overview.version => Message::events(missed),
            Some(version) => match self.changes_since(question, version, &snapshot) {
                Some(changes) => Message::changes(changes, missed),
                None => Message::snapshot(snapshot.as_ref().clone(), missed),
            },
            None => Message::snapshot(snapshot.as_ref().clone(), missed),
        };
        let text = serialise(&message).unwrap_or_default();
        let ours = wire([text.as_str()]);
        let greeting = Greeting { last_event, version: overview.version, text: text.into(), ours, legacy: old };
        let greeting = Arc::new(greeting);
        self.with_greetings(question, |known| known.keep(moment, resume, &greeting));
        Ok(greeting)
    }

    /// The newest figures, with an event that the client has: another server may have told it before this one has answered anew,
    /// and figures of before would take the event out of what it shows, for good. A number that there never was changes nothing.
    async fn figures_with(&self, question: &Question, event: Option<i64>) -> Result<Arc<Snapshot>, Unanswered> {
        let known = self.snapshot(question).await?;
        match event.filter(|event| *event > known.overview.last_event) {
            Some(event) if event <= self.newest_event().await? => self.compute(question).await,
            _ => Ok(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(last_event: i64) -> Arc<Greeting> {
        Arc::new(Greeting { last_event, version: 1, text: Bytes::new(), ours: Bytes::new(), legacy: Bytes::new() })
    }

    #[test]
    fn a_greeting_is_for_its_moment_and_for_who_knows_the_same() {
        let (mut known, knows) = (Greetings::default(), |last_event| Resume { last_event, version: None });
        known.keep((1, 1), knows(Some(5)), &greeting(7));
        known.keep((1, 1), knows(None), &greeting(8));
        let last_event = |known: &Greetings, moment, resume| known.find(moment, resume).map(|found| found.last_event);
        assert_eq!(last_event(&known, (1, 1), knows(Some(5))), Some(7));
        assert_eq!(last_event(&known, (1, 1), knows(None)), Some(8));
        assert_eq!(last_event(&known, (1, 1), knows(Some(6))), None);
        assert_eq!(last_event(&known, (2, 1), knows(Some(5))), None);
        known.keep((2, 1), knows(None), &greeting(9));
        assert_eq!(last_event(&known, (1, 1), knows(Some(5))), None, "the moment has passed");
        for last in 0..10 {
            known.keep((2, 1), knows(Some(last)), &greeting(last));
        }
        assert_eq!(known.0.len(), KEPT);
    }
}
