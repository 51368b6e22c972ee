//! The engine (placeholder until it is merged).
use crate::voice::media::*;
use tokio::sync::mpsc;
/// Engine.
#[derive(Clone)]
pub struct Sfu;
impl Sfu {
    /// Starts.
    pub async fn start(_place: Place) -> std::io::Result<(Sfu, mpsc::Receiver<Event>)> {
        Ok((Sfu, mpsc::channel(1).1))
    }
}
impl Media for Sfu {
    async fn offer(&self, _seat: Seat, _attempt: u32, _sdp: String) -> Result<String, Refused> {
        Err(Refused::Busy)
    }
    async fn candidate(&self, _seat: Seat, _attempt: u32, _candidate: String) -> Result<(), Refused> {
        Ok(())
    }
    fn silence(&self, _seat: Seat, _is_silenced: bool) {}
    fn deafen(&self, _seat: Seat, _is_deaf: bool) {}
    fn note_loss(&self, _seat: Seat, _percent: f64) {}
    async fn leave(&self, _seat: Seat) {}
    async fn measured(&self) -> Vec<(Seat, Measured)> {
        Vec::new()
    }
    async fn close(&self) {}
}
