//! A server that gives the same answers whatever is asked, byte for byte.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

/// What a path answers: a status, 0 for none at all, and a body, or where it leads, or when to come back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn new(path: &str, status: u16, body: &impl ToString) -> Self {
        Self { path: path.to_owned(), status, body: body.to_string() }
    }
}

/// Starts the server and gives its origin. What it has no answer for is not found; ORIGIN in a body is its own.
pub(crate) fn serve(answers: Vec<Answer>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let own = origin.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            give(stream, &answers, &own);
        }
    });
    origin
}

fn give(stream: TcpStream, answers: &[Answer], origin: &str) {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        request.push_str(&line);
    }
    let _ = reader.read_exact(&mut vec![0; length]);
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = answers
        .iter()
        .find(|answer| answer.path == path)
        .map_or((404, String::new()), |answer| (answer.status, answer.body.replace("ORIGIN", origin)));
    if status == 0 {
        return;
    }
    let header = match status {
        300..400 => format!("Location: {body}\r\n"),
        _ if body.starts_with("Retry-After: ") => format!("{body}\r\n"),
        _ => String::new(),
    };
    let length = body.len();
    let _ = write!(
        reader.get_mut(),
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{header}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}
