//! Who is no person: told by what a browser calls itself.

/// How every browser's name begins, for historical reasons. Programs that fetch pages have names of their own.
const BROWSERS: [&str; 2] = ["mozilla/", "opera/"];
/// What robots that call themselves browsers have in their names, in small letters.
const WORDS: &[&str] = &[
    "archive",
    "bot",
    "capture",
    "check",
    "crawl",
    "facebookexternalhit",
    "feed",
    "google-read-aloud",
    "headless",
    "http",
    "inspect",
    "lighthouse",
    "monitor",
    "pagespeed",
    "phantomjs",
    "pingdom",
    "preview",
    "probe",
    "prerender",
    "scan",
    "scrap",
    "screenshot",
    "slurp",
    "spider",
    "uptime",
    "validator",
];
/// Makers of telephones whose names look like a robot's.
const NOT_ROBOTS: &[&str] = &["cubot"];

/// Whether a browser's name is that of a robot, of a browser that nobody looks at, or none.
pub fn is_bot(agent: &str) -> bool {
    let mut agent = agent.trim().to_ascii_lowercase();
    if !BROWSERS.iter().any(|name| agent.starts_with(name)) {
        return true;
    }
    for name in NOT_ROBOTS {
        agent = agent.replace(name, "");
    }
    WORDS.iter().any(|word| agent.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_counted() {
        for agent in [
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
            "Mozilla/5.0 (Linux; Android 14; CUBOT KINGKONG 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36",
            "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1; U; en) Presto/2.8.119 Version/11.10",
        ] {
            assert!(!is_bot(agent), "{agent}");
        }
    }

    #[test]
    fn robots_are_left_out() {
        for agent in [
            "",
            " ",
            "curl/8.5.0",
            "python-requests/2.32",
            "Go-http-client/2.0",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/141.0.0.0 Safari/537.36",
            "Mozilla/5.0 (compatible; SomethingNew/1.0; +https://robots.example/about)",
            "Mozilla/5.0 (Macintosh) Chrome-Lighthouse",
        ] {
            assert!(is_bot(agent), "{agent}");
        }
    }
}
