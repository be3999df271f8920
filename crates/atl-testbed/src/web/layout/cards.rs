//! A card for each grant, and no table.

use super::{Revoked, Row, script};
use crate::web::language::Language;
use crate::web::page::{hidden, text};

const DATE: &str = "%-d %B %Y, %H:%M";

pub(super) fn tokens(rows: &[Row], language: Language) -> String {
    let say = |english| language.say(english);
    if rows.is_empty() {
        return format!("<main><p>{}</p></main>", say("None specified"));
    }
    let cards: Vec<String> = rows
        .iter()
        .map(|row| {
            let form = match &row.revoked {
                Revoked::Token(token) => {
                    format!("<form method=\"post\">{}", hidden("token", token))
                }
                Revoked::Url(url) => format!("<form method=\"post\" action=\"{}\">", text(url)),
            };
            format!(
                "<article class=\"card\"><header><h3>{}</h3><p>{}</p></header>\n\
                 <p>{} <time>{}</time>, {} <time>{}</time></p><p>{}: {}</p>\n\
                 <footer>{form}<button class=\"revoke\">{}</button></form></footer></article>\n",
                text(&row.consumer),
                text(&row.description),
                say("Issued On"),
                language.date(row.created, DATE),
                say("Expires On"),
                language.date(row.expires, DATE),
                say("Access"),
                text(&row.access),
                say("Revoke"),
            )
        })
        .collect();
    format!(
        "<main class=\"cards\">\n{}</main>\n{}",
        cards.concat(),
        script(
            "it.form.elements.token.value",
            "it.form.hasAttribute('action') && it.form.action"
        )
    )
}
