//! Texts of servers and people, made safe to print.

const LONGEST_LINE: usize = 300;

/// Texts as one line that is safe to print and not too long; `None` where there is none.
pub(crate) fn line<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let text = texts.collect::<Vec<_>>().join(" ");
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let line: String = words.join(" ").chars().take(LONGEST_LINE).collect();
    (!line.is_empty()).then_some(line)
}

/// A name as it is, or as one line where it is none.
pub(crate) fn name(text: &str) -> String {
    if text.chars().any(char::is_control) || text.chars().count() > LONGEST_LINE {
        line([text].into_iter()).unwrap_or_default()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_as_it_is_unless_it_could_do_harm() {
        assert_eq!(name("a  b"), "a  b");
        assert_eq!(name("a\u{1b}[31m\n b"), "a [31m b");
        assert_eq!(name(&"x".repeat(1000)).len(), LONGEST_LINE);
    }
}
