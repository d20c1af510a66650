//! Running the program in a folder of its own.

use crate::answers;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A folder of inputs, and the program that runs in it.
pub(crate) struct Bench(tempfile::TempDir);

/// What one run of the program said.
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        for (name, contents) in files {
            let path = bench.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, contents).unwrap();
        }
        bench
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecugate"));
        command.args(arguments).current_dir(self.path()).env_remove("ECUGATE_NOW").stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[impl AsRef<OsStr>]) -> Said {
        Said::of(arguments, self.command(arguments).output().unwrap())
    }

    /// Runs with `input` on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &[u8]) -> Said {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_owned();
        // A thread of its own: the program may answer before it has read everything. It may also not read at all.
        let writer = std::thread::spawn(move || drop(pipe.write_all(&input)));
        let said = Said::of(arguments, child.wait_with_output().unwrap());
        writer.join().unwrap();
        said
    }
}

impl Said {
    /// The one way in for what the program printed: whatever answer it gave has the form that its schema says.
    fn of(arguments: &[impl AsRef<OsStr>], output: Output) -> Self {
        let said = Self {
            status: output.status.code().expect("ended by a signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        answers::check(arguments, &said.out);
        said
    }

    /// The one JSON object on standard output, and nothing beside it on either.
    pub(crate) fn object(&self) -> Value {
        let [object] = <[Value; 1]>::try_from(self.objects()).unwrap_or_else(|all| panic!("not one object: {all:?}"));
        assert_eq!(self.err, "");
        object
    }

    /// The JSON objects on standard output, one a line.
    pub(crate) fn objects(&self) -> Vec<Value> {
        assert!(self.out.is_empty() || self.out.ends_with('\n'), "{:?}", self.out);
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
