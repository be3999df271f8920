//! What a browser, and what is none, sends to a listener.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, TcpStream},
};

use url::Url;

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1);
        let mut headers = lines.filter_map(|line| line.split_once(": "));
        headers
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}

/// Sends these bytes and reads until the connection is closed; `None` where it is closed without an answer.
pub(crate) fn send(address: IpAddr, port: u16, bytes: &[u8]) -> Option<Page> {
    let mut stream = TcpStream::connect((address, port)).unwrap();
    // The other side may have answered and gone before it was told everything.
    let _gone = stream.write_all(bytes).is_err();
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).is_err();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Page {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

/// Requests a URL of this machine as a browser does.
pub(crate) fn get(url: &Url) -> Page {
    let port = url.port().unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\n\r\n");
    send(Ipv4Addr::LOCALHOST.into(), port, request.as_bytes()).unwrap()
}
