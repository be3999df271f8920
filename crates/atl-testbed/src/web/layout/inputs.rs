//! One form with inputs to submit it, and rows that carry their tokens.

use super::{Ask, Revoked, Row, script};
use crate::web::language::Language;
use crate::web::page::{hidden, text};

pub(super) fn ask(ask: &Ask<'_>) -> String {
    let fields: Vec<String> = ask
        .hidden
        .iter()
        .map(|(name, value)| hidden(name, value))
        .collect();
    format!(
        "<form id=\"authorize-form\" name=\"authorizeForm\" class=\"aui\" method=\"post\" action=\"{}\">{}\n\
         <p>The application <strong>{}</strong> would like to have read and write access to your data as {}.</p>\n\
         <input type=\"submit\" class=\"aui-button\" name=\"approve\" value=\"Allow\">\n\
         <input type=\"submit\" class=\"aui-button\" name=\"deny\" value=\"Deny\"></form>",
        ask.action,
        fields.concat(),
        text(ask.consumer),
        text(ask.user),
    )
}

pub(super) fn verifier(consumer: &str, verifier: &str) -> String {
    format!(
        "<p>You have given {} access.</p>\n<p>Your verification code is <strong>{verifier}</strong>.</p>\n\
         <p>You will need to enter this exact text when prompted.</p>",
        text(consumer)
    )
}

pub(super) fn tokens(rows: &[Row], language: Language) -> String {
    let say = |english| language.say(english);
    if rows.is_empty() {
        return format!("<p>{}</p>", say("None specified"));
    }
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let (name, value) = match &row.revoked {
                Revoked::Token(token) => ("token", token),
                Revoked::Url(url) => ("revoke-url", url),
            };
            format!(
                "<tr data-{name}=\"{}\"><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
                 <td><button type=\"button\" class=\"aui-button aui-button-link revoke\">{}</button></td></tr>\n",
                text(value),
                text(&row.consumer),
                text(row.host.as_deref().unwrap_or_default()),
                language.date(row.created, "%b %-d, %Y %-I:%M %p"),
                text(&row.access),
                say("Revoke"),
            )
        })
        .collect();
    format!(
        "<table id=\"access-tokens\" class=\"aui\"><thead><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th>\
         <th>{}</th></tr></thead>\n<tbody>\n{}</tbody></table>\n{}",
        say("Name"),
        say("Host"),
        say("Date"),
        say("Access"),
        say("Actions"),
        rows.concat(),
        script(
            "it.closest('tr').dataset.token",
            "it.closest('tr').dataset.revokeUrl"
        )
    )
}
