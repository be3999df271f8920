//! Buttons, attributes in another order, other forms before the one that counts.

use super::{Ask, Revoked, Row, script};
use crate::web::language::Language;
use crate::web::page::text;

pub(super) fn header(context: &str, other: &str) -> String {
    format!(
        "<header><form action=\"{context}/search\" method=\"get\"><input value=\"{other}\" name=\"atl_token\" type=\"hidden\"/>\
         <input placeholder=\"Search\" name=\"q\" type=\"search\"/></form>\n\
         <form action=\"{context}/logout\" method=\"post\"><input value=\"{other}\" name=\"atl_token\" type=\"hidden\"/>\
         <button type=\"submit\" name=\"logout\">Log out</button></form></header>"
    )
}

pub(super) fn ask(ask: &Ask<'_>) -> String {
    let fields: Vec<String> = ask
        .hidden
        .iter()
        .map(|(name, value)| {
            format!(
                "<input value=\"{}\" name=\"{name}\" type=\"hidden\"/>",
                text(value)
            )
        })
        .collect();
    format!(
        "<main><p>{}, do you want to give <em>{}</em> access?</p>\n\
         <form action=\"{}\" method=\"post\">\n\
         <div class=\"buttons\"><button value=\"deny\" name=\"deny\" type=\"submit\"><span>Deny</span></button>\n\
         <button class=\"primary\" value=\"\" name=\"approve\" type=\"submit\"><span>Allow</span></button></div>\n\
         <div>{}</div></form></main>",
        text(ask.user),
        text(ask.consumer),
        ask.action,
        fields.concat(),
    )
}

pub(super) fn verifier(consumer: &str, verifier: &str) -> String {
    format!(
        "<main><p>Enter this verification code in <em>{}</em> to finish:</p>\n<pre><code>{verifier}</code></pre></main>",
        text(consumer)
    )
}

pub(super) fn tokens(rows: &[Row], language: Language) -> String {
    let say = |english| language.say(english);
    let body = if rows.is_empty() {
        format!(
            "<tr><td colspan=\"4\">{}</td></tr>\n",
            say("None specified")
        )
    } else {
        let rows: Vec<String> = rows.iter().map(|it| row(it, language)).collect();
        rows.concat()
    };
    format!(
        "<table class=\"applications\"><thead><tr><th>{}</th><th>{}</th><th>{}</th><th></th></tr>\
         </thead>\n<tbody>\n{body}</tbody></table>\n{}",
        say("Application"),
        say("Issued"),
        say("Permissions"),
        script("it.dataset.token", "it.dataset.revokeUrl")
    )
}

fn row(row: &Row, language: Language) -> String {
    let host = row
        .host
        .as_ref()
        .map(|host| format!(" <small>{}</small>", text(host)));
    let (name, value) = match &row.revoked {
        Revoked::Token(token) => ("token", token),
        Revoked::Url(url) => ("revoke-url", url),
    };
    format!(
        "<tr><td>{}{}</td><td><time>{}</time></td><td>{}</td>\
         <td><a href=\"#\" data-{name}=\"{}\" class=\"revoke\">{}</a></td></tr>\n",
        text(&row.consumer),
        host.unwrap_or_default(),
        language.date(row.created, "%d.%m.%Y %H:%M"),
        text(&row.access),
        text(value),
        language.say("Revoke access"),
    )
}
