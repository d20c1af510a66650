//! Modules that exit, abort, hang, crash, lie, print or write where they should not, behind `ecugate receive`: the box
//! stays out with a reason, in time, and nobody is left behind.

use crate::delivery::{Delivery, Said};
use crate::faults::{object, replace_in_configuration};
use crate::receive::{strings, trial};
use ecugate::hsm::softhsm;
use ecugate_verifier::judgement::words;
use ecugate_verifier::values::reason::Reason;
use libtest_mimic::Trial;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The deadline of a module that does not hang: whoever waits for it is told from whoever finds out before.
const NEVER: u64 = 120;
/// What a loaded machine may add to the deadline of a module. Less than [`NEVER`].
const SLACK: Duration = Duration::from_secs(30);

#[rustfmt::skip]
pub(crate) fn trials() -> Vec<Trial> {
    let lives = |name, source| bad(name, source, None, None);
    [
        // refused by itself
        bad("attack_39_a_module_that_gives_no_list_of_functions_is_a_hold", "null_list.c", None,
            Some((21, "module-failed", "it was killed by signal 6 (abort) while being loaded"))),
        bad("attack_39_a_shared_object_that_is_no_module_is_a_hold", "no_symbol.c", None,
            Some((21, "module-failed", "it does not export C_GetFunctionList"))),
        bad("attack_39_a_module_that_refuses_its_interface_is_a_hold", "refused_interface.c", None,
            Some((21, "module-failed", "C_GetInterface"))),
        // ends the process
        bad("attack_39_a_module_that_aborts_on_load_is_a_hold", "abort_on_load.c", None,
            Some((21, "module-failed", "it was killed by signal 6 (abort) while being loaded"))),
        bad("attack_39_a_module_that_exits_with_status_0_on_load_is_a_hold", "exit_on_load.c", None,
            Some((21, "module-failed", "it ended itself with status 0 while being loaded"))),
        bad("attack_39_a_module_that_exits_with_status_0_on_start_is_a_hold", "exit_in_initialize.c", None,
            Some((21, "module-failed", "it ended itself with status 0 while being loaded"))),
        bad("attack_39_a_module_that_leaves_a_process_behind_and_exits_is_a_hold_and_both_are_ended", "daemon.c", Some(5),
            Some((21, "module-failed", "it ended itself with status 0 while being loaded"))),
        bad("attack_39_a_module_that_crashes_in_signing_is_a_hold", "crash_in_sign.c", None,
            Some((21, "module-failed", "it was killed by signal 11 (segmentation fault) while signing"))),
        // hangs
        bad("attack_39_a_module_that_hangs_on_load_is_a_hold", "hang_on_load.c", Some(1),
            Some((21, "module-failed", "it gave no answer in 1 second while being loaded"))),
        bad("attack_39_a_module_that_hangs_on_start_is_a_hold", "hang_in_initialize.c", Some(1),
            Some((21, "module-failed", "it gave no answer in 1 second while being loaded"))),
        bad("attack_39_a_module_that_hangs_in_signing_is_a_hold", "hang_in_sign.c", Some(5),
            Some((21, "module-failed", "it gave no answer in 5 seconds while signing"))),
        bad("attack_39_a_module_that_drips_an_answer_does_not_move_its_deadline", "dripper.c", Some(1),
            Some((21, "module-failed", "it gave no answer in 1 second while being loaded"))),
        // lies
        bad("attack_39_a_module_that_changes_a_bit_of_each_signature_is_a_hold", "liar.c", None,
            Some((21, "signer-lied", "signature"))),
        bad("attack_38_a_module_that_finds_no_object_is_a_hold", "emptied.c", None,
            Some((21, "token-key-missing", "none"))),
        bad("attack_38_a_module_that_finds_no_certificate_is_a_hold", "emptied.c -DCERTIFICATES", None,
            Some((21, "anchors-empty", ""))),
        bad("attack_39_a_module_that_writes_an_endless_frame_to_the_gate_is_a_hold", "garbler.c", None,
            Some((21, "module-failed", "it gave a frame of more than 16 MiB in place of an answer while being loaded"))),
        bad("attack_39_a_module_that_writes_words_to_the_gate_is_a_hold", "garbler.c -DWORDS", None,
            Some((21, "module-failed", "in place of an answer while being loaded"))),
        trial("attack_39_a_module_that_exits_with_status_0_founds_no_site", no_site),
        // odd, and honest: what it does reaches nobody
        lives("a_module_that_prints_megabytes_and_reads_standard_input_spoils_nothing", "chatty.c"),
        lives("a_module_that_never_ends_by_itself_is_ended", "hang_at_exit.c"),
    ]
    .into()
}

/// A box before a gate with the module of this source. `seconds` are its deadline where the answer comes with that; the
/// shorter it is, the less may a loaded machine be asked to do within it. `refused` has status, reason and a word of what
/// was found; without it the box is accepted.
fn bad(
    name: &'static str,
    source: &'static str,
    seconds: Option<u64>,
    refused: Option<(i32, &'static str, &'static str)>,
) -> Trial {
    trial(name, move || {
        let delivery = Delivery::founded();
        let site = delivery.path("site");
        let honest = std::fs::read_to_string(site.join("site.toml")).unwrap();
        let module = compiled(source, &delivery.path(""), &[]);
        use_module(&site, &module, Some(seconds.unwrap_or(NEVER)));

        let started = Instant::now();
        let said = Said::of(delivery.command(&strings(&delivery.box_with("DEMO-0001"))).output().unwrap());
        let took = started.elapsed();
        let object = object(&said);
        assert!(took < Duration::from_secs(seconds.unwrap_or(0)) + SLACK, "{took:?}: {object}");
        assert_eq!(running(&module), Vec::<u32>::new(), "left behind: {object}");
        let Some((status, reason, found)) = refused else {
            assert_eq!((said.status, &object["outcome"]), (0, &"accept".into()), "{object}");
            return;
        };
        assert_eq!((said.status, object["reason"].as_str()), (status, Some(reason)), "{object}");
        let seen = object["found"].as_str().unwrap_or_default();
        assert!(seen.contains(found), "{found:?} is not in {seen:?}: {object}");
        let fix = words::of(Reason::from_code(reason).unwrap()).fix;
        assert!(fix.contains("IT: ") || fix.contains("Trust officer: "), "who does what? {fix}");
        // Nothing is lost: with the true module the same box is the first.
        std::fs::write(site.join("site.toml"), &honest).unwrap();
        assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    })
}

fn no_site() {
    let delivery = Delivery::new();
    let module = compiled("exit_on_load.c", &delivery.path(""), &[]);
    let said = delivery.run(&[
        "init",
        "--json",
        "--trial",
        "site",
        "--anchor",
        "root.pem",
        "--module",
        module.to_str().unwrap(),
    ]);
    let object = object(&said);
    assert_eq!((said.status, object["reason"].as_str()), (10, Some("module-failed")), "{object}");
    assert_eq!(object["found"], "it ended itself with status 0 while being loaded");
    assert!(!delivery.path("site/site.toml").exists());
    assert_eq!(running(&module), Vec::<u32>::new());
    // What it laid out is in nobody's way.
    let said = delivery.run(&["init", "--trial", "site", "--anchor", "root.pem", "--manufacturer", "maker"]);
    assert_eq!(said.status, 0, "{said:?}");
}

/// Compiles `source` ("liar.c", "emptied.c -DCERTIFICATES") into `folder`.
pub(crate) fn compiled(source: &str, folder: &Path, defines: &[&str]) -> PathBuf {
    let mut words = source.split(' ');
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dock/modules").join(words.next().unwrap());
    let module = folder.join(file.with_extension("so").file_name().unwrap());
    let said = Command::new("cc")
        .args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&module)
        .arg(format!("-DSOFTHSM=\"{}\"", softhsm().unwrap().display()))
        .args(words)
        .args(defines)
        .arg(&file)
        .output()
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    module
}

/// Lets a site use another module, and wait `seconds` for its answers.
pub(crate) fn use_module(site: &Path, module: &Path, seconds: Option<u64>) {
    replace_in_configuration(site, "module", &format!("module = {module:?}"));
    if let Some(seconds) = seconds {
        replace_in_configuration(site, "module_seconds", &format!("module_seconds = {seconds}"));
    }
}

/// The processes that have this module as an argument. One that was killed a moment ago may still be on its way.
pub(crate) fn running(module: &Path) -> Vec<u32> {
    let until = Instant::now() + SLACK;
    loop {
        let found = with_argument(module);
        if found.is_empty() || Instant::now() > until {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The processes that have this module as an argument at this moment.
pub(crate) fn with_argument(module: &Path) -> Vec<u32> {
    let has = |id: &u32| {
        std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|call| {
            call.split(|byte| *byte == 0).any(|argument| argument == module.as_os_str().as_encoded_bytes())
        })
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(has).collect()
}
