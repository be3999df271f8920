//! Times and lists as databases keep them.

use jiff::Timestamp;

/// The moment so many milliseconds after 1970; none where no calendar has it, as where something never ends.
pub(crate) fn of_millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis)
        .ok()
        .filter(|time| time.as_second() < ENDLESS)
}

/// The year 9999: the products write its last day where something never ends.
const ENDLESS: i64 = 253_370_764_800;

/// The words of a list.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Times in words where people read them, and as numbers, which are faster, where nobody does.
pub(crate) mod packed {
    use jiff::Timestamp;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde asks for it")]
    pub(crate) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return time.serialize(serializer);
        }
        time.map(Timestamp::as_nanosecond).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        if deserializer.is_human_readable() {
            return Option::deserialize(deserializer);
        }
        let time: Option<i128> = Option::deserialize(deserializer)?;
        time.map(Timestamp::from_nanosecond)
            .transpose()
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_has_no_end() {
        let day = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        assert!(of_millis(day("9998-12-31T23:59:59Z")).is_some());
        for millis in [day("9999-01-01T00:00:00Z"), 253_402_214_400_000, i64::MAX] {
            assert_eq!(of_millis(millis), None);
        }
    }

    #[test]
    fn scopes_are_words() {
        assert_eq!(words(" READ,WRITE  ADMIN"), ["READ", "WRITE", "ADMIN"]);
        assert_eq!(words(""), [""; 0]);
    }
}
