//! What each message of a browser does. Whoever is asked about has been let in for this very message.

use crate::access::model::Person;
use crate::voice::media::{Media, Refused, Seat};
use crate::voice::protocol::{Ending, Moderation, Pointed, Reported, Said, Told, Why};
use crate::voice::rooms::NoSeat;
use crate::voice::switchboard::Switchboard;

/// A place of the site at most, in bytes: any question the dashboard can ask is shorter.
const ADDRESS_MAX_BYTES: usize = 2_000;
/// The name of a card, and the words of a point, at most, in bytes.
const WORDS_MAX_BYTES: usize = 200;
/// Thousandths that a card is wide and high.
const WHOLE: u16 = 1_000;
/// When to try again what the server had no place for.
const BUSY_RETRY_MS: u64 = 4_000;

impl<M: Media> Switchboard<M> {
    /// Does what somebody's browser said.
    pub async fn hear(&self, socket: u64, person: &Person, said: Said) {
        if let Said::Join { room, resume } = said {
            if let Err(error) = self.join(socket, person.name.clone(), room, resume).await {
                let why = match error {
                    NoSeat::NoRoom => Why::NoRoom,
                    NoSeat::Full => Why::RoomFull,
                };
                self.state().refuse(socket, why, error.to_string(), None);
            }
            return;
        }
        if said == (Said::Ping {}) {
            self.state().tell(socket, &Told::Pong {});
            return;
        }
        let seat = self.state().sockets.get(&socket).and_then(|socket| socket.seat);
        let Some(seat) = seat else {
            self.state().refuse(socket, Why::Unreadable, "join a room first", None);
            return;
        };
        self.hear_seated(socket, seat, person, said).await;
    }

    async fn hear_seated(&self, socket: u64, seat: Seat, person: &Person, said: Said) {
        match said {
            Said::Join { .. } | Said::Ping {} => {}
            Said::Offer { epoch, attempt, sdp } if epoch == seat.epoch => self.offer(socket, seat, attempt, sdp).await,
            Said::Ice { epoch, attempt, candidate } if epoch == seat.epoch => {
                // A candidate that came late or cannot be used is no loss: there are others.
                let Some(candidate) = candidate.filter(|candidate| !candidate.is_empty()) else { return };
                let _ = self.0.engine.candidate(seat, attempt, candidate).await;
            }
            Said::Offer { .. } | Said::Ice { .. } => {
                self.state().refuse(socket, Why::Media, Refused::Gone.to_string(), None);
            }
            Said::IceServers {} => {
                let (ice_servers, ttl_seconds) = self.ice_servers(seat);
                self.state().tell(socket, &Told::IceServers { ice_servers, ttl_seconds });
            }
            Said::Mute { on } => self.mute(seat, on),
            Said::Ptt { down } => {
                if let Some(down) = down {
                    self.mute(seat, !down);
                }
            }
            Said::Deafen { on } => self.deafen(seat, on),
            Said::Stats(reported) => self.report(seat, *reported),
            Said::Moderate { person: whom, action } => self.moderate(socket, seat, person, whom, action).await,
            Said::Present { on } => self.present(seat, on),
            Said::View { address, target } => self.view(socket, seat, address, target),
            Said::Pointer { at } => self.point(socket, seat, at),
            Said::Leave {} => self.end(seat, Ending::Left).await,
        }
    }

    async fn offer(&self, socket: u64, seat: Seat, attempt: u32, sdp: String) {
        match self.0.engine.offer(seat, attempt, sdp).await {
            Ok(sdp) => self.state().tell(socket, &Told::Answer { epoch: seat.epoch, attempt, sdp }),
            Err(refused) => {
                let retry_after_ms = (refused == Refused::Busy).then_some(BUSY_RETRY_MS);
                self.state().refuse(socket, Why::Media, refused.to_string(), retry_after_ms);
            }
        }
        if self.state().rooms.member(seat).is_none() {
            // The seat has ended meanwhile, and with it what the engine had of it.
            self.0.engine.leave(seat).await;
        }
    }

    fn mute(&self, seat: Seat, is_muted: bool) {
        if let Some(member) = self.state().rooms.member_mut(seat) {
            member.is_muted = is_muted;
        }
        self.changed();
    }

    fn deafen(&self, seat: Seat, is_deaf: bool) {
        if let Some(member) = self.state().rooms.member_mut(seat) {
            member.is_deaf = is_deaf;
            self.0.engine.deafen(seat, is_deaf);
        }
        self.changed();
    }

    fn report(&self, seat: Seat, reported: Reported) {
        let reported = reported.within_reason();
        if let Some(lost) = reported.loss_percent {
            self.0.engine.note_loss(seat, lost);
        }
        let now = self.0.clock.now();
        if let Some(member) = self.state().rooms.member_mut(seat) {
            member.reported = Some((now, reported));
        }
    }

    async fn moderate(&self, socket: u64, seat: Seat, by: &Person, whom: i32, action: Moderation) {
        if by.role != "administrator" {
            self.state().refuse(socket, Why::Denied, "only administrators mute and remove others", None);
            return;
        }
        let removed = {
            let mut state = self.state();
            let Some(room) = state.rooms.room_mut(seat.room) else { return };
            let Some(theirs) = room.seat_of(seat.room, whom) else { return };
            if action != Moderation::Remove {
                let is_muted = action == Moderation::Mute;
                room.mute(whom, is_muted);
                // With the lock held: of two administrators the engine hears in the order that everybody sees.
                self.0.engine.silence(theirs, is_muted);
            }
            if let Some(socket) = state.rooms.member(theirs).and_then(|member| member.socket) {
                state.tell(socket, &Told::Moderated { action, by: by.name.clone() });
            }
            (action == Moderation::Remove).then_some(theirs)
        };
        match removed {
            Some(theirs) => self.end(theirs, Ending::Removed).await,
            None => self.changed(),
        }
    }

    fn present(&self, seat: Seat, on: bool) {
        let mut state = self.state();
        let Some(room) = state.rooms.room_mut(seat.room) else { return };
        let is_theirs = room.presenter == Some(seat.person);
        if on == is_theirs {
            return;
        }
        room.presenter = on.then_some(seat.person);
        room.view = None;
        let told = Told::Presenting { person: room.presenter };
        state.tell_room(seat.room, None, &told);
    }

    fn view(&self, socket: u64, seat: Seat, address: String, target: Option<String>) {
        let mut state = self.state();
        let is_readable = is_of_the_site(&address) && target.as_ref().is_none_or(|target| is_short(target));
        if !is_readable {
            state.refuse(socket, Why::Unreadable, "the view that was sent is no place of this site", None);
            return;
        }
        let Some(room) = state.rooms.room_mut(seat.room) else { return };
        if room.presenter != Some(seat.person) {
            return;
        }
        room.view = Some((address.clone(), target.clone()));
        state.tell_room(seat.room, Some(seat.person), &Told::View { person: seat.person, address, target });
    }

    fn point(&self, socket: u64, seat: Seat, at: Option<Pointed>) {
        let mut state = self.state();
        let is_readable = |at: &Pointed| is_short(&at.target) && is_short(&at.words) && at.x <= WHOLE && at.y <= WHOLE;
        if !at.as_ref().is_none_or(is_readable) {
            state.refuse(socket, Why::Unreadable, "the place that was pointed at is none of the page", None);
            return;
        }
        state.tell_room(seat.room, Some(seat.person), &Told::Pointer { person: seat.person, at });
    }
}

impl Reported {
    /// Leaves out what no browser measures: it is shown to administrators, and averaged.
    fn within_reason(self) -> Reported {
        let within =
            |value: Option<f64>, max: f64| value.filter(|value| value.is_finite() && (0.0..=max).contains(value));
        Reported {
            rtt_ms: within(self.rtt_ms, 60_000.0),
            jitter_ms: within(self.jitter_ms, 60_000.0),
            loss_percent: within(self.loss_percent, 100.0),
            concealed_percent: within(self.concealed_percent, 100.0),
        }
    }
}

/// Whether an address leads to a page of this site, wherever it is opened.
fn is_of_the_site(address: &str) -> bool {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    address.len() <= ADDRESS_MAX_BYTES
        && path.starts_with('/')
        && !path.contains("//")
        && !path.split('/').any(is_taken_out)
        && !address.contains('\\')
        && !address.chars().any(char::is_control)
}

/// Whether a browser takes a part of a path out when it reads it, escaped or not: of `/.//evil.example` it makes `//evil.example`.
fn is_taken_out(part: &str) -> bool {
    matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

fn is_short(words: &str) -> bool {
    words.len() <= WORDS_MAX_BYTES && !words.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_leads_nowhere_else() {
        for (address, expected) in [
            ("/", true),
            ("/?range=week&country=GB", true),
            ("/royalties", true),
            ("", false),
            ("//evil.example/", false),
            ("/\\evil.example", false),
            ("https://evil.example/", false),
            ("javascript:alert(1)", false),
            ("/a\nb", false),
            ("/royalties?from=a//b&to=..#/./x", true),
            ("/.well-known/a..b", true),
            ("/.//evil.example/x", false),
            ("/a//evil.example/x", false),
            ("/..//evil.example/", false),
            ("/a/../b", false),
            ("/a/.", false),
            ("/..?x", false),
            ("/%2e/x", false),
            ("/%2E%2e/x", false),
            ("/.%2E#x", false),
            ("/a/%2e.", false),
        ] {
            assert_eq!(is_of_the_site(address), expected, "{address}");
        }
        assert!(!is_of_the_site(&format!("/{}", "x".repeat(ADDRESS_MAX_BYTES))));
    }

    #[test]
    fn what_no_browser_measures_is_left_out() {
        let said = Reported {
            rtt_ms: Some(-1.0),
            jitter_ms: Some(5.0),
            loss_percent: Some(101.0),
            concealed_percent: Some(f64::NAN),
        };
        assert_eq!(said.within_reason(), Reported { jitter_ms: Some(5.0), ..Reported::default() });
    }
}
