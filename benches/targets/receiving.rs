//! T1, T2, and T5 with a token: one box at a time, each a process of its own on SoftHSM. By the wall clock.

use super::clock::Spread;
use super::dock::{Brought, Dock, MAKER, certificates, judge};
use super::memory::{self, LARGE, SMALL};
use super::pki::{Kind, Party, Spec, pem};
use super::process::{again, missing, wall_milliseconds};
use super::row::{Target, print, print_missing};
use super::unit_folder;
use ecugate::ledger::Ledger;
use ecugate::site::Site;
use ecugate_verifier::documents::envelope::{Envelope, PAYLOAD_TYPE, pae};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::verified::VerifiedSignatures;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const ROUNDS: usize = 15;
const PEAK_ROUNDS: usize = 5;
const SYNC_ROUNDS: usize = 3;
/// The first entry after genesis and memory-complete.
const FIRST: u64 = 2;

/// The task of a process of its own: anchors from the token, one box judged.
pub(crate) const JUDGE: &str = "judge";

pub(crate) fn measure() {
    let dock = match Dock::founded(SMALL) {
        Ok(dock) => dock,
        Err(why) => {
            return ["T1", "T2", "T5"].iter().for_each(|row| print_missing(row, "one box, with SoftHSM", &why));
        }
    };
    verify_only(&dock);
    whole(&dock);
    syncs(&dock);
    peaks(&dock);
}

/// T1. No command judges a box with the anchors of a token and records nothing, so the library does.
fn verify_only(dock: &Dock) {
    print_missing(
        "T1",
        "one unit, verify only, anchors from SoftHSM, as one command",
        "`verify unit` takes anchors from files, and `receive`, which takes them from the token, records",
    );
    let site = dock.site();
    let signer = Party::root(Spec::ca("Signer").with(|spec| spec.kind = Kind::P256));
    let image = std::fs::read(dock.path("image.bin")).unwrap();
    let key = Certificate::from_der(&signer.der, &Limits::STANDARD).unwrap().public_key().unwrap();
    dock.write("signer.pub", pem("PUBLIC KEY", key.spki()).as_bytes());
    dock.write("image.sig", &signer.sign(&image));
    let no_tool = missing("pkcs11-tool", "opensc");
    let from_files = tempfile::tempdir().unwrap();
    let world = memory::unit(from_files.path(), SMALL);
    let mut times: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        let folder = dock.folder().display().to_string();
        times[0].push(wall_milliseconds(&mut again(JUDGE, &[&folder])).0);
        if no_tool.is_none() {
            let mut tool = pkcs11_tool(&site);
            tool.args(["--token-label", &site.text().trust_token.label, "-r", "--type", "cert", "--label", MAKER]);
            times[1].push(wall_milliseconds(tool.current_dir(dock.folder())).0);
        }
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha256", "-verify", "signer.pub", "-signature", "image.sig", "image.bin"]);
        times[2].push(wall_milliseconds(openssl.current_dir(dock.folder())).0);
        let mut program = Command::new(env!("CARGO_BIN_EXE_ecugate"));
        program.args(unit_folder::arguments(&world)).current_dir(from_files.path());
        times[3].push(wall_milliseconds(&mut program).0);
    }
    let [ours, tool, openssl, files] = times;
    let of_files = Spread::of(files.iter().zip(&openssl).map(|(files, openssl)| files / openssl));
    let what = "`ecugate verify unit`, anchors from files, against `openssl dgst -sha256 -verify`";
    print("T1", what, " ×", Target::AtMost(2.0), of_files);
    let against = |others: &[f64]| Spread::of(ours.iter().zip(others).map(|(ours, other)| ours / other));
    let what = "the same through the library, anchors from SoftHSM, in a new process";
    match no_tool {
        Some(why) => print_missing("T1", "the same, against `pkcs11-tool -r --type cert`", &why),
        None => {
            let what = format!("{what}, against `pkcs11-tool -r --type cert`");
            print("T1", &what, " ×", Target::AtMost(0.9), against(&tool));
        }
    }
    print(
        "T1",
        &format!("{what}, against `openssl dgst -sha256 -verify`"),
        " ×",
        Target::AtMost(2.0),
        against(&openssl),
    );
    print("T1", "beside: `ecugate verify unit`", " ms", Target::Beside, Spread::of(files));
    print("T1", "beside: the process with the library", " ms", Target::Beside, Spread::of(ours));
    if !tool.is_empty() {
        print("T1", "beside: `pkcs11-tool`", " ms", Target::Beside, Spread::of(tool));
    }
    print("T1", "beside: `openssl`", " ms", Target::Beside, Spread::of(openssl));
}

/// The task.
pub(crate) fn judge_one(arguments: &[String]) {
    let folder = Path::new(&arguments[0]);
    let site = Site::open(&folder.join("site")).unwrap();
    judge(&site, certificates(&site), &Brought::read(folder), 0, VerifiedSignatures::NONE);
}

/// T2.
fn whole(dock: &Dock) {
    let tools = [("pkcs11-tool", "opensc"), ("sqlite3", "sqlite3")];
    let no_tool = tools.iter().find_map(|(program, package)| missing(program, package));
    // the first box on a site also enters what every later one has in common with it
    let accepted = || {
        let (took, said) = wall_milliseconds(&mut dock.receive());
        assert!(said.contains(r#""outcome":"accept""#), "a genuine unit: {said}");
        took
    };
    accepted();
    let keys = no_tool.is_none().then(|| {
        prepare_shell(dock);
        key_ids(dock)
    });
    let (mut ours, mut shell) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        ours.push(accepted());
        if let Some(keys) = &keys {
            shell.push(wall_milliseconds(&mut in_shell(dock, keys, round)).0);
        }
    }
    match no_tool {
        Some(why) => print_missing("T2", "whole receive, against the same in shell", &why),
        None => {
            let ratio = Spread::of(ours.iter().zip(&shell).map(|(ours, shell)| ours / shell));
            let what = "whole receive, against the same in shell (pkcs11-tool, openssl, sqlite3)";
            print("T2", what, " ×", Target::AtMost(0.2), ratio);
            print("T2", "beside: in shell", " ms", Target::Beside, Spread::of(shell));
        }
    }
    print("T2", "beside: `ecugate receive`", " ms", Target::Beside, Spread::of(ours));
}

/// What the shell script finds ready, so that it has less to do than the program: envelopes taken apart, certificates
/// as OpenSSL reads them, the receipt written.
fn prepare_shell(dock: &Dock) {
    let folder = dock.path("shell");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let (world, site) = (&dock.world, dock.site());
    for (name, bytes, signer) in [
        ("release", world.release_envelope(), &world.release_signer),
        ("shipment", world.shipment_envelope(), &world.shipment_signer),
    ] {
        let envelope = Envelope::parse(&bytes, &Limits::STANDARD).unwrap();
        write(&format!("{name}.pae"), &pae(PAYLOAD_TYPE, envelope.payload()));
        write(&format!("{name}.sig"), envelope.signatures()[0].signature());
        write(&format!("{name}.pem"), signer.pem().as_bytes());
    }
    write("issuing.pem", world.issuing.pem().as_bytes());
    write("crls.pem", world.crls.iter().map(|crl| pem("X509 CRL", crl)).collect::<String>().as_bytes());
    write("station.pub", pem("PUBLIC KEY", site.station_key().spki()).as_bytes());
    let digest = &world.release.components[0].file.as_ref().unwrap().sha256;
    write("digest", digest.to_string().as_bytes());
    let ledger = Ledger::open(&site.ledger(), site.trusted_keys(), site.marks()).unwrap();
    let receipt = ledger.entry(FIRST).unwrap().unwrap().envelope.unwrap();
    write("receipt.json", Envelope::parse(&receipt, &Limits::STANDARD).unwrap().payload());
    write("checkpoint", b"trial.dock.example\n3\nkxLAbQl7dwiLc/daCmBp1fuK4PnChH4XYLq+ZYpTyc0=\n");
    write("receive.sh", SHELL.as_bytes());
    let tables = "PRAGMA journal_mode = WAL; CREATE TABLE entry (seq INTEGER PRIMARY KEY, serial TEXT UNIQUE, \
                  receipt BLOB, signature BLOB); CREATE TABLE checkpoint (note BLOB, signature BLOB);";
    let mut made = Command::new("sqlite3");
    wall_milliseconds(made.args(["ledger.db", tables]).current_dir(&folder));
}

/// The ids of the station's key and the log's: `pkcs11-tool` signs by id alone.
fn key_ids(dock: &Dock) -> [String; 2] {
    let site = dock.site();
    let signer = &site.text().signer;
    let mut list = pkcs11_tool(&site);
    list.args(["--token-label", &signer.token.label, "--login", "--pin", &pin(dock), "-O", "--type", "privkey"]);
    let said = wall_milliseconds(&mut list).1;
    [&signer.station_key, &signer.log_key].map(|key| {
        let lines = said.lines().map(str::trim);
        let mut lines =
            lines.skip_while(|line| line.strip_prefix("label:").is_none_or(|label| label.trim() != key.label));
        lines.find_map(|line| line.strip_prefix("ID:")).unwrap_or_else(|| panic!("{said}")).trim().to_owned()
    })
}

fn pin(dock: &Dock) -> String {
    std::fs::read_to_string(dock.path("site/pins/signer.pin")).unwrap().trim_end().to_owned()
}

fn in_shell(dock: &Dock, keys: &[String; 2], round: usize) -> Command {
    let site = dock.site();
    let signer = &site.text().signer;
    let mut shell = pkcs11_tool(&site);
    let tool = shell.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    let environment: Vec<_> =
        shell.get_envs().map(|(name, value)| (name.to_owned(), value.unwrap().to_owned())).collect();
    shell = Command::new("sh");
    shell.envs(environment).args(["-eu", "receive.sh"]).current_dir(dock.path("shell"));
    shell.env("TOOL", format!("pkcs11-tool {tool}")).env("MAKER", MAKER).env("PIN", pin(dock));
    shell.env("TRUST", &site.text().trust_token.label).env("SIGNER", &signer.token.label);
    shell.env("STATION", &keys[0]).env("LOG", &keys[1]).env("SERIAL", super::dock::serial(round));
    shell
}

/// The acts of `ecugate receive`, as far as these tools can: no policy, no checks of what a shipment says of a unit, no
/// journal, no mark, no tree.
const SHELL: &str = r#"
$TOOL --token-label "$TRUST" -r --type cert --label "$MAKER" -o root.der >told 2>&1
openssl x509 -inform der -in root.der -out root.pem
for one in release shipment; do
    openssl verify -x509_strict -crl_check_all -CRLfile crls.pem -trusted root.pem -untrusted issuing.pem "$one.pem" >told
    openssl x509 -in "$one.pem" -noout -pubkey >"$one.pub"
    openssl pkeyutl -verify -pubin -inkey "$one.pub" -rawin -in "$one.pae" -sigfile "$one.sig" >told
done
found=$(openssl dgst -sha256 -r ../image.bin)
[ "${found%% *}" = "$(cat digest)" ]
grep -q "\"$SERIAL\"" shipment.pae
[ "$(sqlite3 ledger.db "SELECT count(*) FROM entry WHERE serial = '$SERIAL'")" = 0 ]
openssl dgst -sha256 -binary receipt.json >receipt.digest
$TOOL --token-label "$SIGNER" --login --pin env:PIN --sign -m ECDSA --signature-format openssl --id "$STATION" \
    -i receipt.digest -o receipt.sig >told 2>&1
openssl dgst -sha256 -verify station.pub -signature receipt.sig receipt.json >told
$TOOL --token-label "$SIGNER" --login --pin env:PIN --sign -m EDDSA --id "$LOG" \
    -i checkpoint -o checkpoint.sig >told 2>&1
sqlite3 ledger.db "PRAGMA synchronous = FULL; BEGIN IMMEDIATE;
    INSERT INTO entry (serial, receipt, signature) VALUES ('$SERIAL', readfile('receipt.json'), readfile('receipt.sig'));
    INSERT INTO checkpoint VALUES (readfile('checkpoint'), readfile('checkpoint.sig')); COMMIT;"
"#;

fn pkcs11_tool(site: &Site) -> Command {
    let mut command = Command::new("pkcs11-tool");
    command.env("SOFTHSM2_CONF", site.folder().join("softhsm2.conf")).arg("--module").arg(&site.text().module);
    command
}

/// T2: calls that wait for the disk, of the program and of the module's process.
fn syncs(dock: &Dock) {
    if let Some(why) = missing("strace", "strace") {
        return print_missing("T2", "syncs of one receive", &why);
    }
    let counted = (0..SYNC_ROUNDS).map(|_| {
        let receive = dock.receive();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-e", "trace=fsync,fdatasync", "-o", "syncs"]).arg(receive.get_program());
        wall_milliseconds(strace.args(receive.get_args()).current_dir(dock.folder()));
        let told = std::fs::read_to_string(dock.path("syncs")).unwrap();
        let calls = told.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let calls = calls.filter(|words| words.last().is_some_and(|word| word.ends_with("sync")));
        calls.map(|words| words[3].parse::<f64>().unwrap()).sum()
    });
    print("T2", "syncs of one receive (`strace -f -c`)", "", Target::AtMost(5.0), Spread::of(counted));
}

/// T5: both processes are looked at until they end, since GNU time reports the larger of them alone.
fn peaks(small: &Dock) {
    let large = Dock::founded(LARGE).unwrap();
    // as in every other row, not the first box of a site
    wall_milliseconds(&mut large.receive());
    let mut rounds = Vec::new();
    for _ in 0..PEAK_ROUNDS {
        rounds.push([small, &large].map(|dock| peak(dock.receive())));
    }
    let of = |figure: fn(&[Peak; 2]) -> f64| Spread::of(rounds.iter().map(figure));
    let (most, beside) = (Target::AtMost, Target::Beside);
    let what = "peak memory with SoftHSM, one raw image of 1 GiB: the program and the module's process together";
    print("T5", what, " MiB", most(14.0), of(|[_, large]| large.program + large.module));
    let growth = of(|[small, large]| large.program + large.module - small.program - small.module);
    print("T5", "growth from an image of 64 KiB, with SoftHSM", " MiB", most(0.5), growth);
    print("T5", "beside: of them the program", " MiB", beside, of(|[_, large]| large.program));
    print("T5", "beside: of them the module's process", " MiB", beside, of(|[_, large]| large.module));
}

/// MiB.
struct Peak {
    program: f64,
    module: f64,
}

fn peak(mut receive: Command) -> Peak {
    let mut program: Child = receive.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let id = program.id();
    let mut peak = Peak { program: 0.0, module: 0.0 };
    // Each only grows, so that the last look before a process ends is its peak, or a millisecond behind it.
    while program.try_wait().unwrap().is_none() {
        peak.program = peak.program.max(most_resident(id));
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let modules = children.split_whitespace().filter_map(|child| child.parse().ok());
        peak.module = peak.module.max(modules.map(most_resident).sum());
    }
    assert!(program.wait().unwrap().success());
    peak
}

/// The largest resident set so far, in MiB; nothing of a process that has ended.
fn most_resident(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}
