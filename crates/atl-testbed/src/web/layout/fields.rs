//! A form for each button, and whatever is to be read stands in a field.

use super::{Ask, Revoked, Row, script};
use crate::web::language::Language;
use crate::web::page::text;

pub(super) fn search(context: &str, other: &str) -> String {
    format!(
        "<form action='{context}/dosearch' method='post'><input type='hidden' name='atl_token' value='{other}' />\
         <input type='text' name='query' value='' /><input type='submit' name='search' value='Search' /></form>"
    )
}

pub(super) fn ask(ask: &Ask<'_>) -> String {
    let fields: Vec<String> = ask
        .hidden
        .iter()
        .map(|(name, value)| hidden(name, value))
        .collect();
    // Posted to the page itself, its query included.
    let form = |name: &str, label: &str| {
        format!(
            "<form method='post'>{}<input name='{name}' type='submit' value='{label}' /></form>",
            fields.concat()
        )
    };
    format!(
        "<p>{} asks to act as {} here.</p>\n{}\n{}",
        text(ask.consumer),
        text(ask.user),
        form("approve", "Allow"),
        form("deny", "Deny")
    )
}

pub(super) fn verifier(consumer: &str, verifier: &str) -> String {
    format!(
        "<p>{} will ask for this code.</p>\n<input type='text' id='verification' value='{verifier}' readonly='readonly' />",
        text(consumer)
    )
}

pub(super) fn tokens(rows: &[Row], language: Language) -> String {
    let say = |english| language.say(english);
    if rows.is_empty() {
        return format!("<div class='none'>{}</div>", say("None specified"));
    }
    let rows: Vec<String> = rows
        .iter()
        .map(|row| {
            let form = match &row.revoked {
                Revoked::Token(token) => format!("<form method='post'>{}", hidden("token", token)),
                Revoked::Url(url) => format!("<form method='post' action='{}'>", text(url)),
            };
            format!(
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{form}\
                 <button class='revoke' type='submit'>{}</button></form></td></tr>\n",
                text(&row.consumer),
                text(&row.description),
                language.date(row.created, "%Y/%m/%d %-H:%M"),
                say("Revoke OAuth Access Token"),
            )
        })
        .collect();
    format!(
        "<table><tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr>\n{}</table>\n{}",
        say("Consumer"),
        say("Consumer Description"),
        say("Issued On"),
        say("Actions"),
        rows.concat(),
        script(
            "it.form.elements.token.value",
            "it.form.hasAttribute('action') && it.form.action"
        )
    )
}

fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type='hidden' value='{}' name='{name}' />",
        text(value)
    )
}
