//! A browser's part of a call: offers five audio lines, sends packets, and keeps what it hears.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::ice::network_type::NetworkType;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_OPUS, MediaEngine};
use rtc::rtp::{Header, Packet};
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
    RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use tokio::sync::{Notify, mpsc, watch};
use webrtc::error::Error;
use webrtc::media_stream::track_local::TrackLocal;
use webrtc::media_stream::track_local::static_rtp::TrackLocalStaticRTP;
use webrtc::media_stream::track_remote::{TrackRemote, TrackRemoteEvent};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceCandidateInit, RTCIceGatheringState,
    RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder, configure_rtcp_reports,
};

/// The payload type of Opus in offers.
pub const OPUS: u8 = 111;
/// The payload type of redundant Opus in offers.
pub const RED: u8 = 63;
/// Audio lines of an offer.
const LINES: usize = 5;
/// Packets that were heard and not looked at yet: some seconds of five voices.
const HEARD_MAX: usize = 2_000;
/// As browsers: 20 ms of 48 kHz in a packet.
const SAMPLES: u32 = 960;
const ICE_INTERVAL: Duration = Duration::from_millis(20);
const LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// A packet that was heard, and on which line of the offer.
pub type Heard = (usize, Packet);

/// A connection.
pub struct Caller {
    peer: Arc<dyn PeerConnection>,
    microphone: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    lines: Arc<Mutex<HashMap<u32, usize>>>,
    state: watch::Receiver<RTCPeerConnectionState>,
    level_id: u8,
    /// The number of the last packet that was said.
    pub said: u16,
    /// What is heard.
    pub heard: mpsc::Receiver<Heard>,
}

struct Handler {
    gathered: Notify,
    state: watch::Sender<RTCPeerConnectionState>,
    lines: Arc<Mutex<HashMap<u32, usize>>>,
    heard: mpsc::Sender<Heard>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.notify_one();
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let _ = self.state.send(state);
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let (heard, lines) = (self.heard.clone(), Arc::clone(&self.lines));
        tokio::spawn(async move {
            while let Some(event) = track.poll().await {
                if let TrackRemoteEvent::OnRtpPacket(packet) = event {
                    let line = lines.lock().unwrap_or_else(PoisonError::into_inner).get(&packet.header.ssrc).copied();
                    if let Some(line) = line {
                        let _ = heard.try_send((line, packet));
                    }
                }
            }
        });
    }
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: vec![],
    }
}

fn codecs() -> Result<MediaEngine, Error> {
    let mut engine = MediaEngine::default();
    let red = RTCRtpCodec { mime_type: "audio/red".into(), sdp_fmtp_line: format!("{OPUS}/{OPUS}"), ..opus() };
    for (rtp_codec, payload_type) in [(opus(), OPUS), (red, RED)] {
        engine.register_codec(RTCRtpCodecParameters { rtp_codec, payload_type }, RtpCodecKind::Audio)?;
    }
    let level = RTCRtpHeaderExtensionCapability { uri: LEVEL_URI.to_owned() };
    engine.register_header_extension(level, RtpCodecKind::Audio, None)?;
    Ok(engine)
}

impl Caller {
    /// A connection with its offer. Reachable over UDP at this address, or over TCP alone.
    pub async fn offer(bind: IpAddr, by_tcp: bool) -> Result<(Caller, String), Error> {
        let (heard_in, heard) = mpsc::channel(HEARD_MAX);
        let (state_in, state) = watch::channel(RTCPeerConnectionState::New);
        let lines = Arc::new(Mutex::new(HashMap::new()));
        let handler =
            Arc::new(Handler { gathered: Notify::new(), state: state_in, lines: Arc::clone(&lines), heard: heard_in });
        let udp_alone = vec![NetworkType::Udp4, NetworkType::Udp6];
        let settings = SettingEngineBuilder::new()
            .with_network_types(if by_tcp { vec![NetworkType::Tcp4, NetworkType::Tcp6] } else { udp_alone })
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            .with_include_loopback_candidate(true)
            .with_ice_connection_attempts(Some(ICE_INTERVAL), Some(100))
            .build();
        let address = format!("{bind}:0");
        let (udp, tcp) = if by_tcp { (vec![], vec![address]) } else { (vec![address], vec![]) };
        let peer: Arc<dyn PeerConnection> = Arc::new(
            PeerConnectionBuilder::new()
                .with_media_engine(codecs()?)
                .with_interceptor_registry(configure_rtcp_reports(Registry::new()))
                .with_setting_engine(settings)
                .with_handler(Arc::clone(&handler) as Arc<dyn PeerConnectionEventHandler>)
                .with_udp_addrs(udp)
                .with_tcp_addrs(tcp)
                .build()
                .await?,
        );
        let ssrc = rand::random::<u32>().max(1);
        let coding = RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
            codec: opus(),
            ..Default::default()
        };
        let stream =
            MediaStreamTrack::new("me".into(), "microphone".into(), "me".into(), RtpCodecKind::Audio, vec![coding]);
        let microphone = Arc::new(TrackLocalStaticRTP::new(stream));
        peer.add_track(Arc::clone(&microphone) as Arc<dyn TrackLocal>).await?;
        for _ in 1..LINES {
            let init = RTCRtpTransceiverInit { direction: RTCRtpTransceiverDirection::Recvonly, ..Default::default() };
            peer.add_transceiver_from_kind(RtpCodecKind::Audio, Some(init)).await?;
        }
        let offer = peer.create_offer(None).await?;
        peer.set_local_description(offer).await?;
        handler.gathered.notified().await;
        let sdp = peer.local_description().await.ok_or(Error::ErrConnectionClosed)?.sdp;
        let level_id = sdp.lines().find_map(|line| {
            let (id, uri) = line.strip_prefix("a=extmap:")?.split_once(' ')?;
            uri.starts_with(LEVEL_URI).then(|| id.parse().ok())?
        });
        let level_id = level_id.unwrap_or(1);
        let caller = Caller { peer, microphone, ssrc, lines, state, level_id, said: rand::random(), heard };
        Ok((caller, sdp))
    }

    /// Takes the answer, and waits until media can flow.
    pub async fn connect(&mut self, answer: String) -> Result<(), Error> {
        {
            let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            for (n, section) in answer.split("\nm=").skip(1).enumerate() {
                let ssrc =
                    section.lines().find_map(|line| line.strip_prefix("a=ssrc:")?.split(' ').next()?.parse().ok());
                if let Some(ssrc) = ssrc {
                    lines.insert(ssrc, n);
                }
            }
        }
        let by_tcp = |line: &&str| line.starts_with("a=candidate:") && line.contains("tcptype passive");
        let candidates: Vec<String> = answer.lines().filter(by_tcp).map(|line| line[2..].to_owned()).collect();
        self.peer.set_remote_description(RTCSessionDescription::answer(answer)?).await?;
        // The library connects to those alone that are told one by one.
        for candidate in candidates {
            self.peer.add_ice_candidate(RTCIceCandidateInit { candidate, ..Default::default() }).await?;
        }
        let connected = self.state.wait_for(|state| *state == RTCPeerConnectionState::Connected).await;
        connected.map(|_| ()).map_err(|_| Error::ErrConnectionClosed)
    }

    /// Sends the next packet: its payload, how loud it is (−dBov), and its payload type.
    pub async fn say(&mut self, payload: Bytes, level: u8, payload_type: u8) -> Result<(), Error> {
        self.said = self.said.wrapping_add(1);
        let mut header = Header {
            version: 2,
            payload_type,
            sequence_number: self.said,
            timestamp: u32::from(self.said).wrapping_mul(SAMPLES),
            ssrc: self.ssrc,
            ..Header::default()
        };
        header.set_extension(self.level_id, Bytes::copy_from_slice(&[level & 0x7f]))?;
        self.microphone.write_rtp(Packet { header, payload }).await
    }

    /// Ends it.
    pub async fn close(&self) {
        let _ = self.peer.close().await;
    }
}
