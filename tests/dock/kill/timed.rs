//! Kills at any moment: the program, the process of its module, or both, at a moment drawn evenly over the length of a
//! run; every second one over its second half, in which everything is written. Then the same box is presented again, be it
//! under the next kill, and a second one like it. Kill follows kill on one site, so that a gate also recovers from what a
//! recovery left that was cut off itself.
//!
//! SoftHSM rewrites the file of a token in place at each login, so that a kill can leave the token empty. That loss is
//! SoftHSM's: after each kill the files of tokens are compared with a copy from before, and all are put back where one is
//! gone or has another length. Nothing that the gate keeps is ever put back.
//!
//! No assertion depends on when a kill came. A machine that is busy makes it come before or after everything: each
//! outcome is judged by what was shown, and a trial goes on until every kind of death was seen.

use super::arrived::{Arrived, At};
use crate::campaign::{number, tell};
use crate::delivery::{Delivery, copy_folder};
use crate::dice::Dice;
use crate::oracle::Oracle;
use crate::own_process::DEADLINE;
use crate::receive::strings;
use crate::world::unit;
use libtest_mimic::Trial;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Trials that run side by side.
const TRIALS: usize = 5;
/// Kills that hit somebody, in all of them; a campaign sets `ECUGATE_TIMED_KILLS`.
const KILLS: usize = 200;
/// Kills on one site, before a new one is founded, be it that they hit nobody.
const KILLS_OF_A_SITE: usize = 20;
/// Further kills before a trial that has not seen every kind of death says so.
const FURTHER: usize = 1_000;
/// Runs that nobody kills, to learn how long one takes.
const WHOLE_RUNS: usize = 3;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        timed("killed_at_a_drawn_moment_again_and_again_nothing_is_lost_and_no_box_is_a_clone_of_itself_1", || {
            drawn(1)
        }),
        timed("killed_at_a_drawn_moment_again_and_again_nothing_is_lost_and_no_box_is_a_clone_of_itself_2", || {
            drawn(2)
        }),
        timed("killed_at_a_drawn_moment_again_and_again_nothing_is_lost_and_no_box_is_a_clone_of_itself_3", || {
            drawn(3)
        }),
        timed("killed_at_a_drawn_moment_again_and_again_nothing_is_lost_and_no_box_is_a_clone_of_itself_4", || {
            drawn(4)
        }),
        timed("killed_at_a_drawn_moment_again_and_again_nothing_is_lost_and_no_box_is_a_clone_of_itself_5", || {
            drawn(5)
        }),
    ]
}

fn timed(name: &'static str, test: fn()) -> Trial {
    crate::receive::trial(name, test)
}

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    /// The program. The process of its module finds itself alone and ends.
    Program,
    /// The process of the module. The program holds the box, or starts another process and goes on.
    Helper,
    Both,
}

/// What the kills of a trial came to.
#[derive(Debug, Default)]
struct Counts {
    /// Somebody was hit.
    kills: usize,
    /// Nobody was: the run was over, or the process of the module not there or gone.
    missed: usize,
    sites: usize,
    /// Nothing of the box stood in the journal.
    unbegun: usize,
    /// The attempt had begun, and nothing was shown.
    begun: usize,
    /// What was recorded then, and nobody had seen it until the box was presented again.
    unseen: usize,
    /// The verdict was shown.
    shown: usize,
    /// Only the process of the module died, and the box was held.
    held: usize,
    /// The same, and its verdict was reached all the same.
    went_on: usize,
    /// Files of tokens were put back.
    tokens: usize,
}

impl Counts {
    /// As many as are wanted, and each kind of death among them.
    const fn are_enough(&self, wanted: usize) -> bool {
        self.kills >= wanted && self.unbegun > 0 && self.begun > 0 && self.unseen > 0 && self.held > 0
    }
}

fn drawn(seed: u64) {
    let wanted = number("ECUGATE_TIMED_KILLS", KILLS).div_ceil(TRIALS);
    let mut counts = Counts::default();
    while !counts.are_enough(wanted) {
        assert!(
            counts.kills + counts.missed < 2 * wanted + FURTHER,
            "these kills hit nothing of some kind: {counts:?}"
        );
        one_site(seed, &mut counts, wanted);
    }
    tell(&told(&counts));
}

fn told(counts: &Counts) -> String {
    let Counts { kills, missed, sites, unbegun, begun, unseen, shown, held, went_on, tokens } = counts;
    format!(
        "{kills} timed kills on {sites} sites ({missed} more hit nobody): {unbegun} before the attempt, {begun} in it with \
         nothing shown ({unseen} verdicts of these stood in the ledger), {shown} after the verdict was shown; {held} of the \
         module's process alone and the box was held, {went_on} and it was judged; SoftHSM left a token cut short {tokens} \
         times"
    )
}

/// Founds a site and lets boxes arrive whose gate is killed, each up to four times before it is seen through.
fn one_site(seed: u64, counts: &mut Counts, wanted: usize) {
    let serials: Vec<String> = (0..WHOLE_RUNS + KILLS_OF_A_SITE).map(|n| format!("TIMED-{n:04}")).collect();
    let delivery = site_for(&serials);
    let (whole, boxes) = serials.split_at(WHOLE_RUNS);
    let mut lengths: Vec<Duration> = whole.iter().map(|serial| length_of_a_run(&delivery, serial)).collect();
    lengths.sort();
    let length = lengths[WHOLE_RUNS / 2];
    counts.sites += 1;
    let (mut oracle, mut kills) = (Oracle::default(), 0);
    for (number, serial) in boxes.iter().enumerate() {
        if kills >= KILLS_OF_A_SITE || counts.are_enough(wanted) {
            break;
        }
        let mut dice = Dice(seed << 32 | (counts.sites as u64) << 16 | number as u64);
        let at = [At::First, At::First, At::First, At::Second, At::Second, At::Held][dice.below(6)];
        let in_a_row = 1 + dice.below(4);
        let mut arrived = Arrived::at(&delivery, serial, at);
        let mut story = format!("seed {seed}, site {}, box {number}, {at:?}, a run takes {length:?}", counts.sites);
        for _ in 0..in_a_row {
            kills += 1;
            let strike = Strike::draw(&mut dice, length);
            story += &format!("; {strike:?}");
            let struck = strike.at(&delivery, serial, counts);
            oracle.see(&struck.output.stdout);
            oracle.see_folder(&delivery.path("site"));
            arrived.struck(&struck.output, true, &story);
            counts.count(&struck, arrived.is_seen());
            if arrived.is_seen() {
                break;
            }
        }
        arrived.presented_again(&mut oracle, &story);
        counts.unseen += arrived.unseen;
    }
}

fn site_for(serials: &[String]) -> Delivery {
    let mut delivery = Delivery::new();
    delivery.world.shipment.units = serials.iter().map(|serial| unit(serial)).collect();
    delivery.write("shipment.json", &delivery.world.shipment_envelope());
    let said = delivery.run(&["init", "--trial", "site", "--anchor", "root.pem", "--manufacturer", "maker"]);
    assert_eq!(said.status, 0, "{said:?}");
    delivery.be_patient();
    delivery
}

fn length_of_a_run(delivery: &Delivery, serial: &str) -> Duration {
    let started = Instant::now();
    let output = Running::start(delivery, serial).ended();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    started.elapsed()
}

/// A kill as it was drawn.
#[derive(Debug)]
struct Strike {
    whom: Whom,
    after: Duration,
}

/// What came of it.
struct Struck {
    output: Output,
    is_helper_hit: bool,
    /// Something was written into the journal.
    is_begun: bool,
}

impl Strike {
    fn draw(dice: &mut Dice, length: Duration) -> Self {
        let whom = [Whom::Program, Whom::Program, Whom::Both, Whom::Helper][dice.below(4)];
        let (first_half, whole) = (usize::try_from(length.as_micros() / 2).unwrap(), dice.below(2) == 0);
        let after = if whole { dice.below(2 * first_half) } else { first_half + dice.below(first_half) };
        Self { whom, after: Duration::from_micros(after as u64) }
    }

    /// Lets a box arrive and kills; when this returns everybody has ended, and the files of tokens are whole.
    fn at(&self, delivery: &Delivery, serial: &str, counts: &mut Counts) -> Struck {
        let tokens = objects(&delivery.path("site/tokens"));
        copy_folder(&delivery.path("site/tokens"), &delivery.path("tokens-before"));
        let journal = || std::fs::metadata(delivery.path("site/journal/000001.jsonl")).unwrap().len();
        let begun = journal();
        let running = Running::start(delivery, serial);
        let (output, is_helper_hit) = running.killed(self);
        if objects(&delivery.path("site/tokens")) != tokens {
            counts.tokens += 1;
            std::fs::remove_dir_all(delivery.path("site/tokens")).unwrap();
            copy_folder(&delivery.path("tokens-before"), &delivery.path("site/tokens"));
        }
        std::fs::remove_dir_all(delivery.path("tokens-before")).unwrap();
        Struck { output, is_helper_hit, is_begun: journal() > begun }
    }
}

impl Counts {
    fn count(&mut self, struck: &Struck, is_seen: bool) {
        let died = struck.output.status.signal().is_some();
        if !died && !struck.is_helper_hit {
            self.missed += 1;
            return;
        }
        self.kills += 1;
        let kind = match (died, struck.is_helper_hit) {
            (true, _) if is_seen => &mut self.shown,
            (true, _) if struck.is_begun => &mut self.begun,
            (true, _) => &mut self.unbegun,
            (false, _) if is_seen => &mut self.went_on,
            (false, _) => &mut self.held,
        };
        *kind += 1;
    }
}

/// A box at the gate, in a process of its own.
struct Running {
    program: OwnedFd,
    id: u32,
    ended: mpsc::Receiver<std::io::Result<Output>>,
}

impl Running {
    fn start(delivery: &Delivery, serial: &str) -> Self {
        let child = delivery.command_with_all_it_starts(&strings(&delivery.box_with(serial))).spawn().unwrap();
        let id = child.id();
        // Nobody takes its status before this is open, so its number is nobody else's.
        let program = held_by(i32::try_from(id).unwrap()).unwrap();
        let (sender, ended) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        Self { program, id, ended }
    }

    /// What it said, when everybody has ended.
    fn ended(self) -> Output {
        self.ended.recv_timeout(DEADLINE).expect("somebody is left behind").unwrap()
    }

    /// Kills at the drawn moment, or finds that everybody has ended before. Tells whether a process of a module was hit.
    fn killed(self, strike: &Strike) -> (Output, bool) {
        if let Ok(output) = self.ended.recv_timeout(strike.after) {
            return (output.unwrap(), false);
        }
        // Looked for before the program dies: then they are nobody's children.
        let helpers = if strike.whom == Whom::Program { Vec::new() } else { children(self.id) };
        let kill = |process: &OwnedFd| pidfd_send_signal(process, Signal::KILL).is_ok();
        if strike.whom != Whom::Helper {
            kill(&self.program);
        }
        let hit = helpers.iter().filter(|helper| kill(helper)).count();
        (self.ended(), hit > 0)
    }
}

/// A process by more than its number, which another one may get.
fn held_by(id: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(id)?, PidfdFlags::empty()).ok()
}

/// What a program has started.
fn children(id: u32) -> Vec<OwnedFd> {
    let listed = || -> BTreeSet<i32> {
        let threads = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
        let lists = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
        lists.flat_map(|list| list.split_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<_>>()).collect()
    };
    let held: Vec<(i32, OwnedFd)> = listed().into_iter().filter_map(|id| Some((id, held_by(id)?))).collect();
    // What is its child still was so when it was held.
    let still = listed();
    held.into_iter().filter(|(id, _)| still.contains(id)).map(|(_, process)| process).collect()
}

/// The objects of all tokens, and their lengths: each is emptied and then written in one call. What is in them may differ
/// from login to login.
fn objects(tokens: &Path) -> BTreeMap<PathBuf, u64> {
    let folders = std::fs::read_dir(tokens).unwrap().map(|token| token.unwrap().path());
    let files = folders.flat_map(|token| std::fs::read_dir(token).unwrap().map(|file| file.unwrap().path()));
    let objects = files.filter(|file| file.extension().is_some_and(|extension| extension == "object"));
    objects.map(|file| (file.clone(), std::fs::metadata(&file).unwrap().len())).collect()
}
