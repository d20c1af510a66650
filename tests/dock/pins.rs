//! Where a site's PIN comes from: a variable, the terminal, or nowhere. The terminal is one that `script` of util-linux
//! makes; `setsid` takes it away.

use crate::delivery::{Delivery, Said};
use ecugate::hsm::{PinSource, softhsm};
use ecugate::site::{CONFIGURATION, Site};
use libtest_mimic::Trial;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU64;
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &'static str, run: fn()| match softhsm() {
        Err(why) => Trial::test(format!("{name} (needs: {why})"), || Ok(())).with_ignored_flag(true),
        Ok(_) => Trial::test(name, move || {
            run();
            Ok(())
        }),
    };
    vec![
        trial("a_pin_in_a_variable_opens_the_site_and_stands_in_no_answer", from_a_variable),
        trial("without_a_terminal_nobody_is_asked_and_nothing_waits", without_a_terminal),
        trial("a_pin_that_is_typed_is_not_shown_and_the_terminal_is_as_it_was", from_a_terminal),
        trial("the_pin_file_starts_at_the_site_folder_and_rungs_have_a_cadence_that_can_be_0", what_the_site_says),
        trial("attack_37_a_pin_in_the_configuration_is_refused_and_not_repeated", in_the_configuration),
    ]
}

/// A founded site whose configuration says `pin = …`, and its PIN.
fn site(pin: &str) -> (Delivery, String) {
    let delivery = Delivery::founded();
    let path = delivery.path("site").join(CONFIGURATION);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("pin = \"file:pins/signer.pin\""), "{text}");
    std::fs::write(&path, text.replace("\"file:pins/signer.pin\"", pin)).unwrap();
    let secret = std::fs::read_to_string(delivery.path("site/pins/signer.pin")).unwrap();
    (delivery, secret.trim_end().to_owned())
}

fn arguments(delivery: &Delivery) -> Vec<String> {
    delivery.box_with("DEMO-0001")
}

fn from_a_variable() {
    let (delivery, secret) = site("\"env:ECUGATE_SIGNER_PIN\"");
    let run = |value: Option<&str>| {
        let arguments = arguments(&delivery);
        let mut command = delivery.command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        command.env_remove("ECUGATE_SIGNER_PIN");
        command.envs(value.map(|value| ("ECUGATE_SIGNER_PIN", value)));
        let said = Said::of(command.output().unwrap());
        assert!(!said.out.contains(&secret) && !said.err.contains(&secret), "{said:?}");
        said
    };
    let absent = run(None);
    assert_eq!(absent.status, 21, "{absent:?}");
    assert!(absent.out.contains("\"pin-missing\"") && absent.out.contains("it is not set"), "{absent:?}");
    let wrong = run(Some("0000"));
    assert!(wrong.status == 21 && wrong.out.contains("\"pin-wrong\""), "{wrong:?}");
    let right = run(Some(&secret));
    assert_eq!(right.status, 0, "{right:?}");
}

fn without_a_terminal() {
    let (delivery, _) = site("\"prompt\"");
    let mut command = Command::new("setsid");
    command.arg("--wait").arg(env!("CARGO_BIN_EXE_ecugate")).args(arguments(&delivery));
    command.current_dir(delivery.path("")).stdin(Stdio::null());
    let said = Said::of(command.output().unwrap());
    assert_eq!(said.status, 21, "{said:?}");
    assert!(said.out.contains("\"pin-missing\"") && said.out.contains("no terminal to ask at"), "{said:?}");
}

/// Runs the box at a terminal and types `keys` once the prompt is there; then shows the modes of the terminal.
fn at_a_terminal(delivery: &Delivery, keys: &str) -> String {
    let line =
        arguments(delivery).iter().fold(env!("CARGO_BIN_EXE_ecugate").to_owned(), |line, word| line + " " + word);
    let line = format!("stty -a; {line} > answer; echo status $?; stty -a; cat answer");
    let mut child = Command::new("script")
        .args(["--quiet", "--echo", "always", "--command", &line, "/dev/null"])
        .current_dir(delivery.path(""))
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    let mut byte = [0];
    while !shown.ends_with(b"): ") && screen.read(&mut byte).unwrap() == 1 {
        shown.push(byte[0]);
    }
    keyboard.write_all(keys.as_bytes()).unwrap();
    keyboard.flush().unwrap();
    screen.read_to_end(&mut shown).unwrap();
    drop(keyboard);
    child.wait().unwrap();
    String::from_utf8(shown).unwrap().replace('\r', "")
}

fn from_a_terminal() {
    let (delivery, secret) = site("\"prompt\"");
    for (keys, status) in [
        (format!("{secret}\n"), 0),
        (format!("wrong\u{15}{secret}x\u{7f}\r"), 10),
        ("\u{3}".to_owned(), 21),
        (format!("{secret}\u{4}"), 21),
        ("0000\n".to_owned(), 21),
    ] {
        let shown = at_a_terminal(&delivery, &keys);
        assert!(shown.contains("PIN of the token \"ecugate-signer\" (serial "), "{shown}");
        assert!(shown.contains(&format!("\nstatus {status}\n")), "{keys:?}: {shown}");
        assert!(!shown.contains(&secret) && !shown.contains("wrong\u{15}"), "{shown}");
        let modes: Vec<&str> = shown.split("speed ").skip(1).map(|text| text.split("\n\n").next().unwrap()).collect();
        assert_eq!(modes.len(), 2, "{shown}");
        let words = |text: &str| -> Vec<String> {
            let text = text.split("PIN of").next().unwrap().split("{").next().unwrap();
            text.split_whitespace().map(str::to_owned).collect()
        };
        assert_eq!(words(modes[0]), words(modes[1]), "{shown}");
    }
}

fn what_the_site_says() {
    let delivery = Delivery::founded();
    let folder = delivery.path("site");
    let site = Site::open(&folder).unwrap();
    let file = PinSource::File(site.folder().join("pins/signer.pin"));
    assert_eq!(site.pin_source(&site.text().signer), file);
    assert_eq!(site.rung_every(), NonZeroU64::new(1_000));
    let path = folder.join(CONFIGURATION);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("rung_every = 1000\n", "rung_every = 0\n")).unwrap();
    assert_eq!(Site::open(&folder).unwrap().rung_every(), None);
    std::fs::write(&path, text.replace("rung_every = 1000\n", "")).unwrap();
    assert_eq!(Site::open(&folder).unwrap().rung_every(), NonZeroU64::new(1_000));
    // The name of an earlier version is not passed over.
    std::fs::write(&path, text.replace("pin = \"file:", "pin_file = \"")).unwrap();
    assert_eq!(Site::open(&folder).unwrap_err().reason.code(), "site-malformed");
}

fn in_the_configuration() {
    for pin in ["\"4711081547\"", "4711081547", "\"|echo 4711081547\"", "\"pin-value=4711081547\""] {
        let (delivery, _) = site(pin);
        let arguments = arguments(&delivery);
        let said = delivery.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(said.status == 2 && said.out.contains("\"site-malformed\""), "{said:?}");
        assert!(!said.out.contains("4711081547"), "{said:?}");
    }
}
