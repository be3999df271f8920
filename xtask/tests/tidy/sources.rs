//! What may not stand in a source file.

use crate::tree::texts;

/// Words that would find themselves here if they stood here whole.
const TODO: &str = concat!("todo", "!(");
const IGNORE: &str = concat!("#[", "ignore");
const SLEEP: &str = concat!("thread::", "sleep");
const PLACES: [&str; 4] = [
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "Users/"),
    concat!("/", "tmp/wt"),
];

const MOST_LINES: usize = 600;

/// Gathers every objection before it fails.
fn expect_none(objections: impl Iterator<Item = String>) {
    let objections: Vec<_> = objections.collect();
    assert!(objections.is_empty(), "\n{}\n", objections.join("\n"));
}

fn rust() -> impl Iterator<Item = (String, String)> {
    texts().filter(|(path, _)| has_ending(path, &["rs"]))
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    ending.is_some_and(|ending| endings.contains(&ending))
}

/// The lines with one of these words, as `path:line: word`.
fn lines_with(path: &str, text: &str, words: &[&str]) -> Vec<String> {
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(number, line)| {
            let found = words.iter().filter(|word| line.contains(**word));
            found.map(move |word| format!("{path}:{}: {word}", number + 1))
        })
        .collect()
}

/// A file of tests whole, of another what follows its first module of tests.
fn tests_of<'a>(path: &str, text: &'a str) -> &'a str {
    let stem = path.rsplit('/').next().unwrap_or_default();
    if path.contains("/tests/") || stem.ends_with("tests.rs") {
        return text;
    }
    text.find("#[cfg(test)]").map_or("", |start| &text[start..])
}

#[test]
fn every_source_file_says_what_it_is() {
    expect_none(rust().filter_map(|(path, text)| {
        let says = text.starts_with("//! ") || text.starts_with("#![doc");
        (!says).then(|| format!("{path} does not begin with what it is (`//! ...`)"))
    }));
}

#[test]
fn no_source_file_is_too_long() {
    expect_none(rust().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > MOST_LINES)
            .then(|| format!("{path} has {lines} lines, more than {MOST_LINES}: split it"))
    }));
}

#[test]
fn nothing_is_left_undone_or_ignored() {
    expect_none(rust().flat_map(|(path, text)| lines_with(&path, &text, &[TODO, IGNORE])));
}

#[test]
fn tests_do_not_sleep() {
    expect_none(
        rust().flat_map(|(path, text)| lines_with(&path, tests_of(&path, &text), &[SLEEP])),
    );
}

#[test]
fn no_line_ends_in_a_space() {
    let written = |path: &str| {
        has_ending(path, &["rs", "toml", "md", "sh"]) && !path.starts_with("fixtures/")
    };
    expect_none(
        texts()
            .filter(|(path, _)| written(path))
            .flat_map(|(path, text)| {
                let lines = text.split('\n').enumerate();
                lines
                    .filter(|(_, line)| line.trim_end() != *line)
                    .map(|(number, _)| format!("{path}:{}: ends in a space", number + 1))
                    .collect::<Vec<_>>()
            }),
    );
}

#[test]
fn no_file_names_a_place_on_somebodys_machine() {
    expect_none(texts().flat_map(|(path, text)| lines_with(&path, &text, &PLACES)));
}
