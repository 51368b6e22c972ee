//! What is asked of the calls that go on: names, a quality, the relayed alone, a room. In the address, for page and files alike. Pure.

use crate::calls::quality::{Quality, quality};
use crate::server::form::field;
use crate::voice::monitor::{CallSample, PersonSample};

/// A search at most, in characters: as long as names are.
const SEARCH_CHARS_MAX: usize = 100;

/// Who is asked for; the default is everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of the name of a person or a room.
    pub search: String,
    /// Their quality.
    pub quality: Option<Quality>,
    /// Those alone whom the relay carries.
    pub is_relayed: bool,
    /// A room's number.
    pub room: Option<i32>,
}

impl Filter {
    /// Reads the query of an address; what is none of it, or nothing that can be, asks for nothing.
    pub fn of(query: &[(String, String)]) -> Filter {
        let text = |name| field(query, name).unwrap_or_default();
        Filter {
            search: text("search").chars().take(SEARCH_CHARS_MAX).collect(),
            quality: Quality::named(text("quality")),
            is_relayed: text("relayed") == "yes",
            room: text("room").parse().ok(),
        }
    }

    /// Whether everybody is asked for.
    pub fn is_all(&self) -> bool {
        *self == Filter::default()
    }

    /// The query that asks for it, with its question mark; empty for everybody.
    pub fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.search.is_empty() {
            query.append_pair("search", &self.search);
        }
        if let Some(quality) = self.quality {
            query.append_pair("quality", quality.name());
        }
        if self.is_relayed {
            query.append_pair("relayed", "yes");
        }
        if let Some(room) = self.room {
            query.append_pair("room", &room.to_string());
        }
        let query = query.finish();
        if query.is_empty() { query } else { format!("?{query}") }
    }

    /// The same in words, with the names of rooms; empty for everybody.
    pub fn words(&self, rooms: &[(i32, &str)]) -> String {
        let mut words = Vec::new();
        if !self.search.is_empty() {
            words.push(format!("names with \u{201c}{}\u{201d}", self.search));
        }
        if let Some(quality) = self.quality {
            words.push(format!("{} quality", quality.name()));
        }
        if self.is_relayed {
            words.push("relayed only".to_owned());
        }
        if let Some(room) = self.room {
            let name = rooms.iter().find(|(id, _)| *id == room).map_or("that nobody is in", |(_, name)| *name);
            words.push(format!("room {name}"));
        }
        words.join(", ")
    }

    /// Whether somebody in a call is asked for.
    pub fn takes(&self, call: &CallSample, person: &PersonSample) -> bool {
        let search = self.search.to_lowercase();
        let is_named = |name: &str| name.to_lowercase().contains(&search);
        (search.is_empty() || is_named(&person.name) || is_named(&call.name))
            && self.quality.is_none_or(|asked| quality(person) == Some(asked))
            && (!self.is_relayed || person.is_relayed)
            && self.room.is_none_or(|room| room == call.room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Instant;

    fn read(query: &str) -> Filter {
        Filter::of(&form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>())
    }

    #[test]
    fn the_address_says_what_is_asked() {
        for query in ["", "?search=%26+b&quality=poor&relayed=yes&room=3", "?quality=excellent"] {
            assert_eq!(read(query.trim_start_matches('?')).query(), query);
        }
        assert!(read("quality=splendid&relayed=no&room=kitchen&search=+").is_all());
    }

    #[test]
    fn what_is_asked_is_said_in_words() {
        for (query, words) in [
            ("", ""),
            ("quality=poor&relayed=yes", "poor quality, relayed only"),
            ("search=ada&room=3", "names with \u{201c}ada\u{201d}, room Sales"),
            ("room=4", "room that nobody is in"),
        ] {
            assert_eq!(read(query).words(&[(3, "Sales")]), words);
        }
    }

    #[test]
    fn people_are_found_by_their_name_and_their_room_s() {
        let person = PersonSample {
            name: "Zoë Miller".into(),
            is_relayed: true,
            rtt_ms: Some(20.0),
            is_connected: true,
            ..PersonSample::default()
        };
        let call =
            CallSample { id: 1, room: 3, name: "Sales".into(), began_at: Instant::default(), people: Vec::new() };
        for (query, found) in [
            ("", true),
            ("search=zoë", true),
            ("search=SALES", true),
            ("search=support", false),
            ("quality=excellent&relayed=yes&room=3", true),
            ("quality=poor", false),
            ("room=4", false),
        ] {
            assert_eq!(read(query).takes(&call, &person), found, "{query}");
        }
        assert!(!read("relayed=yes").takes(&call, &PersonSample { is_relayed: false, ..person }));
    }
}
