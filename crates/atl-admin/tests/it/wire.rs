//! Something that listens and is no Atlassian product.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// A web server that gives every request the same treatment, until the end of the process.
pub(crate) struct Wire {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Wire {
    /// Answers with what `respond` makes of the path.
    pub(crate) fn start<A: AsRef<[u8]>>(respond: impl Fn(&str) -> A + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
                let Some(first) = lines.next() else { continue };
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                count.fetch_add(1, Ordering::Relaxed);
                stream.write_all(respond(&path).as_ref()).ok();
            }
        });
        Self { port, requests }
    }

    /// A plain web server: this status, this content type, this body.
    pub(crate) fn web(status: &'static str, kind: &'static str, body: &'static str) -> Self {
        Self::start(move |_| {
            format!(
                "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        })
    }

    /// Sends everybody to the same path of another base URL.
    pub(crate) fn redirect(to: String) -> Self {
        Self::start(move |path| {
            format!(
                "HTTP/1.1 301 Moved\r\nlocation: {to}{path}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
        })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}
