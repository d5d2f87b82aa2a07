//! The explorer serves steps that can be read, and a picture of each path.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::command;

/// A process that does not outlive the test.
struct Explorer(Child);

impl Drop for Explorer {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn steps_are_told_and_paths_are_drawn() {
    let child = command(&["explore", "lease"]).stdout(Stdio::piped()).spawn().expect("the binary runs");
    let mut explorer = Explorer(child);
    let mut said = String::new();
    let out = explorer.0.stdout.take().expect("its output");
    BufReader::new(out).read_line(&mut said).expect("a line");
    let address = said.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    let address = address.unwrap_or_else(|| panic!("no address in {said:?}"));

    let steps: Value = serde_json::from_str(&get(address, "/.states/0")).expect("JSON");
    let first = &steps.as_array().expect("steps")[0];
    let action = first["action"].as_str().expect("a name");
    assert!(!action.contains("{ "), "{action}");
    let outcome = first["outcome"].as_str().expect("an outcome");
    assert!(outcome.starts_with("process a: "), "{outcome}");
    assert!(outcome.contains(" record "), "{outcome}");
    let svg = first["svg"].as_str().expect("a picture");
    assert!(roxmltree::Document::parse(svg).is_ok(), "{svg}");
}

/// The body of an answer. The address is printed before the server listens on it, so it is asked until it does.
fn get(address: &str, path: &str) -> String {
    let mut stream = (0..600)
        .find_map(|_| match TcpStream::connect(address) {
            Ok(stream) => Some(stream),
            Err(_) => {
                std::thread::park_timeout(Duration::from_millis(50));
                None
            }
        })
        .expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.split_once("\r\n\r\n").expect("a head and a body").1.to_string()
}
