//! A server that answers what it is told, one connection an answer, and keeps what it was asked.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread::JoinHandle,
};

/// A request as it came: the first line and the headers, names in lower case.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }

    /// The OAuth parameters of the request.
    pub(crate) fn oauth(&self) -> Vec<(String, String)> {
        atl_oauth::header::read(self.header("authorization").unwrap()).unwrap()
    }
}

pub(crate) struct Responder {
    pub(crate) url: String,
    thread: JoinHandle<Vec<Asked>>,
}

/// An answer: head and body, the length is added.
pub(crate) type Answer = Box<dyn Fn(&Asked) -> String + Send>;

impl Responder {
    /// Gives these answers in order, then no more.
    pub(crate) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/jira", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            answers
                .into_iter()
                .map(|answer| serve(&listener.accept().unwrap().0, &answer))
                .collect()
        });
        Self { url, thread }
    }

    /// What was asked; every answer must have been fetched.
    pub(crate) fn asked(self) -> Vec<Asked> {
        self.thread.join().unwrap()
    }
}

fn serve(mut stream: &TcpStream, answer: &Answer) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut lines = std::iter::from_fn(|| {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim_end().to_owned();
        (!line.is_empty()).then_some(line)
    });
    let line = lines.next().unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        })
        .collect();
    let asked = Asked { line, headers };
    let length = asked
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    reader.read_exact(&mut vec![0; length]).unwrap();

    let answer = answer(&asked);
    let (head, body) = answer.split_once("\n\n").unwrap_or((&answer, ""));
    let head = head.replace('\n', "\r\n");
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    asked
}
