//! Plain HTML.

use quick_xml::escape::escape;

use crate::call::Call;
use crate::identity::Caller;
use crate::reply::Reply;
use crate::state::State;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #ddd}\
    label{display:block;margin:.6rem 0 .1rem}input[type=text],input[type=password],textarea{width:100%;padding:.35rem;\
    box-sizing:border-box;font:inherit}button{margin:1rem .5rem 0 0;padding:.4rem 1rem;font:inherit}\
    .error{color:#b00020}code{font-size:13px;word-break:break-all}";

/// A text inside HTML, in element or attribute.
pub(super) fn text(text: &str) -> String {
    escape(text).into_owned()
}

/// A page; `body` is HTML already.
pub(super) fn page(state: &State, status: u16, title: &str, body: &str) -> Reply {
    let (title, product) = (text(title), state.kind.title());
    let language = state.settings.language.tag();
    Reply::html(
        status,
        format!(
            "<!DOCTYPE html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{title} - {product}</title>\
             <style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n{body}\n</body></html>\n"
        ),
    )
}

/// A page that says one thing.
pub(super) fn message(state: &State, status: u16, title: &str, said: &str) -> Reply {
    page(state, status, title, &format!("<p>{}</p>", text(said)))
}

/// A hidden input.
pub(super) fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{name}\" value=\"{}\">",
        text(value)
    )
}

/// An input with its label.
pub(super) fn input(kind: &str, name: &str, label: &str, value: &str) -> String {
    format!(
        "<label for=\"{name}\">{label}</label><input type=\"{kind}\" id=\"{name}\" name=\"{name}\" value=\"{}\">",
        text(value)
    )
}

/// The list of links.
pub(super) fn links(state: &State, call: &Call, caller: &Caller) -> Reply {
    if !caller.is_admin(state) {
        return message(
            state,
            200,
            "Welcome",
            "Only administrators see application links.",
        );
    }
    let directory = state.seen(call);
    let rows: Vec<String> = directory
        .links
        .iter()
        .map(|link| {
            let consumer = directory.incoming(link).map_or("none", |consumer| consumer.key.as_str());
            format!(
                "<tr><td><a href=\"{}/plugins/servlet/applinks/auth/conf/oauth/add-consumer-manually/{}/INBOUND\">{}</a></td>\
                 <td>{}</td><td><code>{}</code></td><td><code>{}</code></td></tr>\n",
                state.context,
                link.id,
                text(&link.name),
                text(&link.type_id),
                text(&link.rpc_url),
                text(consumer)
            )
        })
        .collect();
    let body = format!(
        "<table><thead><tr><th>Name</th><th>Type</th><th>Application URL</th><th>Consumer key</th></tr></thead>\n\
         <tbody>\n{}</tbody></table>",
        rows.concat()
    );
    page(state, 200, "Application links", &body)
}
