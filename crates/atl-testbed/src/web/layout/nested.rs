//! The columns that are documented, and tokens in an element around what revokes them, which lies deep inside of a cell.

use super::{Revoked, Row, documented, script};
use crate::web::language::Language;
use crate::web::page::text;

const DATE: &str = "%d %b %Y %H:%M";

pub(super) fn tokens(rows: &[Row], language: Language) -> String {
    let say = |english| language.say(english);
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let (name, value) = match &row.revoked {
                Revoked::Token(token) => ("oauth-token", token),
                Revoked::Url(url) => ("revoke-url", url),
            };
            format!(
                "<tr><td><div class=\"aui-item\"><span class=\"consumer-name\">{}</span></div></td><td>{}</td>\
                 <td><span class=\"date\">{}</span></td><td><span class=\"date\">{}</span></td>\
                 <td><div class=\"aui-buttons\" data-{name}=\"{}\"><a class=\"aui-button\" href=\"#\">\
                 <span class=\"revoke\">{}</span></a></div></td></tr>\n",
                text(&row.consumer),
                text(&row.description),
                language.date(row.created, DATE),
                language.date(row.expires, DATE),
                text(value),
                say("Revoke"),
            )
        })
        .collect();
    let body = if rows.is_empty() {
        format!("<p class=\"none\">{}</p>", say("None specified"))
    } else {
        let headings = documented(language).map(|heading| format!("<th>{heading}</th>"));
        format!(
            "<table class=\"aui aui-table-interactive\"><thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table>",
            headings.concat(),
            rows.concat()
        )
    };
    format!(
        "<section class=\"aui-page-panel\"><div class=\"aui-page-panel-inner\">{body}</div></section>\n{}",
        script(
            "it.closest('.aui-buttons').dataset.oauthToken",
            "it.closest('.aui-buttons').dataset.revokeUrl"
        )
    )
}
