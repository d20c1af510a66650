//! T10: Intel HEX and S-record, beside the crates `ihex` and `srec` and the bare SHA-256.

use super::clock::{Spread, milliseconds};
use super::row::{Target, print};
use ecugate_verifier::syntax::image::{Form, Plan, measure as measure_image};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::fmt::Write as _;

const ROUNDS: usize = 15;
const IMAGE: usize = 8 << 20;

/// A text, and the peer that reads it.
struct Contender {
    name: &'static str,
    form: Form,
    text: String,
    peer_name: &'static str,
    peer: fn(&str) -> usize,
}

/// CPU milliseconds of one round.
struct Round {
    /// `measure`: the digest of the file, parsing, the digest of the contents.
    whole: f64,
    /// The same text without its end record: refused at its end, so that no contents were hashed.
    without_contents: f64,
    hash_of_text: f64,
    hash_of_binary: f64,
    peer: f64,
}

pub(crate) fn measure() {
    let binary = noise(IMAGE);
    let contenders = [
        Contender {
            name: "Intel HEX, 16 bytes a record",
            form: Form::IntelHex,
            text: intel_hex(&binary, 16),
            peer_name: "ihex",
            peer: ihex,
        },
        Contender {
            name: "Intel HEX, 32 bytes a record",
            form: Form::IntelHex,
            text: intel_hex(&binary, 32),
            peer_name: "ihex",
            peer: ihex,
        },
        Contender {
            name: "S37, 32 bytes a record",
            form: Form::SRecord,
            text: s_record(&binary, 32),
            peer_name: "srec",
            peer: srec,
        },
    ];
    let mut rounds: [Vec<Round>; 3] = Default::default();
    for _ in 0..ROUNDS {
        for (contender, rounds) in contenders.iter().zip(&mut rounds) {
            rounds.push(round(contender, &binary));
        }
    }
    for (contender, rounds) in contenders.iter().zip(&rounds) {
        report(contender, rounds);
    }
    // the same image in both forms
    let (hex, s_records) = (&rounds[1], &rounds[2]);
    let faster = Spread::of(hex.iter().zip(s_records).map(|(hex, s_records)| hex.peer / parse(s_records)));
    print(
        "T10",
        "S37, 32 bytes a record: parse, against crate `ihex` with Intel HEX of 32",
        " ×",
        Target::AtLeast(10.0),
        faster,
    );
}

/// CPU milliseconds of parsing alone.
fn parse(round: &Round) -> f64 {
    round.without_contents - round.hash_of_text
}

fn round(contender: &Contender, binary: &[u8]) -> Round {
    let (text, plan) = (contender.text.as_bytes(), Plan::of(contender.form));
    let last = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let whole = milliseconds(|| {
        let measured = measure_image(&mut { text }, &plan, &Limits::STANDARD).expect("a right file");
        assert_eq!(measured.segments[0].length, IMAGE as u64);
    });
    let without_contents = milliseconds(|| {
        let fault = measure_image(&mut &text[..last], &plan, &Limits::STANDARD).expect_err("no end record");
        assert_eq!(fault.reason, Reason::ImageEndMissing);
    });
    let hash_of_text = milliseconds(|| Sha256::of(text));
    let hash_of_binary = milliseconds(|| Sha256::of(binary));
    let peer = milliseconds(|| assert_eq!((contender.peer)(&contender.text), IMAGE));
    Round { whole, without_contents, hash_of_text, hash_of_binary, peer }
}

fn report(contender: &Contender, rounds: &[Round]) {
    let Contender { name, peer_name, text, .. } = contender;
    let over = |ratio: fn(&Round) -> f64| Spread::of(rounds.iter().map(ratio));
    let speed = Spread::of(rounds.iter().map(|round| text.len() as f64 / 1e3 / parse(round)));
    let faster = Spread::of(rounds.iter().map(|round| round.peer / parse(round)));
    let parse_and_hash = over(|round| (round.whole - round.hash_of_text) / round.hash_of_binary);
    let whole = over(|round| round.whole / round.hash_of_binary);
    let due = if *peer_name == "ihex" { Target::AtLeast(10.0) } else { Target::Beside };
    print("T10", &format!("{name}: parse, against crate `{peer_name}`"), " ×", due, faster);
    let what = format!("{name}: parse and hash, over the hash of the binary");
    print("T10", &what, " ×", Target::AtMost(3.2), parse_and_hash);
    print("T10", &format!("beside: {name}: the same and the digest of the file"), " ×", Target::Beside, whole);
    print("T10", &format!("beside: {name}: parse"), " MB/s of text", Target::Beside, speed);
}

fn ihex(text: &str) -> usize {
    let contents = |record| match record {
        ihex::Record::Data { value, .. } => value.len(),
        _ => 0,
    };
    ihex::Reader::new(text).map(|record| contents(record.expect("a right record"))).sum()
}

fn srec(text: &str) -> usize {
    let contents = |record| match record {
        srec::Record::S3(data) => data.data.len(),
        _ => 0,
    };
    srec::read_records(text).map(|record| contents(record.expect("a right record"))).sum()
}

/// Bytes without a pattern (xorshift64; Marsaglia, *Xorshift RNGs*, 2003).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length / 8).flat_map(|_| next()).collect()
}

fn intel_hex(binary: &[u8], width: usize) -> String {
    let mut text = String::new();
    let mut record = |bytes: &[u8]| {
        let sum = bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_sub(*byte));
        text.push(':');
        digits(&mut text, bytes);
        digits(&mut text, &[sum]);
        text.push('\n');
    };
    for (number, contents) in binary.chunks(width).enumerate() {
        let [upper, middle, high, low] = u32::try_from(number * width).unwrap().to_be_bytes();
        if (high, low) == (0, 0) {
            record(&[2, 0, 0, 4, upper, middle]);
        }
        record(&[&[u8::try_from(contents.len()).unwrap(), high, low, 0], contents].concat());
    }
    record(&[0, 0, 0, 1]);
    text
}

fn s_record(binary: &[u8], width: usize) -> String {
    let mut text = String::new();
    let mut record = |kind: &str, bytes: &[u8]| {
        let bytes = [&[u8::try_from(bytes.len() + 1).unwrap()], bytes].concat();
        let sum = bytes.iter().fold(0xff_u8, |sum, byte| sum.wrapping_sub(*byte));
        text.push_str(kind);
        digits(&mut text, &bytes);
        digits(&mut text, &[sum]);
        text.push('\n');
    };
    for (number, contents) in binary.chunks(width).enumerate() {
        let address = u32::try_from(number * width).unwrap().to_be_bytes();
        record("S3", &[&address, contents].concat());
    }
    record("S7", &[0; 4]);
    text
}

fn digits(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "{byte:02X}").unwrap();
    }
}
