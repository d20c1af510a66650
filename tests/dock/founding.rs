//! `ecugate init` that is killed or cannot succeed: a whole site or none.

use crate::delivery::Delivery;
use crate::faults::object;
use crate::receive::trial;
use libtest_mimic::Trial;
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an_init_killed_at_any_moment_leaves_a_whole_site_or_none", killed_init),
        trial("an_init_that_cannot_succeed_makes_nothing", init_makes_nothing),
    ]
}

fn killed_init() {
    let init = ["init", "--trial", "site", "--anchor", "root.pem", "--manufacturer", "maker", "--json"];
    let (mut whole, mut none) = (0, 0);
    for pause in (0..24).map(|n| Duration::from_millis(n * 9)) {
        let delivery = Delivery::new();
        let mut child = delivery.command_with_all_it_starts(&init).spawn().unwrap();
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait_with_output().unwrap();
        let (status, said) = delivery.receive("DEMO-0001", |_| {});
        let reason = said["reason"].as_str();
        if reason == Some("site-missing") {
            assert_eq!(status, 2);
            none += 1;
            // What lies there is taken for nothing, and is never built upon.
            let again = delivery.run(&init);
            assert!(again.status == 0 || again.out.contains("remove the folder"), "{again:?}");
        } else {
            assert_eq!((status, reason), (0, None), "{said}");
            whole += 1;
        }
    }
    assert!(none > 0, "{whole} whole sites: no init was killed in its course");
}

fn init_makes_nothing() {
    let delivery = Delivery::new();
    for (arguments, status, reason) in [
        (["--site", "X_Y"], 2, "usage"),
        (["--site", "\u{1b}[2J"], 2, "usage"),
        (["--station", ""], 2, "usage"),
        (["--anchor", "nowhere.pem"], 2, "input-missing"),
        (["--anchor", "release.json"], 10, "certificate-malformed"),
        (["--anchor", "root.pem"], 2, "usage"),
    ] {
        let mut call = vec!["init", "--json", "--trial", "new", "--anchor", "root.pem"];
        call.extend(arguments);
        let said = delivery.run(&call);
        let object = object(&said);
        assert_eq!((said.status, &object["reason"]), (status, &reason.into()), "{object}");
        assert!(!delivery.path("new").exists(), "{arguments:?}");
    }
    std::fs::create_dir(delivery.path("home")).unwrap();
    delivery.write("home/thesis.txt", b"dear to somebody");
    let said = delivery.run(&["init", "--json", "--trial", "home", "--anchor", "root.pem"]);
    let object = object(&said);
    assert_eq!((said.status, &object["reason"]), (2, &"site-exists".into()));
    assert_eq!(object["found"], "thesis.txt, which is not of a site", "nobody is told to remove the folder");
}
