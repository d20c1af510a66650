//! `docs/trust-officers.md`: every command on it, in its order, as it stands there.

use crate::delivery::{Delivery, today_of};
use crate::receive::trial;
use ecugate_verifier::values::digest::Sha256;
use libtest_mimic::Trial;

const PAGE: &str = include_str!("../../../docs/trust-officers.md");

pub(super) fn trials() -> Vec<Trial> {
    vec![trial("the_commands_on_the_page_for_trust_officers_do_what_it_says", commands)]
}

/// The contents of the fenced blocks of one kind.
fn blocks(kind: &str) -> impl Iterator<Item = &'static str> {
    let open = format!("```{kind}\n");
    PAGE.match_indices(&open)
        .map(move |(at, open)| PAGE[at + open.len()..].split("```").next().unwrap())
        .collect::<Vec<_>>()
        .into_iter()
}

/// The words of a command, those in quotes whole.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, piece) in command.split('"').enumerate() {
        match n % 2 {
            0 => words.extend(piece.split_whitespace().map(str::to_owned)),
            _ => words.push(piece.to_owned()),
        }
    }
    words
}

fn commands() {
    let (delivery, other) = (Delivery::new(), today_of("Other Root"));
    super::write_other(&delivery, &other);
    delivery.write("policy.toml", blocks("toml").next().unwrap().as_bytes());
    let digest = Sha256::of(&other.root.der).to_string();
    let mut run = 0;
    for line in blocks("sh").flat_map(str::lines) {
        let words = words(line.strip_prefix("ecugate ").unwrap());
        let words: Vec<&str> =
            words.iter().map(|word| if word == "SHA256-OF-OTHER" { digest.as_str() } else { word }).collect();
        let said = delivery.run(&words);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{line}: {said:?}");
        assert!(said.out.starts_with("accept\nTRIAL"), "{line}: {said:?}");
        run += 1;
    }
    assert!(run > 15, "{run} commands");
    let list = delivery.run(&["anchors", "list", "--site", "site"]).out;
    assert!(list.contains("list      version 3") && !list.contains("WARNING"), "{list}");
    let lowered = delivery.run(&["policy", "check", "policy.toml", "--site", "site"]).out;
    assert!(lowered.contains("changes   nothing against the policy in force but its dates"), "{lowered}");
}
