//! One form with inputs to submit it, and rows that carry their tokens.

use super::{Ask, Revoked, Row, date, script};
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

pub(super) fn tokens(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "<p>None specified</p>".to_owned();
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
                 <td><button type=\"button\" class=\"aui-button aui-button-link revoke\">Revoke</button></td></tr>\n",
                text(value),
                text(&row.consumer),
                text(row.host.as_deref().unwrap_or_default()),
                date(row.created, "%b %-d, %Y %-I:%M %p"),
                text(&row.access),
            )
        })
        .collect();
    format!(
        "<table id=\"access-tokens\" class=\"aui\"><thead><tr><th>Name</th><th>Host</th><th>Date</th><th>Access</th>\
         <th>Actions</th></tr></thead>\n<tbody>\n{}</tbody></table>\n{}",
        rows.concat(),
        script(
            "it.closest('tr').dataset.token",
            "it.closest('tr').dataset.revokeUrl"
        )
    )
}
