//! A list of terms and what they are for each grant.

use super::{Revoked, Row, documented, script};
use crate::web::language::Language;
use crate::web::page::text;

const DATE: &str = "%Y-%m-%d %H:%M";

pub(super) fn tokens(rows: &[Row], language: Language) -> String {
    let say = |english| language.say(english);
    if rows.is_empty() {
        return format!("<div class='tokens'>{}</div>", say("None specified"));
    }
    let lists: Vec<String> = rows
        .iter()
        .map(|row| {
            let button = match &row.revoked {
                Revoked::Token(token) => format!("value='{}'", text(token)),
                Revoked::Url(url) => format!("formaction='{}'", text(url)),
            };
            let button = format!("<button class='revoke' {button}>{}</button>", say("Revoke"));
            let texts = [
                text(&row.consumer),
                text(&row.description),
                language.date(row.created, DATE),
                language.date(row.expires, DATE),
                button,
            ];
            let pairs = documented(language).into_iter().zip(texts);
            let pairs = pairs.map(|(term, text)| format!("<dt>{term}</dt><dd>{text}</dd>"));
            format!("<dl>{}</dl>\n", pairs.collect::<String>())
        })
        .collect();
    format!(
        "<div class='tokens'>\n{}</div>\n{}",
        lists.concat(),
        script("it.value", "it.getAttribute('formaction')")
    )
}
