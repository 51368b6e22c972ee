//! Offers, answers and candidates as text (SDP): what is taken from a browser, and what it is told.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::{Refused, SDP_MAX_BYTES, SLOTS};

/// Ways to a browser at most, in its offer and after it: browsers name one or two for each network and relay.
pub const CANDIDATES_MAX: usize = 40;
/// Streams that an offer says it sends: browsers name one, their microphone.
const SOURCES_MAX: usize = SLOTS;
/// A candidate is one line of text.
const CANDIDATE_MAX_BYTES: usize = 512;

/// An offer that may be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its text, without the candidates.
    pub sdp: String,
    /// The candidates it held.
    pub candidates: Vec<String>,
    /// Its audio lines.
    pub lines: usize,
    /// The payload type of Opus.
    pub opus: u8,
    /// The payload type of redundant Opus, and its parameters.
    pub red: Option<(u8, String)>,
    /// The header extension with the level (RFC 6464).
    pub level: Option<u8>,
    /// The identifiers of the streams that it says it sends.
    pub sources: Vec<u32>,
}

/// Reads an offer: audio alone, and as much of it as there are slots.
pub fn read_offer(sdp: &str) -> Result<Offer, Refused> {
    let refuse = |why| Err(Refused::Unusable(why));
    if sdp.len() > SDP_MAX_BYTES {
        return refuse("it is too long");
    }
    if !sdp.starts_with("v=0") {
        return refuse("it cannot be read");
    }
    let media: Vec<&str> = sdp.lines().filter(|line| line.starts_with("m=")).collect();
    if media.iter().any(|line| !line.starts_with("m=audio ")) {
        return refuse("it offers more than sound");
    }
    if media.is_empty() || media.len() > SLOTS {
        return refuse("it has no audio line, or too many");
    }
    let sections = || sdp.split("\nm=").skip(1);
    let Some(opus) = sections().next().and_then(|section| payload_type(section, "opus/48000/2")) else {
        return refuse("it does not offer Opus");
    };
    if sections().any(|section| payload_type(section, "opus/48000/2") != Some(opus)) {
        return refuse("its audio lines differ");
    }
    let first = sections().next().unwrap_or_default();
    let red = payload_type(first, "red/48000/2").and_then(|red| {
        let parameters = attribute(first, &format!("fmtp:{red} "))?.to_owned();
        Some((red, parameters))
    });
    let (candidates, lines): (Vec<&str>, Vec<&str>) = sdp.lines().partition(|line| line.starts_with("a=candidate:"));
    let candidates: Vec<String> = candidates.iter().take(CANDIDATES_MAX).map(|line| line[2..].to_owned()).collect();
    let mut text = lines.join("\r\n");
    text.push_str("\r\n");
    let sources = sdp.lines().filter_map(|line| line.trim().strip_prefix("a=ssrc:")?.split(' ').next()?.parse().ok());
    let sources: BTreeSet<u32> = sources.collect();
    if sources.len() > SOURCES_MAX {
        return refuse("it sends too many streams");
    }
    let (lines, level, sources) = (media.len(), level_extension(first), sources.into_iter().collect());
    Ok(Offer { sdp: text, candidates, lines, opus, red, level, sources })
}

/// The header extension in which a line carries levels.
fn level_extension(section: &str) -> Option<u8> {
    let of = |line: &str| {
        let (id, uri) = line.trim().strip_prefix("a=extmap:")?.split_once(' ')?;
        (uri.split(' ').next() == Some(LEVEL_URI)).then(|| id.split('/').next()?.parse().ok())?
    };
    section.lines().find_map(of)
}

/// The name of the header extension with the level.
pub const LEVEL_URI: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

fn attribute<'a>(section: &'a str, name: &str) -> Option<&'a str> {
    section.lines().find_map(|line| line.trim().strip_prefix("a=")?.strip_prefix(name))
}

fn payload_type(section: &str, codec: &str) -> Option<u8> {
    section.lines().find_map(|line| {
        let (number, name) = line.trim().strip_prefix("a=rtpmap:")?.split_once(' ')?;
        name.eq_ignore_ascii_case(codec).then(|| number.parse().ok().filter(|n| *n < 128))?
    })
}

/// The identifier of the stream that each line of an answer sends, by the order of the lines.
pub fn streams(answer: &str) -> Vec<Option<u32>> {
    let of = |section: &str| attribute(section, "ssrc:")?.split(' ').next()?.parse().ok();
    answer.split("\nm=").skip(1).map(of).collect()
}

/// Where browsers reach the server.
#[derive(Debug, Clone, Copy)]
pub struct Reached {
    /// The address that sockets are bound to.
    pub bind: IpAddr,
    /// The address that browsers know it by, where that is another.
    pub public: Option<IpAddr>,
    /// The one port for TCP.
    pub tcp: Option<SocketAddr>,
}

impl Reached {
    /// The answer with the ways that lead to the server. The library also names ways for RTCP alone, which there are none of.
    pub fn told(&self, answer: &str) -> String {
        let mut text = String::with_capacity(answer.len() + 64);
        for line in answer.lines() {
            match line.strip_prefix("a=candidate:") {
                Some(candidate) => text.push_str(&self.way(candidate).unwrap_or_default()),
                None => {
                    text.push_str(line);
                    text.push_str("\r\n");
                }
            }
        }
        text
    }

    fn way(&self, candidate: &str) -> Option<String> {
        let mut words: Vec<&str> = candidate.split(' ').collect();
        if words.get(1) != Some(&"1") {
            return None;
        }
        let address = self.public.unwrap_or(self.bind).to_string();
        let (tcp_address, tcp_port);
        if words.get(2) == Some(&"tcp") {
            let tcp = self.tcp?;
            let is_own = self.public.is_none() && !tcp.ip().is_unspecified();
            (tcp_address, tcp_port) = (if is_own { tcp.ip().to_string() } else { address }, tcp.port().to_string());
            *words.get_mut(4)? = &tcp_address;
            *words.get_mut(5)? = &tcp_port;
        } else {
            *words.get_mut(4)? = &address;
        }
        Some(format!("a=candidate:{}\r\n", words.join(" ")))
    }
}

/// The name of an answered connection, which browsers say in their checks.
pub fn name(answer: &str) -> Option<&str> {
    attribute(answer, "ice-ufrag:")
}

/// Whether a browser's candidate is tried. The server sends nothing to where no browser can be: loopback (but for tests that
/// are bound there), nobody, everybody; and connects to nobody by TCP. Names (mDNS) are left out, as the browser reaches the server
/// and its address is learnt so.
pub fn is_tried(candidate: &str, with_loopback: bool) -> Result<bool, Refused> {
    let unusable = Refused::Unusable("a candidate cannot be read");
    if candidate.len() > CANDIDATE_MAX_BYTES || candidate.contains(['\r', '\n']) {
        return Err(unusable);
    }
    let mut words = candidate.trim().split(' ');
    let (Some(_), Some(_), Some(protocol), Some(_), Some(address), Some(port)) =
        (words.next(), words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err(unusable);
    };
    if port.parse::<u16>().is_err() {
        return Err(unusable);
    }
    let Ok(address) = address.parse::<IpAddr>() else { return Ok(false) };
    let address = address.to_canonical();
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    let connects = protocol.eq_ignore_ascii_case("tcp") && !candidate.contains("tcptype active");
    let is_nobody = address.is_unspecified() || address.is_multicast() || is_broadcast;
    Ok(!connects && !is_nobody && (with_loopback || !address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2\r\n\
        a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
    const HEAD: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

    fn why(sdp: &str) -> &'static str {
        match read_offer(sdp) {
            Err(Refused::Unusable(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_offer_of_five_audio_lines_is_read() {
        let offer = read_offer(&format!("{HEAD}{}", LINE.repeat(5))).unwrap();
        assert_eq!((offer.lines, offer.opus, offer.level), (5, 111, Some(1)));
        assert_eq!(offer.red, Some((63, "111/111".into())));
        let with_candidate = format!("{HEAD}{LINE}a=candidate:1 1 udp 2122 192.0.2.1 5000 typ host\r\n");
        let offer = read_offer(&with_candidate).unwrap();
        assert_eq!(offer.candidates, ["candidate:1 1 udp 2122 192.0.2.1 5000 typ host"]);
        assert_eq!(offer.sdp, format!("{HEAD}{LINE}"));
    }

    #[test]
    fn what_is_not_ours_is_refused_with_a_sentence() {
        assert_eq!(why("hello"), "it cannot be read");
        assert_eq!(why(&format!("v=0{}", " ".repeat(SDP_MAX_BYTES))), "it is too long");
        assert_eq!(why(HEAD), "it has no audio line, or too many");
        assert_eq!(why(&format!("{HEAD}{}", LINE.repeat(6))), "it has no audio line, or too many");
        assert_eq!(why(&format!("{HEAD}{LINE}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n")), "it offers more than sound");
        assert_eq!(why(&format!("{HEAD}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n")), "it does not offer Opus");
        let other = LINE.replace("111", "109");
        assert_eq!(why(&format!("{HEAD}{LINE}{other}")), "its audio lines differ");
    }

    #[test]
    fn only_ways_that_lead_to_browsers_are_tried() {
        let udp = |address: &str| format!("candidate:1 1 udp 2122260223 {address} 50000 typ host generation 0");
        for (address, tried) in [
            ("192.168.1.7", true),
            ("2001:db8::1", true),
            ("127.0.0.1", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("255.255.255.255", false),
            ("224.0.0.1", false),
            ("ff02::1", false),
            ("8d6f3a35.local", false),
            ("localhost", false),
        ] {
            assert_eq!(is_tried(&udp(address), false), Ok(tried), "{address}");
        }
        assert_eq!(is_tried(&udp("127.0.0.1"), true), Ok(true));
        let tcp = |kind| format!("candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype {kind}");
        assert_eq!(is_tried(&tcp("active"), false), Ok(true));
        assert_eq!(is_tried(&tcp("passive"), false), Ok(false));
        assert!(is_tried("candidate:1", false).is_err());
        assert!(is_tried(&udp(&"1".repeat(600)), false).is_err());
    }

    #[test]
    fn the_answer_names_the_ways_that_lead_to_the_server_alone() {
        let udp = "a=candidate:1 1 udp 2130706431 10.0.0.5 4000 typ host\r\n";
        let tcp = "a=candidate:1 1 tcp 2130706431 127.0.0.1 4001 typ host tcptype passive\r\n";
        let rest = udp.replace("1 1", "1 2");
        let head = "v=0\r\na=ice-ufrag:abcd\r\nc=IN IP4 0.0.0.0\r\n";
        let answer = format!("{head}{udp}{tcp}{rest}");
        assert_eq!(name(&answer), Some("abcd"));
        let bind = "10.0.0.5".parse().unwrap();
        let reached = Reached { bind, public: None, tcp: None };
        assert_eq!(reached.told(&answer), format!("{head}{udp}"));
        let reached = Reached { tcp: Some("0.0.0.0:443".parse().unwrap()), ..reached };
        let by_tcp = tcp.replace("127.0.0.1 4001", "10.0.0.5 443");
        assert_eq!(reached.told(&answer), format!("{head}{udp}{by_tcp}"));
        let reached = Reached { public: Some("198.51.100.7".parse().unwrap()), ..reached };
        assert_eq!(reached.told(&answer), format!("{head}{udp}{by_tcp}").replace("10.0.0.5", "198.51.100.7"));
    }

    #[test]
    fn the_streams_of_an_answer_are_found_by_line() {
        let answer =
            "v=0\r\nm=audio 9 x 111\r\na=ssrc:77 cname:a\r\na=ssrc:77 msid:b c\r\nm=audio 9 x 111\r\na=inactive\r\n";
        assert_eq!(streams(answer), [Some(77), None]);
    }

    proptest! {
        #[test]
        fn nothing_that_is_said_can_upset_it(sdp in "(v=0\r\n)?((m=audio|m=|a=rtpmap:|a=candidate:|a=extmap:|a=fmtp:)[ -~]{0,60}\r?\n){0,20}") {
            let _ = read_offer(&sdp);
            let _ = streams(&sdp);
            for line in sdp.lines() {
                let _ = is_tried(line, false);
            }
        }
    }
}
