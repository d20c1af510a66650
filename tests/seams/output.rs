//! The forms of an answer: text, one JSON object, one word; and command lines that cannot be read.

use crate::program::Bench;

fn bench() -> Bench {
    Bench::new(&[("good.json", b"{\"a\":1}"), ("twice.json", b"{\"a\":1,\n\"a\":2}")])
}

#[test]
fn an_accept_says_what_was_read() {
    let said = bench().run(&["verify", "json", "good.json"]);
    let digest = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    assert_eq!(said.out, format!("accept\nsha256    {digest}\nkind      object\n"));
    assert_eq!((said.status, said.err.as_str()), (0, ""));
}

#[test]
fn a_reject_says_reason_place_expected_and_found_and_what_to_do() {
    let said = bench().run(&["verify", "json", "twice.json"]);
    let names: Vec<&str> = said.out.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, ["reject", "reason", "what", "where", "expected", "found", "do"], "{}", said.out);
    assert!(
        said.out.contains("reason    json-duplicate-key\n") && said.out.contains("\nwhere     line 2, "),
        "{}",
        said.out
    );
    assert_eq!((said.status, said.err.as_str()), (10, ""));
}

#[test]
fn an_error_is_told_on_standard_error_and_leaves_standard_output_empty() {
    let said = bench().run(&["verify", "json", "nowhere.json"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    assert_eq!(
        said.err,
        "error\nreason    input-missing\nwhat      A file that was named is not there.\nwhere     nowhere.json\nexpected  a file\n\
         found     nothing\ndo        Name a file that exists, or wait until it has been copied to its end. Nothing was judged.\n"
    );
}

#[test]
fn quiet_prints_the_outcome_alone() {
    for (file, word, status) in [("good.json", "accept", 0), ("twice.json", "reject", 10), ("nowhere", "error", 2)] {
        let said = bench().run(&["verify", "json", file, "--quiet"]);
        assert_eq!((said.status, said.out), (status, format!("{word}\n")), "{file}");
    }
}

#[test]
fn json_is_one_object_on_accept_and_on_reject_with_the_flag_before_or_after_the_command() {
    let said = bench().run(&["--json", "verify", "json", "good.json"]);
    let object = said.object();
    assert_eq!((said.status, &object["outcome"], &object["reason"]), (0, &"accept".into(), &serde_json::Value::Null));
    let said = bench().run(&["verify", "json", "twice.json", "--json"]);
    let object = said.object();
    assert_eq!((said.status, &object["outcome"]), (10, &"reject".into()));
    assert_eq!(object["reason"], "json-duplicate-key");
}

#[test]
fn a_command_line_that_cannot_be_read_is_status_2_and_one_object_with_json() {
    for arguments in [
        &["verify", "json", "--no-such-flag", "good.json"][..],
        &["verify", "json"],
        &["verify", "json", "good.json", "twice.json"],
        &["verify", "nothing"],
        &["admit", "unit"],
        &["verify", "json", "good.json", "--quiet"],
        &["--quiet", "verify", "json", "good.json"],
    ] {
        let said = bench().run(&[arguments, &["--json"]].concat());
        let object = said.object();
        assert_eq!(said.status, 2, "{arguments:?}");
        assert_eq!((&object["outcome"], &object["reason"]), (&"error".into(), &"usage".into()), "{arguments:?}");
        assert_ne!(object["found"], "", "{arguments:?}");
    }
    let said = bench().run(&["verify", "json", "--no-such-flag", "good.json"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    assert!(said.err.contains("--no-such-flag"), "{}", said.err);
}

#[test]
fn help_and_version_are_asked_for_and_no_error() {
    for arguments in [&["--help"][..], &["verify", "json", "--help"], &["--version"]] {
        let said = bench().run(arguments);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{arguments:?}");
        assert!(!said.out.is_empty());
    }
    assert_eq!(bench().run(&[] as &[&str]).status, 2);
}

#[test]
fn a_name_that_would_move_the_cursor_is_shown_by_other_characters() {
    let said = bench().run(&["verify", "json", "\u{1b}[2Jx"]);
    assert!(said.err.contains("where     ␛[2Jx\n"), "{:?}", said.err);
}

#[test]
fn an_accept_that_nobody_can_read_is_no_status_0() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = bench().command(&["verify", "json", "good.json"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"));

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = bench().command(&["verify", "json", "good.json", "--json"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(2), ""));
}
