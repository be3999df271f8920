//! The fleet file with other names for a consumer, as a unified diff: it is the user who applies it.

use std::fmt::Write as _;

/// Lines around a change.
const CONTEXT: usize = 3;

/// A unified diff that sets `key` and `url` of a consumer; `None` where the file is not laid out one key a line, so that
/// the change is better made by hand.
pub(super) fn patch(
    path: &str,
    text: &str,
    consumer: &str,
    key: &str,
    url: &str,
) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let block = block(&lines, consumer)?;
    let old_url = block.clone().find(|at| is_key(lines[*at], "url"))?;
    let old_key = block.clone().find(|at| is_key(lines[*at], "key"));
    let indent = &lines[old_url][..lines[old_url].len() - lines[old_url].trim_start().len()];
    let mut new: Vec<(usize, Vec<String>)> = Vec::new();
    let url_line = format!("{indent}url: {url}");
    let key_line = format!("{indent}key: {key}");
    match old_key {
        Some(at) => new.extend([(at, vec![key_line]), (old_url, vec![url_line])]),
        None => new.push((old_url, vec![key_line, url_line])),
    }
    new.sort_by_key(|(at, _)| *at);
    let (first, last) = (new.first()?.0, new.last()?.0);
    let start = first.saturating_sub(CONTEXT);
    let end = (last + CONTEXT + 1).min(lines.len());
    let added: usize = new.iter().map(|(_, lines)| lines.len()).sum();
    let mut diff = format!("--- {path}\n+++ {path}\n");
    let (before, after) = (end - start, end - start - new.len() + added);
    writeln!(diff, "@@ -{},{before} +{},{after} @@", start + 1, start + 1).ok()?;
    for (at, line) in lines.iter().enumerate().take(end).skip(start) {
        match new.iter().find(|(place, _)| *place == at) {
            None => writeln!(diff, " {line}").ok()?,
            Some((_, lines)) => {
                writeln!(diff, "-{line}").ok()?;
                for line in lines {
                    writeln!(diff, "+{line}").ok()?;
                }
            }
        }
    }
    Some(diff)
}

/// The lines below a consumer's name in the block `consumers:`.
fn block(lines: &[&str], consumer: &str) -> Option<std::ops::Range<usize>> {
    let consumers = lines
        .iter()
        .position(|line| line.trim_end() == "consumers:" || line.starts_with("consumers: #"))?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let blank = |line: &str| line.trim_start().is_empty() || line.trim_start().starts_with('#');
    let name = (consumers + 1..lines.len())
        .take_while(|at| blank(lines[*at]) || indent(lines[*at]) > 0)
        .find(|at| {
            is_key(lines[*at], consumer) || is_key(lines[*at], &format!("\"{consumer}\""))
        })?;
    let depth = indent(lines[name]);
    let end = (name + 1..lines.len())
        .find(|at| !blank(lines[*at]) && indent(lines[*at]) <= depth)
        .unwrap_or(lines.len());
    let below = (name + 1..end).find(|at| !blank(lines[*at]))?;
    let depth = indent(lines[below]);
    // Keys of the consumer itself, not of what is below them.
    (name + 1..end)
        .filter(|at| !blank(lines[*at]))
        .any(|at| indent(lines[at]) == depth && is_key(lines[at], "url"))
        .then_some(name + 1..end)
}

fn is_key(line: &str, key: &str) -> bool {
    line.trim_start()
        .strip_prefix(key)
        .is_some_and(|rest| rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "version: 1\nservers:\n  jira:\n    url: https://jira.example.com\nconsumers:\n  other:\n    url: https://other.example.com\n  bot:\n    name: Bot\n    url: https://bot.example.com\n    grants:\n      - user: alice\n";

    #[test]
    fn a_key_is_added_where_there_was_none() {
        let diff = patch(
            "fleet.yaml",
            FILE,
            "bot",
            "bot-2",
            "https://bot.example.com/bot-2",
        )
        .unwrap();
        assert_eq!(
            diff,
            "--- fleet.yaml\n+++ fleet.yaml\n@@ -7,6 +7,7 @@\n     url: https://other.example.com\n   bot:\n     name: Bot\n-    url: https://bot.example.com\n+    key: bot-2\n+    url: https://bot.example.com/bot-2\n     grants:\n       - user: alice\n"
        );
    }

    #[test]
    fn a_key_that_is_there_is_replaced() {
        let text = FILE.replace("    name: Bot\n", "    key: the-bot\n    name: Bot\n");
        let diff = patch("f", &text, "bot", "bot-2", "https://x.example.com").unwrap();
        assert!(diff.contains("-    key: the-bot\n+    key: bot-2\n     name: Bot\n-    url: https://bot.example.com\n+    url: https://x.example.com\n"), "{diff}");
    }

    #[test]
    fn what_is_laid_out_otherwise_is_left_to_the_user() {
        let text = "consumers: { bot: { url: https://bot.example.com } }\n";
        assert_eq!(patch("f", text, "bot", "k", "u"), None);
        let text = "consumers:\n  bot: { url: https://bot.example.com }\n";
        assert_eq!(patch("f", text, "bot", "k", "u"), None);
    }
}
