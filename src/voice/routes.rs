//! `GET /voice`: the socket of the dock.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use crate::access::session::{Credential, Denied, Visitor};
use crate::live::socket::upgrade_up_to;
use crate::server::state::AppState;
use crate::voice::protocol::Why;
use crate::voice::signalling::{INCOMING_MAX_BYTES, Pace, look_after, serve, turn_away};
use crate::voice::visit::Visit;

/// The sub-protocol: another version of the messages would be another.
const PROTOCOL: &str = "takings.voice.1";

/// The routes.
pub fn routes() -> Router<AppState> {
    Router::new().route("/voice", get(open))
}

async fn open(
    State(state): State<AppState>,
    visitor: Visitor,
    request: Request,
) -> Result<Response, (StatusCode, String)> {
    let Visitor::Person(person) = visitor else {
        return Err((StatusCode::FORBIDDEN, "voice is for people: sign in with a name and a password".into()));
    };
    let Some(voice) = state.voice.clone() else {
        // A browser sees no more of a refused upgrade than that it failed: a socket can say why.
        return Ok(upgrade_up_to(INCOMING_MAX_BYTES, request, PROTOCOL, |mut socket, _| async move {
            turn_away(&mut socket, Why::Off, "voice is not carried by this server").await;
            Box::pin(socket.close()).await;
        }));
    };
    let nobody = || (Denied::SignedOut.status(), Denied::SignedOut.to_string());
    let credential = Credential::of(request.headers()).ok_or_else(nobody)?;
    let mut visit = Visit::new(person, state.visitors.clone(), credential);
    Ok(upgrade_up_to(INCOMING_MAX_BYTES, request, PROTOCOL, move |mut socket, _| async move {
        let left = tokio::select! {
            () = state.shutdown.cancelled() => None,
            left = serve(&voice, &mut visit, Pace::default(), &mut socket) => left,
        };
        Box::pin(socket.close()).await;
        drop(socket);
        if let Some(seat) = left {
            tokio::select! {
                () = state.shutdown.cancelled() => {}
                () = look_after(&voice, &mut visit, Pace::default(), seat) => {}
            }
        }
    }))
}
