//! One connection of a seat: answers an offer, hands on what comes in, and sends what a listener hears.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtc::ice::mdns::MulticastDnsMode;
use rtc::ice::network_type::NetworkType;
use rtc::ice::tcp_type::TcpType;
use rtc::interceptor::{ReceiverReportBuilder, Registry, SenderReportBuilder, Slot};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MediaEngine};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCIceCandidate, RTCIceCandidateInit};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp::Packet;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::shared::error::Error;
use rtc::statistics::StatsSelector;
use rtc::statistics::report::RTCStatsReportEntry;
use tokio::net::UdpSocket;

use super::admission::Admission;
use super::description::{self, LEVEL_URI, Offer};
use super::wire::{Local, Watcher, Wire};

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
/// How Opus is to be sent: nothing while it is silent, and with its own error correction.
const OPUS: &str = "minptime=10;useinbandfec=1;usedtx=1";

/// A connection; it ends where this is dropped.
pub struct Connection {
    /// Its protocols and sockets.
    pub wire: Arc<Wire>,
    /// The identifiers of the streams to the listener, by the order of the lines in the offer.
    pub tracks: Vec<u32>,
    with_loopback: bool,
}

/// What the library knows of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Known {
    /// The round trip, in ms.
    pub rtt_ms: Option<f64>,
    /// Where packets to the listener go.
    pub remote: Option<SocketAddr>,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Failure {
    /// It found no place: another port may do.
    Place(io::Error),
    /// The library does not take the offer.
    Offer(Error),
}

/// Answers an offer from a socket of its own at this address, and takes streams that arrive at that of TCP. Runs on the current threads
/// until the connection is dropped.
pub async fn answer(
    offer: &Offer,
    udp: SocketAddr,
    tcp: Option<SocketAddr>,
    watcher: Box<dyn Watcher>,
) -> Result<(Connection, String), Failure> {
    let socket = UdpSocket::bind(udp).await.map_err(Failure::Place)?;
    let local = Local { udp: socket.local_addr().map_err(Failure::Place)?, tcp };
    let (peer, tracks, answer) = negotiate(offer, local).map_err(Failure::Offer)?;
    let wire = Arc::new(Wire::new(peer, socket, local, Admission::new(&offer.sources), watcher));
    tokio::spawn(Arc::clone(&wire).run());
    let connection = Connection { wire, tracks, with_loopback: local.udp.ip().is_loopback() };
    for candidate in &offer.candidates {
        // A way that cannot be read is none; the others may do.
        let _ = connection.add_candidate(candidate);
    }
    Ok((connection, answer))
}

/// The protocols once they have taken the offer, the identifiers of their streams by line, and their answer.
fn negotiate(offer: &Offer, local: Local) -> Result<(RTCPeerConnection, Vec<u32>, String), Error> {
    let now = Instant::now();
    let registry = Registry::new()
        .with(Slot::ReceiverReport, ReceiverReportBuilder::new().with_interval(REPORTS_EVERY).build())
        .with(Slot::SenderReport, SenderReportBuilder::new().with_interval(REPORTS_EVERY).build());
    let mut networks = vec![NetworkType::Udp4, NetworkType::Udp6];
    if local.tcp.is_some() {
        networks.extend([NetworkType::Tcp4, NetworkType::Tcp6]);
    }
    let settings = SettingEngineBuilder::new()
        .with_network_types(networks)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        .with_include_loopback_candidate(local.udp.ip().is_loopback())
        .with_ice_connection_attempts(Some(ICE_INTERVAL), Some(ICE_TRIES))
        .with_ice_timeouts(Some(ICE_DISCONNECTED), Some(ICE_FAILED), Some(ICE_KEEPALIVE))
        .build();
    let mut peer = RTCPeerConnectionBuilder::new()
        .with_media_engine(codecs(offer)?)
        .with_interceptor_registry(registry)
        .with_setting_engine(settings)
        .build(now)?;
    for line in 0..offer.lines {
        peer.add_track(outgoing(line, rand::random::<u32>().max(1)))?;
    }
    peer.set_remote_description(now, RTCSessionDescription::offer(offer.sdp.clone())?)?;
    let answer = peer.create_answer(None)?;
    peer.set_local_description(now, answer)?;
    peer.add_local_candidate(way("udp", local.udp, TcpType::Unspecified)?)?;
    if let Some(tcp) = local.tcp {
        peer.add_local_candidate(way("tcp", tcp, TcpType::Passive)?)?;
    }
    // These are all.
    peer.add_local_candidate(RTCIceCandidateInit::default())?;
    let answer = peer.local_description().ok_or(Error::ErrConnectionClosed)?.sdp;
    let tracks = description::streams(&answer).into_iter().flatten().collect();
    Ok((peer, tracks, answer))
}

/// A way to this side.
fn way(network: &str, address: SocketAddr, tcp_type: TcpType) -> Result<RTCIceCandidateInit, Error> {
    let base_config = CandidateConfig {
        network: network.to_owned(),
        address: address.ip().to_string(),
        port: address.port(),
        component: 1,
        ..Default::default()
    };
    let candidate = CandidateHostConfig { base_config, tcp_type }.new_candidate_host()?;
    RTCIceCandidate::from(&candidate).to_json()
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
    /// Sends a packet to the listener, now or never: whether it left.
    pub fn send(&self, packet: Packet, now: Instant) -> bool {
        self.wire.say(packet, now)
    }

    /// Tries a way to the browser.
    pub fn add_candidate(&self, candidate: &str) -> Result<(), super::Refused> {
        if !description::is_tried(candidate, self.with_loopback)? {
            return Ok(());
        }
        let init = RTCIceCandidateInit { candidate: candidate.to_owned(), ..Default::default() };
        let unusable = super::Refused::Unusable("a candidate cannot be read");
        self.wire.with(|peer| peer.add_remote_candidate(init)).map_err(|_| unusable)
    }

    /// What the library knows of it now.
    pub fn known(&self) -> Known {
        let report = self.wire.look(|peer| peer.get_stats(Instant::now(), StatsSelector::None));
        let rtt_ms = report.iter().find_map(|entry| match entry {
            RTCStatsReportEntry::IceCandidatePair(pair) if pair.nominated && pair.current_round_trip_time > 0.0 => {
                Some(pair.current_round_trip_time * 1e3)
            }
            _ => None,
        });
        Known { rtt_ms, remote: self.wire.remote() }
    }

    /// Ends it.
    pub fn close(&self) {
        self.wire.close();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}
