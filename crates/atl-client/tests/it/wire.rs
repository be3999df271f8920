//! A server of a few lines: every request is recorded and answered by a function of the test.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use atl_client::{BaseUrl, Client, Credentials, Login, Product, ServerConfig, Tls, Transport};

/// A request as it came over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) connection: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path.split('?').next() == Some(path)
    }
}

/// What a request is answered with.
pub(crate) enum Act {
    /// Status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Bytes as they are; then the connection is closed.
    Bytes(Vec<u8>),
    /// No answer, ever.
    Hang,
    /// As a proxy: the connection goes on to this port of this machine.
    Tunnel(u16),
}

pub(crate) fn answer(status: u16, body: &str) -> Act {
    Act::Answer(
        status,
        vec![("content-type", "application/json".into())],
        body.into(),
    )
}

pub(crate) fn with_header(act: Act, name: &'static str, value: &str) -> Act {
    match act {
        Act::Answer(status, mut headers, body) => {
            headers.push((name, value.into()));
            Act::Answer(status, headers, body)
        }
        other => other,
    }
}

pub(crate) fn html(status: u16, body: &str) -> Act {
    Act::Answer(
        status,
        vec![("content-type", "text/html;charset=UTF-8".into())],
        body.into(),
    )
}

pub(crate) fn redirect(to: &str) -> Act {
    with_header(html(302, ""), "location", to)
}

pub(crate) fn manifest(type_id: &str, version: &str) -> Act {
    answer(
        200,
        &format!(
            r#"{{"id":"7d1c","name":"Test","typeId":"{type_id}","version":"{version}","applinksVersion":"9.1.4","url":"http://x"}}"#
        ),
    )
}

pub(crate) struct Wire {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Wire {
    /// Answers each request with what `respond` makes of it and of the number of requests before it.
    pub(crate) fn start(respond: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (log, respond) = (Arc::clone(&seen), Arc::new(respond));
        thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                let (log, respond) = (Arc::clone(&log), Arc::clone(&respond));
                thread::spawn(move || serve(stream.unwrap(), connection, &log, &*respond));
            }
        });
        Self { port, seen }
    }

    /// A product whose requests other than the manifest are answered by `respond`.
    pub(crate) fn product(
        type_id: &'static str,
        version: &'static str,
        respond: impl Fn(&Seen, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |seen, before| {
            if seen.is("GET", "/ctx/rest/applinks/1.0/manifest") {
                manifest(type_id, version)
            } else {
                respond(seen, before)
            }
        })
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/ctx", self.port)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `METHOD path?query` of every request, the context path left out.
    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |seen: Seen| format!("{} {}", seen.method, seen.path.replacen("/ctx/", "", 1));
        self.seen().into_iter().map(line).collect()
    }

    /// How many requests carried the password, in any way.
    pub(crate) fn passwords(&self) -> usize {
        let carries = |seen: &Seen| {
            seen.header("authorization").starts_with("Basic ") || seen.body.contains(PASSWORD)
        };
        self.seen().iter().filter(|seen| carries(seen)).count()
    }

    pub(crate) fn client(&self, credentials: Credentials) -> Client {
        client(config(&self.base_url(), credentials))
    }
}

fn serve(
    stream: TcpStream,
    connection: usize,
    log: &Mutex<Vec<Seen>>,
    respond: &dyn Fn(&Seen, usize) -> Act,
) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some(seen) = read(&mut reader, connection) {
        let before = {
            let mut log = log.lock().unwrap();
            log.push(seen.clone());
            log.len() - 1
        };
        match respond(&seen, before) {
            Act::Answer(status, headers, body) => {
                let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    text += &format!("{name}: {value}\r\n");
                }
                text += "\r\n";
                text += &body;
                if writer.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Act::Bytes(bytes) => {
                writer.write_all(&bytes).unwrap();
                return;
            }
            Act::Tunnel(port) => {
                let mut far = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let mut back = (far.try_clone().unwrap(), writer.try_clone().unwrap());
                writer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
                thread::spawn(move || io::copy(&mut back.0, &mut back.1));
                let _copied = io::copy(&mut reader, &mut far);
                return;
            }
            Act::Hang => loop {
                thread::park();
            },
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>, connection: usize) -> Option<Seen> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let mut seen = Seen {
        method,
        path,
        headers,
        body: String::new(),
        connection,
    };
    let mut body = vec![0; seen.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    seen.body = String::from_utf8(body).unwrap();
    Some(seen)
}

pub(crate) const PASSWORD: &str = "hunter2";

pub(crate) fn password(login: Login) -> Credentials {
    Credentials::Password {
        username: "Admin".into(),
        password: PASSWORD.into(),
        login,
    }
}

pub(crate) fn token() -> Credentials {
    Credentials::Token {
        token: PASSWORD.into(),
        username: None,
    }
}

pub(crate) fn config(base_url: &str, credentials: Credentials) -> ServerConfig {
    ServerConfig {
        name: "prod".into(),
        base_url: BaseUrl::parse(base_url).unwrap(),
        sign_as: None,
        product: None::<Product>,
        credentials,
        tls: Tls::default(),
        proxy: None,
        timeout: Duration::from_secs(20),
        allow_http: false,
    }
}

pub(crate) fn client(config: ServerConfig) -> Client {
    Client::new(config, &Transport::default()).unwrap()
}
