//! Keys that stand twice in one map of a data file.
//!
//! The parsers keep the last of them, so a label that was written first would be lost without a word, and
//! a mask with it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A document of any form in which no map says a key twice. It keeps nothing of what it has seen.
#[derive(Debug)]
pub(crate) struct NoRepeats;

impl<'de> Deserialize<'de> for NoRepeats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Look)
    }
}

struct Look;

impl<'de> Visitor<'de> for Look {
    type Value = NoRepeats;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("plain data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NoRepeats, A::Error> {
        let mut seen = BTreeSet::new();
        // Keys of YAML need not be strings.
        while let Some(key) = map.next_key::<Value>()? {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("the key `{key}` stands twice in one map")));
            }
            seen.insert(key);
            map.next_value::<NoRepeats>()?;
        }
        Ok(NoRepeats)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<NoRepeats, A::Error> {
        while list.next_element::<NoRepeats>()?.is_some() {}
        Ok(NoRepeats)
    }

    fn visit_bool<E>(self, _: bool) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_i64<E>(self, _: i64) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_u64<E>(self, _: u64) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_f64<E>(self, _: f64) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_str<E>(self, _: &str) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_unit<E>(self) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_none<E>(self) -> Result<NoRepeats, E> {
        Ok(NoRepeats)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<NoRepeats, D::Error> {
        NoRepeats::deserialize(inner)
    }
}
