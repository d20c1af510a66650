use super::{
    Checkpoint, ED25519_SPKI, Note, NoteFault, Origin, SignFault, SignedCheckpoint, VerifiedCheckpoint, VerifierKey,
};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::keys::{PublicKey, Signer};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use ed25519_dalek::Signer as _;
use proptest::prelude::{ProptestConfig, any, proptest};

const LIMITS: Limits = Limits::STANDARD;

/// A log key; `lies` answers with something else than its signature.
struct LogKey {
    secret: ed25519_dalek::SigningKey,
    public: PublicKey,
    lies: Option<Vec<u8>>,
}

impl LogKey {
    fn new(seed: u8) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let spki = [ED25519_SPKI.as_slice(), secret.verifying_key().as_bytes()].concat();
        Self { secret, public: PublicKey::from_spki(&spki).unwrap(), lies: None }
    }

    fn vkey(&self, name: &str) -> VerifierKey {
        VerifierKey::new(name, self.public.clone()).unwrap()
    }
}

impl Signer for LogKey {
    type Error = &'static str;

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Self::Error> {
        match &self.lies {
            Some(lie) if lie.is_empty() => Err("no token"),
            Some(lie) => Ok(lie.clone()),
            None => Ok(self.secret.sign(message).to_bytes().to_vec()),
        }
    }
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint { origin: Origin::new("log.gate.example").unwrap(), size, root: Sha256::of(&size.to_be_bytes()) }
}

fn signed() -> (SignedCheckpoint, VerifierKey) {
    let key = LogKey::new(7);
    (checkpoint(20_852_163).sign(&key).unwrap(), key.vkey("log.gate.example"))
}

fn reason<T>(result: Result<T, NoteFault>) -> Option<Reason> {
    result.err().map(|fault| Finding::from(fault).reason)
}

#[test]
fn the_specifications_own_example_verifies_with_its_verifier_key() {
    let key = VerifierKey::parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k").unwrap();
    let note = "This is an example message.\n\n\u{2014} example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let verified = Note::parse(note.as_bytes(), &LIMITS).unwrap().verify(&key).unwrap();
    assert_eq!(verified.text(), "This is an example message.\n");
    assert_eq!(key.to_string(), "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    assert_eq!(reason(verified.checkpoint()), Some(Reason::CheckpointMalformed));
}

#[test]
fn a_checkpoint_of_the_public_sigstore_log_verifies() {
    let spki = "302a300506032b6570032100b7cae5a759271b08df6dc5c060f600927d1788bcf5c7c3b8b7462412189edb8e";
    let key = PublicKey::from_spki(&crate::values::digest::hex::decode(spki).unwrap()).unwrap();
    let key = VerifierKey::new("log2025-1.rekor.sigstore.dev", key).unwrap();
    assert!(key.to_string().starts_with("log2025-1.rekor.sigstore.dev+cf119915+"));
    let note = "log2025-1.rekor.sigstore.dev\n547662\n7RWSUbM+ujfNrvzW3aAVOlR4N/DpSkj7UFsrP88eWjU=\n\n\
        \u{2014} log2025-1.rekor.sigstore.dev \
        zxGZFS2PMag7Sn3TpUdDzhz9ZJpinFoXnpR9UmBPQas9DaSe4hD8hY0rNvZu5CCGUc2Uux8v5T65FokarG0asEmHaw0=\n";
    let opened = VerifiedCheckpoint::open(note.as_bytes(), &key, &LIMITS).unwrap();
    assert_eq!(opened.size(), 547_662);
    assert_eq!(opened.root().to_string(), "ed159251b33eba37cdaefcd6dda0153a547837f0e94a48fb505b2b3fcf1e5a35");
}

#[test]
fn the_checkpoint_shown_in_the_documentation_is_a_signed_one() {
    let (signed, key) = signed();
    let page = include_str!("../../../../docs/ledger.md");
    assert!(
        page.contains(&format!("\n```\n{}```\n", signed.note)),
        "docs/ledger.md shows another than\n{}",
        signed.note
    );
    assert!(page.contains(&format!("`{key}`")), "docs/ledger.md shows another than {key}");
}

#[test]
fn text_and_signatures_part_at_the_last_blank_line() {
    let key = LogKey::new(3);
    let vkey = key.vkey("a");
    let sign = |text: &str| {
        let raw = [vkey.id.to_be_bytes().as_slice(), &key.sign(text.as_bytes()).unwrap()].concat();
        format!("\u{2014} a {}", base64::Engine::encode(&super::BASE64, raw))
    };
    // The first paragraph alone is signed, and what follows it pretends to be part of the signed text.
    let inner = sign("one\n");
    let note = format!("one\n\n{inner}\n\n{inner}\n");
    assert_eq!(
        reason(Note::parse(note.as_bytes(), &LIMITS).unwrap().verify(&vkey)),
        Some(Reason::NoteSignatureInvalid)
    );
    let text = format!("one\n\n{inner}\n");
    let note = format!("{text}\n{}\n", sign(&text));
    assert_eq!(Note::parse(note.as_bytes(), &LIMITS).unwrap().verify(&vkey).unwrap().text(), text);
}

#[test]
fn lines_of_other_keys_are_ignored_and_never_stand_in_for_ours() {
    let (signed, key) = signed();
    let other = LogKey::new(9);
    let line = |note: &str| note.rsplit_once("\n\n").unwrap().1.to_owned();
    let foreign = line(&checkpoint(20_852_163).sign(&other).unwrap().note);
    let both = format!("{}{foreign}", signed.note);
    assert_eq!(VerifiedCheckpoint::open(both.as_bytes(), &key, &LIMITS).unwrap(), signed.checkpoint);
    let text = checkpoint(20_852_163).text();
    let alone = format!("{text}\n{foreign}");
    assert_eq!(reason(VerifiedCheckpoint::open(alone.as_bytes(), &key, &LIMITS)), Some(Reason::NoteSignatureMissing));
    // Our name and id over bytes that our key did not sign: refused although the right line stands there too.
    let forged = line(&checkpoint(1).sign(&LogKey::new(7)).unwrap().note);
    let alone = format!("{text}\n{forged}");
    assert_eq!(reason(VerifiedCheckpoint::open(alone.as_bytes(), &key, &LIMITS)), Some(Reason::NoteSignatureInvalid));
    for two in [format!("{}{forged}", signed.note), format!("{}{}", signed.note, line(&signed.note))] {
        assert_eq!(reason(VerifiedCheckpoint::open(two.as_bytes(), &key, &LIMITS)), Some(Reason::NoteMalformed));
    }
}

#[test]
fn a_checkpoint_signed_by_a_key_of_another_name_is_refused() {
    let (_, key) = signed();
    let log = LogKey::new(7);
    let vkey = log.vkey("other.example");
    let text = checkpoint(5).text();
    let raw = [vkey.id.to_be_bytes().as_slice(), &log.sign(text.as_bytes()).unwrap()].concat();
    let note = format!("{text}\n\u{2014} other.example {}\n", base64::Engine::encode(&super::BASE64, raw));
    assert_eq!(reason(VerifiedCheckpoint::open(note.as_bytes(), &vkey, &LIMITS)), Some(Reason::CheckpointOrigin));
    assert_eq!(reason(VerifiedCheckpoint::open(note.as_bytes(), &key, &LIMITS)), Some(Reason::NoteSignatureMissing));
}

/// Attack class 43: names that look like the right one.
#[test]
fn attack_43_an_origin_is_not_widened_by_case_paths_dots_spaces_or_look_alike_letters() {
    for name in [
        "Log.gate.example",
        "log.gate.example.",
        ".log.gate.example",
        "log..example",
        "log.gate.example/x",
        "log.gate.example:443",
        "https://log.gate.example",
        "../log.gate.example",
        "log.gate.example ",
        " log.gate.example",
        "log gate.example",
        "log+gate.example",
        "l\u{43e}g.gate.example",
        "log\u{2024}gate.example",
        "log_gate.example",
        "-log.gate.example",
        "log-.gate.example",
        "localhost",
        "",
        ".",
        &format!("{}.example", "a".repeat(64)),
        &format!("{}example", "a.".repeat(64)),
    ] {
        assert_eq!(Origin::new(name), None, "{name:?}");
        let text = checkpoint(7).text().replacen("log.gate.example", name, 1);
        assert_eq!(reason(Checkpoint::parse(&text)), Some(Reason::CheckpointMalformed), "{name:?}");
    }
    assert_eq!(Origin::new("trial.9f-3.gate.example").unwrap().as_str(), "trial.9f-3.gate.example");
}

#[test]
fn a_checkpoint_has_one_spelling_and_three_lines() {
    let good = checkpoint(1_730).text();
    assert_eq!(Checkpoint::parse(&good), Ok(checkpoint(1_730)));
    let root = good.lines().nth(2).unwrap();
    for (old, new, line) in [
        ("\n1730\n", "\n01730\n", 2),
        ("\n1730\n", "\n+1730\n", 2),
        ("\n1730\n", "\n1730 \n", 2),
        ("\n1730\n", "\n-1\n", 2),
        ("\n1730\n", "\n0x6c2\n", 2),
        ("\n1730\n", "\n1_730\n", 2),
        ("\n1730\n", "\n\n", 2),
        ("\n1730\n", "\n00\n", 2),
        ("\n1730\n", "\n18446744073709551616\n", 2),
        (root, root.trim_end_matches('='), 3),
        (root, "AAAA", 3),
        (root, "", 3),
    ] {
        let text = good.replacen(old, new, 1);
        assert!(
            matches!(Checkpoint::parse(&text), Err(NoteFault::Checkpoint { line: found, .. }) if found == line),
            "{text}"
        );
    }
    for extended in [format!("{good}extension\n"), format!("{good}\n"), good.trim_end().to_owned()] {
        assert!(matches!(Checkpoint::parse(&extended), Err(NoteFault::Checkpoint { line: 4, .. })), "{extended:?}");
    }
    assert_eq!(Checkpoint::parse(&checkpoint(u64::MAX).text()), Ok(checkpoint(u64::MAX)));
    assert_eq!(Checkpoint::parse(&checkpoint(0).text()), Ok(checkpoint(0)));
}

#[test]
fn a_note_in_any_other_form_is_refused() {
    let (signed, _) = signed();
    let note = signed.note;
    let malformed = [
        note.replace('\n', "\r\n"),
        note.replace("\n\n", "\n"),
        format!("{note}\n"),
        format!("{note} "),
        note.trim_end().to_owned(),
        note.replace('\u{2014}', "-"),
        note.replace("\u{2014} ", "\u{2014}"),
        note.replace("\u{2014} log", "\u{2014}  log"),
        note.replace("\u{2014} log.", "\u{2014} log+"),
        note.replace("=\n", "\n"),
        format!("{note}\u{2014} x AAAAAA==\n"),
        format!("{note}\u{2014} x \n"),
        note.replace("log.gate.example\n", "log.gate.\texample\n"),
        String::new(),
        "\n\n".to_owned(),
        "\n".to_owned(),
    ];
    for text in malformed {
        assert_eq!(reason(Note::parse(text.as_bytes(), &LIMITS)), Some(Reason::NoteMalformed), "{text:?}");
    }
    assert_eq!(Note::parse(b"a\xff\n\n", &LIMITS), Err(NoteFault::NotUtf8 { offset: 1 }));
}

/// Attack class 47: endless data.
#[test]
fn attack_47_a_million_signature_lines_are_refused_without_reading_them() {
    let (signed, key) = signed();
    let line = "\u{2014} x AAAAAAA=\n";
    let million = format!("{}{}", signed.note, line.repeat(1_000_000));
    assert_eq!(reason(Note::parse(million.as_bytes(), &LIMITS)), Some(Reason::InputTooLarge));
    let most = format!("{}{}", signed.note, line.repeat(LIMITS.note_signatures - 1));
    assert_eq!(VerifiedCheckpoint::open(most.as_bytes(), &key, &LIMITS).unwrap(), signed.checkpoint);
    assert_eq!(
        Note::parse(format!("{most}{line}").as_bytes(), &LIMITS),
        Err(NoteFault::TooManySignatures { most: LIMITS.note_signatures })
    );
}

#[test]
fn a_verifier_key_of_another_kind_id_or_spelling_is_refused() {
    let (_, key) = signed();
    let good = key.to_string();
    assert_eq!(VerifierKey::parse(&good), Ok(key.clone()));
    let (name, rest) = good.split_once('+').unwrap();
    let (id, raw) = rest.split_once('+').unwrap();
    let cosigner = base64::Engine::encode(&super::BASE64, [[4_u8].as_slice(), &key.raw].concat());
    let small_order = base64::Engine::encode(&super::BASE64, [1_u8; 33].map(|b| b).as_slice());
    let zero = base64::Engine::encode(&super::BASE64, [[1_u8].as_slice(), &[0; 32]].concat());
    for (text, expected) in [
        (format!("{name}+{id}+{cosigner}"), Reason::KeyUnsupported),
        (format!("other.example+{id}+{raw}"), Reason::KeyMalformed),
        (format!("{name}+{:08x}+{raw}", key.id ^ 1), Reason::KeyMalformed),
        (format!("{name}+{}+{raw}", &id[1..]), Reason::KeyMalformed),
        (format!("{name}+{id}+{}", &raw[4..]), Reason::KeyUnsupported),
        (format!("{name}+{id}+{}", &raw[..raw.len() - 4]), Reason::KeyMalformed),
        (format!("{name}+{id}+{raw}\n"), Reason::KeyMalformed),
        (format!("{name}+{id}"), Reason::KeyMalformed),
        (format!("+{id}+{raw}"), Reason::KeyMalformed),
        (format!("a b+{id}+{raw}"), Reason::KeyMalformed),
        (format!("{name}+{id}+"), Reason::KeyMalformed),
        (format!("{name}+{id}+{zero}"), Reason::KeyTooWeak),
        (String::new(), Reason::KeyMalformed),
    ] {
        assert_eq!(reason(VerifierKey::parse(&text)), Some(expected), "{text:?}");
    }
    assert!(VerifierKey::parse(&format!("{name}+{id}+{small_order}")).is_err());
    if id.bytes().any(|b| b.is_ascii_lowercase()) {
        assert_eq!(VerifierKey::parse(&format!("{name}+{}+{raw}", id.to_uppercase())), Err(NoteFault::VerifierKey));
    }
}

#[test]
fn a_signer_that_lies_or_fails_signs_no_checkpoint() {
    let mut key = LogKey::new(7);
    let right = key.sign(checkpoint(1).text().as_bytes()).unwrap();
    for lie in [right, vec![0; 64], vec![1], vec![7; 70]] {
        key.lies = Some(lie);
        let fault = checkpoint(2).sign(&key).unwrap_err();
        assert!(matches!(&fault, SignFault::Lied(fault) if fault.reason() == Reason::NoteSignatureInvalid), "{fault}");
    }
    key.lies = Some(Vec::new());
    assert_eq!(checkpoint(2).sign(&key), Err(SignFault::Signer("no token")));
}

#[test]
fn every_flipped_bit_of_a_signed_checkpoint_is_found() {
    let (signed, key) = signed();
    let note = signed.note.into_bytes();
    for bit in 0..note.len() * 8 {
        let mut flipped = note.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let opened = VerifiedCheckpoint::open(&flipped, &key, &LIMITS);
        assert!(opened.is_err(), "bit {bit}: {}", String::from_utf8_lossy(&flipped));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn what_is_signed_reads_back(size in any::<u64>(), seed in any::<u8>()) {
        let key = LogKey::new(seed);
        let signed = checkpoint(size).sign(&key).unwrap();
        let opened = VerifiedCheckpoint::open(signed.note.as_bytes(), &key.vkey("log.gate.example"), &LIMITS).unwrap();
        assert_eq!(opened, signed.checkpoint);
        assert_eq!((opened.size(), opened.root()), (size, &checkpoint(size).root));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        let _ = Note::parse(&bytes, &LIMITS);
        let _ = Note::parse(text.as_bytes(), &LIMITS);
        let _ = Note::parse(format!("{text}\n\n\u{2014} {text}\n").as_bytes(), &LIMITS);
        let _ = Checkpoint::parse(&text);
        let _ = VerifierKey::parse(&text);
        let _ = VerifierKey::parse(&format!("a+01020304+{text}"));
        let _ = Origin::new(&text);
    }
}
