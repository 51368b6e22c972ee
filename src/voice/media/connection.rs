//! One connection of a seat: answers an offer, hands on what comes in, and sends what a listener hears.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::ice::network_type::NetworkType;
use rtc::interceptor::{ReceiverReportBuilder, SenderReportBuilder, Slot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MediaEngine};
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use tokio::sync::Notify;
use webrtc::error::Error;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateInit, RTCIceGatheringState,
    RTCPeerConnectionState, RTCSessionDescription, RTCStatsReportEntry, Registry, SettingEngineBuilder, StatsSelector,
};

use super::description::{self, LEVEL_URI, Offer};
use super::sockets::{Sockets, Waiting};

/// Ways are tried every 20 ms instead of the library's 200: joining takes a quarter of the time.
const ICE_INTERVAL: Duration = Duration::from_millis(20);
/// Tries for each way: two seconds, as the browser's answer may be on its way for long.
const ICE_TRIES: u16 = 100;
/// Nothing heard for so long: the connection is in trouble. Browsers answer a check each [`ICE_KEEPALIVE`].
const ICE_DISCONNECTED: Duration = Duration::from_secs(3);
/// And after this it has failed. The browser has made another long before.
const ICE_FAILED: Duration = Duration::from_secs(12);
/// How often a way that stands is checked.
const ICE_KEEPALIVE: Duration = Duration::from_secs(1);
/// How often each stream's reports (RTCP) are sent, a packet each. RFC 3550 would say five seconds; nothing here waits for them.
const REPORTS_EVERY: Duration = Duration::from_secs(3);
/// Finding one's own addresses takes a millisecond; nobody waits longer than this for it.
const GATHERING_MAX: Duration = Duration::from_secs(2);
/// How Opus is to be sent: nothing while it is silent, and with its own error correction.
const OPUS: &str = "minptime=10;useinbandfec=1;usedtx=1";

/// Hears of what happens to a connection. Called by the library's own task: nothing in it may wait.
pub trait Watcher: Send + Sync + 'static {
    /// A packet came.
    fn packet(&self, packet: Packet);
    /// Media flows, or does not any more (then whether it is over for good).
    fn state(&self, state: Standing);
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Media can flow.
    Connected,
    /// Nothing is heard at the moment.
    Lost,
    /// It is over.
    Failed,
}

/// A stream to the listener.
#[derive(Clone)]
pub struct Track {
    stream: Arc<TrackLocalStaticRTP>,
    waiting: Arc<Waiting>,
}

/// A connection.
pub struct Connection {
    peer: Arc<dyn PeerConnection>,
    /// The streams to the listener with their identifiers, by the order of the lines in the offer.
    pub tracks: Vec<(Track, u32)>,
    waiting: Arc<Waiting>,
    with_loopback: bool,
}

/// What the library knows of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Known {
    /// The round trip, in ms.
    pub rtt_ms: Option<f64>,
    /// Lost on the way to the listener by their reports, in percent.
    pub lost_percent: Option<f64>,
    /// Where the listener's packets come from.
    pub remote: Option<SocketAddr>,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Failure {
    /// It found no place: another port may do.
    Place(Error),
    /// The library does not take the offer.
    Offer(Error),
}

/// Answers an offer from these sockets.
pub async fn answer<W: Watcher>(
    offer: &Offer,
    udp: SocketAddr,
    tcp: Option<SocketAddr>,
    watcher: Arc<W>,
) -> Result<(Connection, String), Failure> {
    let gathered = Arc::new(Notify::new());
    let handler = Handler { watcher, gathered: Arc::clone(&gathered), has_track: AtomicBool::new(false) };
    let engine = codecs(offer).map_err(Failure::Offer)?;
    let registry = Registry::new()
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().with_interval(REPORTS_EVERY).build())
        .with(Slot::SenderReport, SenderReportBuilder::new().with_interval(REPORTS_EVERY).build());
    let mut networks = vec![NetworkType::Udp4, NetworkType::Udp6];
    if tcp.is_some() {
        networks.extend([NetworkType::Tcp4, NetworkType::Tcp6]);
    }
    let settings = SettingEngineBuilder::new()
        .with_network_types(networks)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(udp.ip().is_loopback() || tcp.is_some())
        .with_ice_connection_attempts(Some(ICE_INTERVAL), Some(ICE_TRIES))
        .with_ice_timeouts(Some(ICE_DISCONNECTED), Some(ICE_FAILED), Some(ICE_KEEPALIVE))
        .build();
    let waiting = Arc::new(Waiting::default());
    let peer: Arc<dyn PeerConnection> = Arc::new(
        PeerConnectionBuilder::new()
            .with_runtime(Arc::new(Sockets::new(Arc::clone(&waiting), &offer.sources)))
            .with_media_engine(engine)
            .with_interceptor_registry(registry)
            .with_setting_engine(settings)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(vec![udp])
            .with_tcp_addrs(tcp.into_iter().collect())
            .build()
            .await
            .map_err(Failure::Place)?,
    );
    match negotiate(&peer, offer, &gathered).await {
        Ok((_, answer)) if !description::has_udp(&answer) => {
            let _ = peer.close().await;
            Err(Failure::Place(Error::Other("the port is taken".to_owned())))
        }
        Ok((streams, answer)) => {
            let track = |(stream, ssrc)| (Track { stream, waiting: Arc::clone(&waiting) }, ssrc);
            let tracks = streams.into_iter().map(track).collect();
            let connection = Connection { peer, tracks, waiting, with_loopback: udp.ip().is_loopback() };
            for candidate in &offer.candidates {
                // A way that cannot be read is none; the others may do.
                let _ = connection.add_candidate(candidate).await;
            }
            Ok((connection, answer))
        }
        Err(error) => {
            let _ = peer.close().await;
            Err(Failure::Offer(error))
        }
    }
}

async fn negotiate(
    peer: &Arc<dyn PeerConnection>,
    offer: &Offer,
    gathered: &Notify,
) -> Result<(Vec<(Arc<TrackLocalStaticRTP>, u32)>, String), Error> {
    let mut tracks = Vec::with_capacity(offer.lines);
    for line in 0..offer.lines {
        let ssrc = rand::random::<u32>().max(1);
        let track = Arc::new(TrackLocalStaticRTP::new(outgoing(line, ssrc)));
        peer.add_track(Arc::clone(&track) as Arc<dyn TrackLocal>).await?;
        tracks.push((track, ssrc));
    }
    peer.set_remote_description(RTCSessionDescription::offer(offer.sdp.clone())?).await?;
    let answer = peer.create_answer(None).await?;
    peer.set_local_description(answer).await?;
    let _ = tokio::time::timeout(GATHERING_MAX, gathered.notified()).await;
    let answer = peer.local_description().await.ok_or(Error::ErrConnectionClosed)?.sdp;
    let by_line = description::streams(&answer);
    let in_order = by_line.iter().filter_map(|ssrc| tracks.iter().find(|(_, s)| Some(*s) == *ssrc).cloned()).collect();
    Ok((in_order, answer))
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: OPUS.to_owned(),
        rtcp_feedback: vec![],
    }
}

/// Opus, and its redundant form where it is offered, with the offer's numbers.
fn codecs(offer: &Offer) -> Result<MediaEngine, Error> {
    let mut engine = MediaEngine::default();
    let codec = RTCRtpCodecParameters { rtp_codec: opus(), payload_type: offer.opus };
    engine.register_codec(codec, RtpCodecKind::Audio)?;
    if let Some((payload_type, parameters)) = &offer.red {
        let red = RTCRtpCodec { mime_type: "audio/red".to_owned(), sdp_fmtp_line: parameters.clone(), ..opus() };
        let codec = RTCRtpCodecParameters { rtp_codec: red, payload_type: *payload_type };
        engine.register_codec(codec, RtpCodecKind::Audio)?;
    }
    let level = RTCRtpHeaderExtensionCapability { uri: LEVEL_URI.to_owned() };
    engine.register_header_extension(level, RtpCodecKind::Audio, None)?;
    Ok(engine)
}

fn outgoing(line: usize, ssrc: u32) -> MediaStreamTrack {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: opus(),
        ..Default::default()
    };
    MediaStreamTrack::new(
        format!("slot-{line}"),
        format!("voice-{line}"),
        "voice".into(),
        RtpCodecKind::Audio,
        vec![coding],
    )
}

impl Connection {
    /// Tries a way to the browser.
    pub async fn add_candidate(&self, candidate: &str) -> Result<(), super::Refused> {
        if !description::is_tried(candidate, self.with_loopback)? {
            return Ok(());
        }
        let init = RTCIceCandidateInit { candidate: candidate.to_owned(), ..Default::default() };
        let unusable = super::Refused::Unusable("a candidate cannot be read");
        self.peer.add_ice_candidate(init).await.map_err(|_| unusable)
    }

    /// What the library knows of it now.
    pub async fn known(&self) -> Known {
        self.waiting.look();
        let mut known = Known::default();
        let report = self.peer.get_stats(Instant::now(), StatsSelector::None).await;
        for entry in report.iter() {
            match entry {
                RTCStatsReportEntry::IceCandidatePair(pair) if pair.nominated && pair.current_round_trip_time > 0.0 => {
                    known.rtt_ms = Some(pair.current_round_trip_time * 1e3);
                }
                RTCStatsReportEntry::RemoteInboundRtp(report) => {
                    let percent = report.fraction_lost * 100.0;
                    known.lost_percent = Some(known.lost_percent.unwrap_or(0.0).max(percent));
                }
                _ => {}
            }
        }
        known.remote = self.remote().await;
        known
    }

    async fn remote(&self) -> Option<SocketAddr> {
        let sender = self.peer.get_senders().await.into_iter().next()?;
        let transport = sender.transport().await.ok()??;
        let pair = transport.ice_transport().get_selected_candidate_pair().await.ok()??;
        Some(SocketAddr::new(pair.remote().address.parse().ok()?, pair.remote().port))
    }

    /// Ends it.
    pub async fn close(&self) {
        if let Err(error) = self.peer.close().await {
            tracing::debug!("a voice connection did not close: {error}");
        }
    }
}

impl Track {
    /// Sends a packet without ever waiting: whether there was room for it.
    pub fn send(&self, packet: Packet) -> bool {
        let is_queued = self.waiting.has_room() && matches!(self.stream.write_rtp(packet).now_or_never(), Some(Ok(())));
        if is_queued {
            self.waiting.add();
        }
        is_queued
    }
}

struct Handler<W> {
    watcher: Arc<W>,
    gathered: Arc<Notify>,
    has_track: AtomicBool,
}

#[async_trait::async_trait]
impl<W: Watcher> PeerConnectionEventHandler for Handler<W> {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let standing = match state {
            RTCPeerConnectionState::Connected => Standing::Connected,
            RTCPeerConnectionState::Disconnected => Standing::Lost,
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => Standing::Failed,
            _ => return,
        };
        self.watcher.state(standing);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        // A microphone is one stream; whoever sends more is heard with the first.
        if self.has_track.swap(true, Ordering::Relaxed) {
            return;
        }
        let watcher = Arc::clone(&self.watcher);
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                match event {
                    TrackRemoteEvent::OnRtpPacket(packet) => watcher.packet(packet),
                    TrackRemoteEvent::OnEnded => return,
                    _ => {}
                }
            }
        });
    }
}
