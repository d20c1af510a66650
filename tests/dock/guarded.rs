//! The process of a module: what it sees, when it is replaced, what it is never told again, and when it ends.

use crate::bad_modules::{compiled, running, use_module, with_argument};
use crate::delivery::{Delivery, Said};
use crate::receive::{self, strings};
use crate::softhsm::{certificate, create, make, module, pin, random, raw_module, raw_slot, trial};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use ecugate::hsm::{
    ExpectedKey, Guarded, HelperStart, Pin, TokenFault, TokenSigner, Tokens, TrialFolder, TrialTokens, softhsm,
};
use ecugate_verifier::values::keys::Signer as _;
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        receive::trial("attack_37_the_module_sees_the_variables_of_its_site_alone_and_no_preloaded_code", variables),
        receive::trial("attack_37_no_memory_that_holds_a_pin_is_written_to_a_core", cores),
        receive::trial("a_gate_that_is_killed_takes_a_hanging_module_with_it", killed_gate),
        trial("the_process_of_a_module_inherits_no_open_file_of_the_gate", &[open_files]),
        trial("sixteen_threads_share_one_guarded_module_and_each_gets_its_own_answers", &[sixteen_threads]),
        trial("attack_38_a_process_found_dead_is_replaced_and_its_tokens_are_opened_again", &[found_dead]),
        trial("attack_38_a_token_that_comes_back_signs_again", &[comes_back]),
        trial("a_request_that_failed_on_its_way_is_not_repeated", &[not_repeated]),
        trial("attack_38_a_refused_pin_is_not_given_again_by_the_next_process", &[refused_pin]),
        trial("attack_38_a_kept_pin_that_is_refused_later_is_given_once", &[kept_pin]),
        trial("a_module_that_is_not_there_or_is_a_folder_is_named_from_its_own_process", &[no_module]),
    ]
}

fn guarded(folder: &Path, module: &Path) -> Result<Guarded, TokenFault> {
    Guarded::start(HelperStart {
        program: PathBuf::from(env!("CARGO_BIN_EXE_ecugate")),
        module: module.to_owned(),
        environment: TrialFolder::lay_out(folder).unwrap().environment(),
        deadline: Duration::from_secs(60),
    })
}

/// SoftHSM by a path that no other process has as an argument.
fn own_softhsm(folder: &Path) -> PathBuf {
    let link = folder.join("softhsm.so");
    std::os::unix::fs::symlink(softhsm().unwrap(), &link).unwrap();
    link
}

fn station(tokens: &Arc<dyn Tokens>, made: &TrialTokens) -> TokenSigner {
    let pin = Pin::from_file(&made.signer.pin_file).unwrap();
    let expected = ExpectedKey::Recorded(made.station.public_key.id());
    TokenSigner::open(Arc::clone(tokens), made.station.key.clone(), pin, expected).unwrap()
}

/// Kills the one process of this module, and waits until it is dead.
fn kill(module: &Path) -> u32 {
    let ids = with_argument(module);
    let [id] = ids.as_slice() else { panic!("{ids:?}") };
    // Not by the program `kill`, which a small system lacks.
    let process = Pid::from_raw(i32::try_from(*id).unwrap()).unwrap();
    kill_process(process, Signal::KILL).unwrap();
    // Its memory goes first and its last thread at the end: only then is it dead for whoever waits for it.
    let dead = || {
        let threads = std::fs::read_dir(format!("/proc/{id}/task")).map_or(0, Iterator::count);
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        threads == 0 || (threads == 1 && stat.contains(") Z "))
    };
    let until = Instant::now() + Duration::from_secs(60);
    while !dead() {
        assert!(Instant::now() < until, "{id} does not die");
        std::thread::sleep(Duration::from_millis(1));
    }
    *id
}

/// Attack class 37: through the real program, with everything set that a desk user can set.
fn variables() {
    let delivery = Delivery::founded();
    let site = delivery.path("site");
    let (seen, preloaded) = (delivery.path("seen"), delivery.path("preloaded"));
    let witness = |file: &Path| format!("-DWITNESS=\"{}\"", file.display());
    let module = compiled("witness.c", &delivery.path(""), &[&witness(&seen)]);
    let library = compiled("preloaded.c", &delivery.path(""), &[&witness(&preloaded)]);
    use_module(&site, &module, None);
    let mut command = delivery.command(&strings(&delivery.box_with("DEMO-0001")));
    command.env("LD_PRELOAD", &library).env("LD_LIBRARY_PATH", delivery.path(""));
    for name in ["SOFTHSM2_CONF", "P11_KIT_DEBUG", "OPENSSL_CONF", "HOME", "PATH", "ECUGATE_NOW"] {
        command.env(name, "/home/desk");
    }
    let said = Said::of(command.output().unwrap());
    assert_eq!(said.status, 0, "{said:?}");
    let seen = std::fs::read_to_string(seen).unwrap();
    let variables: Vec<&str> = seen.lines().filter(|line| line.starts_with("variable ")).collect();
    let conf = site.canonicalize().unwrap().join("softhsm2.conf");
    assert_eq!(variables, [format!("variable SOFTHSM2_CONF={}", conf.display())]);
    // It was in the caller's own call, and nowhere else.
    let preloaded = std::fs::read_to_string(preloaded).unwrap();
    assert_eq!(preloaded.lines().count(), 1, "{preloaded}");
    assert!(preloaded.contains(" receive ") && !preloaded.contains("token-helper"), "{preloaded}");
}

/// A gate with a box whose module hangs in signing. Ended when dropped.
struct Hanging {
    gate: std::process::Child,
    module: PathBuf,
    /// The process of the module.
    helper: u32,
    delivery: Delivery,
}

impl Hanging {
    fn start() -> Self {
        let delivery = Delivery::founded();
        let module = compiled("hang_in_sign.c", &delivery.path(""), &[]);
        use_module(&delivery.path("site"), &module, Some(120));
        let gate = delivery.command(&strings(&delivery.box_with("DEMO-0001"))).spawn().unwrap();
        let mut hanging = Self { gate, module, helper: 0, delivery };
        let until = Instant::now() + Duration::from_secs(60);
        while hanging.helper == 0 {
            assert!(Instant::now() < until, "no process of the module");
            std::thread::sleep(Duration::from_millis(5));
            hanging.helper = with_argument(&hanging.module).first().copied().unwrap_or_default();
        }
        hanging
    }

    fn kill(&mut self) {
        self.gate.kill().unwrap();
        self.gate.wait().unwrap();
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        let _ = self.gate.kill();
        let _ = self.gate.wait();
    }
}

fn cores() {
    let mut hanging = Hanging::start();
    let until = Instant::now() + Duration::from_secs(60);
    for id in [hanging.gate.id(), hanging.helper] {
        // Either may not have come to it yet.
        loop {
            let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
            let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            if words[4..6] == ["0", "0"] {
                break;
            }
            assert!(Instant::now() < until, "{id}: {line}");
        }
    }
    hanging.kill();
    assert_eq!(running(&hanging.module), Vec::<u32>::new());

    // The limit is not looked at where cores are piped to a program: the module's process says itself what it is.
    let (folder, seen) = (hanging.delivery.path(""), hanging.delivery.path("seen"));
    let witness = compiled("witness.c", &folder, &[&format!("-DWITNESS=\"{}\"", seen.display())]);
    drop(guarded(&hanging.delivery.path("site"), &witness).unwrap());
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.lines().any(|line| line == "dumpable 0"), "{seen}");
}

fn killed_gate() {
    let mut hanging = Hanging::start();
    hanging.kill();
    assert_eq!(running(&hanging.module), Vec::<u32>::new());
}

fn open_files(folder: &Path) {
    let seen = folder.join("seen");
    let witness = compiled("witness.c", folder, &[&format!("-DWITNESS=\"{}\"", seen.display())]);
    let own = own_softhsm(folder);
    // What whoever started this test has left open for everybody is not the gate's.
    let said = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let inherited = String::from_utf8(said.stdout).unwrap();
    // Sockets of another process, a file and a pipe are open here.
    let other = guarded(folder, &own).unwrap();
    let _file = std::fs::File::open(folder.join("softhsm2.conf")).unwrap();
    let _pipe = std::io::pipe().unwrap();
    drop(guarded(folder, &witness).unwrap());
    let text = std::fs::read_to_string(&seen).unwrap();
    let files = text.lines().filter_map(|line| line.strip_prefix("file ")?.split_once(' '));
    let own_files: BTreeSet<&str> =
        files.map(|(_, target)| target).filter(|target| !inherited.contains(&format!("-> {target}\n"))).collect();
    let (sockets, rest): (BTreeSet<&str>, _) = own_files.iter().partition(|target| target.starts_with("socket:"));
    let rest: Vec<&str> = rest.into_iter().filter(|target| *target != "/dev/null").collect();
    assert_eq!((sockets.len(), rest), (1, vec![seen.to_str().unwrap()]), "{text}{inherited}");
    drop(other);
    assert_eq!((running(&own), running(&witness)), (vec![], vec![]));
}

fn sixteen_threads(folder: &Path) {
    let made = create(folder, &[certificate("real")]);
    let own = own_softhsm(folder);
    let tokens: Arc<dyn Tokens> = Arc::new(guarded(folder, &own).unwrap());
    let signer = station(&tokens, &made);
    std::thread::scope(|scope| {
        for number in 0..16_u32 {
            let (signer, tokens, made) = (&signer, &tokens, &made);
            scope.spawn(move || {
                for round in 0..20_u32 {
                    let message = [number.to_be_bytes(), round.to_be_bytes()].concat();
                    let signature = signer.sign(&message).unwrap();
                    assert_eq!(made.station.public_key.verify(&message, &signature), Ok(()));
                    let key = tokens.public_key(&made.signer.name, "log").unwrap();
                    assert_eq!(key, made.log.public_key.spki());
                    assert_eq!(tokens.certificates(&made.trust.name).unwrap().certificates.len(), 1);
                }
            });
        }
    });
    assert_eq!(with_argument(&own).len(), 1, "one process for all of them");
    drop((tokens, signer));
    assert_eq!(running(&own), Vec::<u32>::new());
}

fn found_dead(folder: &Path) {
    let made = create(folder, &[certificate("real")]);
    let own = own_softhsm(folder);
    let tokens: Arc<dyn Tokens> = Arc::new(guarded(folder, &own).unwrap());
    let signer = station(&tokens, &made);
    let first = kill(&own);
    signer.sign(b"nobody logs in by hand").unwrap();
    let second = kill(&own);
    assert_ne!(first, second);
    assert_eq!(tokens.certificates(&made.trust.name).unwrap().certificates.len(), 1);
    signer.sign(b"logged in when it is needed").unwrap();
}

/// Attack class 38: the token removed in mid-run, and put back.
fn comes_back(folder: &Path) {
    let made = create(folder, &[certificate("real")]);
    let tokens: Arc<dyn Tokens> = Arc::new(guarded(folder, &own_softhsm(folder)).unwrap());
    let signer = station(&tokens, &made);
    signer.sign(b"before").unwrap();
    std::fs::rename(folder.join("tokens"), folder.join("away")).unwrap();
    let reasons: Vec<_> = (0..3).map(|_| signer.sign(b"meanwhile").unwrap_err().reason().code()).collect();
    // A new process is asked each time, and SoftHSM does not start without its folder.
    assert_eq!(reasons, ["signer-failed", "module-failed", "module-failed"]);
    std::fs::rename(folder.join("away"), folder.join("tokens")).unwrap();
    signer.sign(b"after").unwrap();
}

fn not_repeated(folder: &Path) {
    let made = create(folder, &[]);
    let signs = folder.join("signs");
    let crashing = compiled("crash_in_sign.c", folder, &[&format!("-DWITNESS=\"{}\"", signs.display())]);
    let tokens: Arc<dyn Tokens> = Arc::new(guarded(folder, &crashing).unwrap());
    let signer = station(&tokens, &made);
    for asked in 1..=2 {
        let fault = signer.sign(b"once").unwrap_err();
        assert_eq!(fault.reason().code(), "module-failed");
        assert_eq!(fault.finding().found, "it was killed by signal 11 (segmentation fault) while signing");
        assert_eq!(std::fs::read(&signs).unwrap().len(), asked);
        assert_eq!(running(&crashing), Vec::<u32>::new());
        // The next request gets another process, and the token is open in it.
        assert_eq!(tokens.public_key(&made.signer.name, "log").unwrap(), made.log.public_key.spki());
    }
}

/// What SoftHSM remembers of the tries on a token: one flag, which a right PIN takes away.
struct Tries {
    raw: cryptoki::context::Pkcs11,
    slot: cryptoki::slot::Slot,
}

impl Tries {
    fn of(token: &ecugate::hsm::TokenName) -> Self {
        let raw = raw_module();
        let slot = raw_slot(&raw, token);
        Self { raw, slot }
    }

    fn saw_a_wrong_pin(&self) -> bool {
        self.raw.get_token_info(self.slot).unwrap().user_pin_count_low()
    }

    fn forget(&self, right: &str) {
        let session = self.raw.open_ro_session(self.slot).unwrap();
        session.login(UserType::User, Some(&AuthPin::from(right))).unwrap();
        session.logout().unwrap();
        assert!(!self.saw_a_wrong_pin());
    }
}

fn refused_pin(folder: &Path) {
    let token = make(&module(), "signer");
    let tries = Tries::of(&token);
    let own = own_softhsm(folder);
    let tokens = guarded(folder, &own).unwrap();
    let wrong = Err(TokenFault::PinWrong { token: token.clone() });
    assert_eq!(tokens.log_in(&token, pin("wr0ng-1234")), wrong);
    assert!(tries.saw_a_wrong_pin());
    tries.forget("4711");
    for _ in 0..2 {
        kill(&own);
        tokens.describe().unwrap();
        assert_eq!(tokens.log_in(&token, pin("wr0ng-1234")), wrong);
        assert!(!tries.saw_a_wrong_pin(), "the refused PIN was given to the token again");
    }
    // Another PIN is another try.
    assert_eq!(tokens.log_in(&token, pin("wr0ng-5678")), wrong);
    assert!(tries.saw_a_wrong_pin());
    assert_eq!(tokens.log_in(&token, pin("4711")), Ok(()));
    assert!(!format!("{tokens:?} {wrong:?}").contains("wr0ng"));
}

fn kept_pin(folder: &Path) {
    let own = own_softhsm(folder);
    let guarded = guarded(folder, &own).unwrap();
    let layout = TrialFolder::lay_out(folder).unwrap();
    let made = TrialTokens::create(&guarded, guarded.environment(), &layout, &[], &random).unwrap();
    let tokens: Arc<dyn Tokens> = Arc::new(guarded);
    let signer = station(&tokens, &made);
    // Somebody gives the token another PIN. Only another process will ask for it.
    let tries = Tries::of(&made.signer.name);
    let old = std::fs::read_to_string(&made.signer.pin_file).unwrap();
    let session = tries.raw.open_rw_session(tries.slot).unwrap();
    session.set_pin(&AuthPin::from(old.as_str()), &AuthPin::from("another-pin")).unwrap();
    drop(session);
    kill(&own);
    let wrong = TokenFault::PinWrong { token: made.signer.name.clone() };
    assert_eq!(signer.sign(b"with the old PIN").unwrap_err(), wrong);
    assert!(tries.saw_a_wrong_pin());
    tries.forget("another-pin");
    for _ in 0..2 {
        assert_eq!(signer.sign(b"again").unwrap_err(), wrong);
        kill(&own);
    }
    assert!(!tries.saw_a_wrong_pin(), "the refused PIN was given to the token again");
    // A person gives the right one.
    assert_eq!(tokens.log_in(&made.signer.name, pin("another-pin")), Ok(()));
    signer.sign(b"with the new PIN").unwrap();
}

fn no_module(folder: &Path) {
    let found = |path: &Path| {
        let fault = guarded(folder, path).unwrap_err();
        (fault.reason().code(), fault.finding().found)
    };
    assert_eq!(found(&folder.join("none.so")), ("module-missing", "no such file".to_owned()));
    assert_eq!(found(folder), ("module-missing", "a folder".to_owned()));
    assert_eq!(found(Path::new("")), ("module-missing", "a relative path".to_owned()));
    assert_eq!(found(Path::new("--help")), ("module-missing", "a relative path".to_owned()));
}
