//! What can be wrong with an input before anything of it is judged.

use crate::program::Bench;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

/// Status, outcome and reason of `verify json PATH --json`.
fn verdict(bench: &Bench, path: impl AsRef<std::ffi::OsStr>) -> (i32, String, String) {
    let said = bench.run(&["verify".as_ref(), "json".as_ref(), path.as_ref(), "--json".as_ref()]);
    let object = said.object();
    assert_eq!(object["command"], "verify json");
    let word = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
    (said.status, word("outcome"), word("reason"))
}

fn expected(status: i32, outcome: &str, reason: &str) -> (i32, String, String) {
    (status, outcome.to_owned(), reason.to_owned())
}

#[test]
fn a_file_that_is_missing_is_an_error_and_no_reject() {
    assert_eq!(verdict(&Bench::new(&[]), "nowhere.json"), expected(2, "error", "input-missing"));
}

#[test]
fn a_name_that_is_not_utf8_is_looked_for_all_the_same() {
    let name = std::ffi::OsStr::from_bytes(b"\xff\xfe.json");
    let bench = Bench::new(&[]);
    assert_eq!(verdict(&bench, name), expected(2, "error", "input-missing"));
    std::fs::write(bench.path().join(name), "{}").unwrap();
    assert_eq!(verdict(&bench, name), expected(0, "accept", ""));
}

#[test]
fn a_folder_a_device_and_a_link_to_one_are_no_regular_files() {
    let bench = Bench::new(&[("folder/x", b"")]);
    std::os::unix::fs::symlink("/dev/zero", bench.path().join("link")).unwrap();
    for path in ["folder", "/dev/zero", "/dev/null", "link"] {
        assert_eq!(verdict(&bench, path), expected(2, "error", "input-not-regular"), "{path}");
    }
}

#[test]
fn a_socket_is_no_regular_file() {
    let bench = Bench::new(&[]);
    let _socket = std::os::unix::net::UnixListener::bind(bench.path().join("socket")).unwrap();
    assert_eq!(verdict(&bench, "socket"), expected(2, "error", "input-not-regular"));
}

#[test]
fn a_fifo_that_nobody_writes_to_does_not_make_it_wait() {
    let bench = Bench::new(&[]);
    assert!(Command::new("mkfifo").arg(bench.path().join("fifo")).status().unwrap().success());
    assert_eq!(verdict(&bench, "fifo"), expected(2, "error", "input-not-regular"));
    let said = bench.run(&["verify", "json", "--cases", "fifo", "--json"]);
    assert_eq!((said.status, said.object()["reason"].as_str()), (2, Some("input-not-regular")));
}

#[test]
fn an_empty_file_and_an_empty_standard_input_are_rejected() {
    let bench = Bench::new(&[("empty", b"")]);
    assert_eq!(verdict(&bench, "empty"), expected(10, "reject", "input-empty"));
    assert_eq!(verdict(&bench, "-"), expected(10, "reject", "input-empty"));
}

#[test]
fn an_enormous_file_is_rejected_unread() {
    let bench = Bench::new(&[]);
    let sparse = std::fs::File::create(bench.path().join("sparse")).unwrap();
    sparse.set_len(100 << 30).unwrap();
    assert_eq!(verdict(&bench, "sparse"), expected(10, "reject", "input-too-large"));
}

#[test]
fn a_standard_input_without_end_is_rejected_at_the_cap() {
    let bench = Bench::new(&[]);
    let endless = std::fs::File::open("/dev/zero").unwrap();
    let output = bench.command(&["verify", "json", "-", "--quiet"]).stdin(endless).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(10), b"reject\n".as_slice()));
}

#[test]
fn contents_that_are_not_utf8_are_rejected() {
    let bench = Bench::new(&[("bad", b"\"\xff\"")]);
    assert_eq!(verdict(&bench, "bad"), expected(10, "reject", "text-not-utf8"));
}
