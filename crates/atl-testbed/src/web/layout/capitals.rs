//! HTML as it was written once: capitals, few quotes, hardly an end tag.

use url::form_urlencoded::byte_serialize;

use super::{Ask, Revoked, Row, documented, script};
use crate::web::language::Language;
use crate::web::page::text;

pub(super) fn page(product: &str, title: &str, context: &str, other: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">\n\
         <HTML><HEAD><META HTTP-EQUIV=Content-Type CONTENT=\"text/html;charset=UTF-8\">\n\
         <TITLE>{title} - {product}</TITLE>\n<BODY BGCOLOR=#ffffff>\n\
         <A HREF=\"{context}/logout?atl_token={other}\">Log Out</A>\n<HR>\n<H1>{title}</H1>\n{body}\n"
    )
}

pub(super) fn ask(ask: &Ask<'_>) -> String {
    let fields: Vec<String> = ask
        .hidden
        .iter()
        .map(|(name, value)| {
            format!(
                "<INPUT TYPE=HIDDEN NAME={name} VALUE=\"{}\">\n",
                text(value)
            )
        })
        .collect();
    format!(
        "<P>The application {} would like to access your data as {}\n<FORM METHOD=POST ACTION=\"{}\">\n{}\
         <P><INPUT VALUE=Allow NAME=approve TYPE=SUBMIT> <INPUT VALUE=Deny NAME=deny TYPE=SUBMIT>\n</FORM>",
        text(ask.consumer),
        text(ask.user),
        ask.action,
        fields.concat(),
    )
}

pub(super) fn verifier(consumer: &str, verifier: &str) -> String {
    format!(
        "<P>You have successfully authorized {}. Your verification code is '{verifier}'. You will need to enter this \
         exact text when prompted. You should write this down before closing the window.",
        text(consumer)
    )
}

pub(super) fn tokens(context: &str, rows: &[Row], language: Language) -> String {
    if rows.is_empty() {
        return format!("<P>{}", language.say("None specified"));
    }
    let rows: Vec<String> = rows.iter().map(|it| row(context, it, language)).collect();
    format!(
        "<TABLE BORDER=1>\n<TR>{}\n{}</TABLE>\n{}",
        documented(language)
            .map(|heading| format!("<TH>{heading}"))
            .concat(),
        rows.concat(),
        script(
            "new URL(it.href).searchParams.get('token')",
            "it.pathname.includes('/rest/') && it.href"
        )
    )
}

fn row(context: &str, row: &Row, language: Language) -> String {
    const FORMAT: &str = "%d/%b/%y %-I:%M %p";
    let url = match &row.revoked {
        Revoked::Token(token) => {
            let token: String = byte_serialize(token.as_bytes()).collect();
            format!("{context}/plugins/servlet/oauth/users/access-tokens?token={token}")
        }
        Revoked::Url(url) => url.clone(),
    };
    format!(
        "<TR><TD>{}<TD>{}<TD>{}<TD>{}\n\
         <TD><A CLASS=revoke HREF=\"{url}\">{}</A>\n",
        text(&row.consumer),
        text(&row.description),
        language.date(row.created, FORMAT),
        language.date(row.expires, FORMAT),
        language.say("Revoke"),
    )
}
