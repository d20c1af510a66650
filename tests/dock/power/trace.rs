//! The writing system calls of a traced program, in the order in which they returned.
//!
//! Read from `strace -f -y -xx`: every string in hex, every descriptor with its path.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The calls that are traced.
pub(crate) const CALLS: &str = "openat,write,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,\
                                unlinkat,link,linkat,mkdir,mkdirat";

/// One change of the disk, or a word to whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// A file was opened so that it is made where it was not; cut to nothing if `cut`.
    Open { path: PathBuf, cut: bool },
    /// Bytes at a place; at the end where none is stated.
    Write { path: PathBuf, at: Option<usize>, bytes: Vec<u8> },
    /// The length was set.
    Cut { path: PathBuf, length: usize },
    /// Everything written to a file, or every name in a folder, is durable from here on.
    Sync { path: PathBuf },
    /// A name moved.
    Rename { from: PathBuf, to: PathBuf },
    /// A second name.
    Link { from: PathBuf, to: PathBuf },
    /// A name went.
    Unlink { path: PathBuf },
    /// A folder was made.
    Folder { path: PathBuf },
    /// Something was written to standard output: whoever reads it acts on it.
    Said(Vec<u8>),
}

/// Reads a trace. Calls that failed changed nothing and are left out.
pub(crate) fn read(trace: &str) -> Vec<Call> {
    let mut begun: BTreeMap<&str, String> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let (process, rest) = line.split_once(' ').unwrap();
        let rest = rest.trim_start();
        if let Some(begin) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(process, begin.to_owned());
            continue;
        }
        let whole = match rest.strip_prefix("<... ") {
            Some(resumed) => {
                let (_, end) = resumed.split_once(" resumed>").unwrap();
                format!("{}{end}", begun.remove(process).unwrap())
            }
            None => rest.to_owned(),
        };
        calls.extend(call(&whole));
    }
    calls
}

fn call(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, answer) = rest.rsplit_once(" = ")?;
    if answer.starts_with('-') || answer.starts_with('?') {
        return None;
    }
    let arguments = split(arguments.trim_end().strip_suffix(')')?);
    let argument = |at: usize| arguments.get(at).map(String::as_str).unwrap_or_default();
    let number = |text: &str| text.parse::<usize>().unwrap();
    let descriptor = descriptor(argument(0));
    Some(match name {
        "openat" => {
            let flags = argument(2);
            if !flags.contains("O_CREAT") && !flags.contains("O_TRUNC") {
                return None;
            }
            Call::Open { path: path(argument(1)), cut: flags.contains("O_TRUNC") }
        }
        "write" if descriptor.0 == 1 => Call::Said(bytes(argument(1))),
        "write" => Call::Write { path: descriptor.1, at: None, bytes: taken(argument(1), answer) },
        "pwrite64" => {
            Call::Write { path: descriptor.1, at: Some(number(argument(3))), bytes: taken(argument(1), answer) }
        }
        "ftruncate" => Call::Cut { path: descriptor.1, length: number(argument(1)) },
        "fsync" | "fdatasync" => Call::Sync { path: descriptor.1 },
        "rename" => Call::Rename { from: path(argument(0)), to: path(argument(1)) },
        "renameat" | "renameat2" => Call::Rename { from: path(argument(1)), to: path(argument(3)) },
        "link" => Call::Link { from: path(argument(0)), to: path(argument(1)) },
        "linkat" => Call::Link { from: path(argument(1)), to: path(argument(3)) },
        "unlink" => Call::Unlink { path: path(argument(0)) },
        "unlinkat" => Call::Unlink { path: path(argument(1)) },
        "mkdir" => Call::Folder { path: path(argument(0)) },
        "mkdirat" => Call::Folder { path: path(argument(1)) },
        _ => return None,
    })
}

/// The bytes that the call really wrote.
fn taken(text: &str, answer: &str) -> Vec<u8> {
    let mut all = bytes(text);
    all.truncate(answer.split_whitespace().next().unwrap().parse().unwrap());
    all
}

/// `5<\x2f\x74…>`: number and path.
fn descriptor(text: &str) -> (i64, PathBuf) {
    let Some((number, rest)) = text.split_once('<') else { return (-1, PathBuf::new()) };
    let path = rest.strip_suffix('>').unwrap_or(rest);
    (number.parse().unwrap_or(-1), path_of(&unescaped(path)))
}

fn path(text: &str) -> PathBuf {
    path_of(&bytes(text))
}

fn path_of(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

fn bytes(text: &str) -> Vec<u8> {
    let inside = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    unescaped(inside.unwrap_or_else(|| panic!("a string that was cut short: {text}")))
}

/// Bytes in hex, as `strace -xx` writes them; what is not in hex (the end of a socket's name) stands for itself.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = rest.strip_prefix(b"\\x").and_then(|hex| std::str::from_utf8(hex.get(..2)?).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

/// Arguments at the commas outside of strings. In hex no string holds one.
fn split(text: &str) -> Vec<String> {
    text.split(", ").map(str::to_owned).collect()
}

/// A trial: calls of two threads are put together, and failed ones left out.
pub(crate) fn two_threads() {
    let trace = "7 pwrite64(3<\\x2f\\x61>, \"\\x41\\x42\", 2, 16 <unfinished ...>\n\
                 8 fsync(4<\\x2f\\x62>) = 0\n\
                 7 <... pwrite64 resumed>) = 2\n\
                 7 unlink(\"\\x2f\\x63\") = -1 ENOENT (No such file or directory)\n\
                 7 write(1<\\x70>, \"\\x6f\\x6b\", 2) = 2\n";
    let write = Call::Write { path: "/a".into(), at: Some(16), bytes: b"AB".to_vec() };
    assert_eq!(read(trace), [Call::Sync { path: "/b".into() }, write, Call::Said(b"ok".to_vec())]);
}
