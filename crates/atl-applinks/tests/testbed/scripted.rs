//! A server that says what it is told to, for what the testbed never says.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use atl_applinks::Applinks;
use atl_client::Failure;

use crate::setup::{bot, client_at};

const FORM: &str = "<form><input type=hidden name=oauth-incoming-enabled value=true></form>";

/// Serves, on loopback, the status line and further headers with a body that the first rule gives whose text the
/// request line begins with.
fn serve(rules: &'static [(&'static str, &'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        listener
            .incoming()
            .flatten()
            .for_each(|stream| answer(&stream, rules));
    });
    url
}

fn answer(mut stream: &TcpStream, rules: &[(&str, &str, &str)]) {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            return;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        request.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let rule = rules.iter().find(|(begin, ..)| request.starts_with(begin));
    let (_, head, body) = rule.unwrap_or(&("", "404 Not Found", ""));
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

const MANIFEST: (&str, &str, &str) = (
    "GET /rest/applinks/1.0/manifest ",
    "200 OK\r\nContent-Type: application/json",
    r#"{"id":"a","name":"Jira","typeId":"jira","version":"9.12.0","applinksVersion":"9.1.4"}"#,
);
const WHOAMI: (&str, &str, &str) = (
    "GET /plugins/servlet/applinks/whoami ",
    "200 OK\r\nContent-Type: text/plain",
    "admin",
);
const FORM_PAGE: (&str, &str, &str) = (
    "GET /plugins/servlet/applinks/auth/conf",
    "200 OK\r\nContent-Type: text/html",
    FORM,
);

#[test]
fn a_form_that_leads_elsewhere_was_not_saved() {
    let save = |rules| {
        let client = client_at("jira", &serve(rules), "admin", "secret");
        Applinks::open(&client)
            .unwrap()
            .save_form("0a1b", &bot(), false, None, false)
    };
    let portal = save(&[
        MANIFEST,
        WHOAMI,
        FORM_PAGE,
        (
            "POST ",
            "302 Found\r\nLocation: https://sso.example.com/portal?next=/x/0a1b?message=no",
            "",
        ),
    ])
    .unwrap_err();
    assert_eq!(portal.code(), "form_redirected");
    assert_eq!(portal.failure(), Failure::Refused);
    assert!(
        portal
            .to_string()
            .contains("`https://sso.example.com/portal`"),
        "{portal}"
    );
    assert!(!portal.may_have_happened());

    let login = save(&[
        MANIFEST,
        WHOAMI,
        FORM_PAGE,
        (
            "POST ",
            "302 Found\r\nLocation: /login.jsp?os_destination=%2Fx",
            "",
        ),
    ])
    .unwrap_err();
    assert_eq!(login.failure(), Failure::Refused, "{login:?}");
    assert!(!login.may_have_happened());

    save(&[
        MANIFEST,
        WHOAMI,
        FORM_PAGE,
        ("POST ", "302 Found\r\nLocation: ./0a1b?message=Saved", ""),
    ])
    .unwrap();
}

#[test]
fn a_list_of_one_may_be_printed_as_its_element() {
    let url = serve(&[
        MANIFEST,
        WHOAMI,
        (
            "GET /rest/applinks/3.0/applicationlink ",
            "200 OK\r\nContent-Type: application/json",
            r#"{"applicationLinks":{"id":"0a1b","typeId":"generic","name":"Bot"}}"#,
        ),
    ]);
    let client = client_at("jira", &url, "admin", "secret");
    let links = Applinks::open(&client).unwrap().list().unwrap();
    assert_eq!(links.len(), 1);
    assert_eq!(
        (links[0].id.as_str(), links[0].rpc_url.as_deref()),
        ("0a1b", None)
    );
}
