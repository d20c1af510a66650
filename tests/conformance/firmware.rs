//! Real firmware, measured here and by tools that are not ours: `sha256sum`, `srec_cat`, `readelf` and `objcopy`.
//!
//! `scripts/fetch-firmware FOLDER` fetches it; `ECUGATE_FIRMWARE` names the folder.

mod change;
mod objcopy;
mod program;
mod verdicts;

use crate::corpus::{Row, trial};
use ecugate_verifier::{
    syntax::image::{Form, ImageFault, MeasuredRange, Measurement, Peek, Plan, RangeAsk, Span, guess, measure},
    values::{digest::Sha256, limits::Limits, reason::Reason},
};
use libtest_mimic::{Failed, Trial};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![
        trial("firmware: real images have the digests that other tools find", images(), |images| {
            each(&images, Set::Genuine("real firmware images"), agrees_with_other_tools)
        }),
        trial("firmware: objcopy makes the same bytes of real images", images(), |images| {
            each(&images, Set::Genuine("real firmware images, by objcopy"), objcopy::agrees)
        }),
        trial("firmware: one changed byte of a real image is seen or refused", images(), |images| {
            each(&images, Set::Spoilt("real firmware images, one byte changed"), changed_byte_is_seen)
        }),
        trial("firmware: a real image cut short is seen or refused", images(), |images| {
            each(&images, Set::Spoilt("real firmware images, cut short"), cut_is_seen)
        }),
        trial("firmware: a real image is taken in its own form alone", images(), |images| {
            each(&images, Set::Spoilt("real firmware images, read in other forms"), other_forms_are_refused)
        }),
        trial("firmware: a real file with two contents for one address is refused", folder(), |folder| {
            two_contents_are_refused(&folder)
        }),
        trial("firmware: the program decides on real images as the library does", images(), |images| {
            program::decides(&images)
        }),
    ];
    trials.extend(verdicts::trials());
    trials
}

/// A firmware image as its maker ships it, or (S-records) as a common tool writes it.
pub(crate) struct RealImage {
    /// Package and file.
    pub(crate) name: &'static str,
    pub(crate) path: PathBuf,
    pub(crate) form: Form,
    /// Address of the first byte of a raw image.
    pub(crate) base: u64,
}

const SHARE: &str = "root/usr/share";
const BOOT: &str = "root/usr/share/arduino/hardware/arduino/avr/bootloaders";
const U_BOOT: &str = "root/usr/lib/u-boot";
const OPENSBI: &str = "root/usr/lib/riscv64-linux-gnu/opensbi/generic";
const TOMU: &str = "root/usr/lib/firmware-tomu";

/// Name, folder, file, form, base.
#[rustfmt::skip]
const IMAGES: &[(&str, &str, &str, Form, u64)] = &[
    ("seabios bios-256k", SHARE, "seabios/bios-256k.bin", Form::Raw, 0xfff8_0000),
    ("hackrf one", SHARE, "hackrf/hackrf_one_usb.bin", Form::Raw, 0),
    ("fx2lafw cypress", SHARE, "sigrok-firmware/fx2lafw-cypress-fx2.fw", Form::Raw, 0),
    ("ubertooth bootloader", SHARE, "ubertooth/firmware/bootloader.bin", Form::Raw, 0),
    ("opensbi fw_jump raw", OPENSBI, "fw_jump.bin", Form::Raw, 0x8000_0000),
    ("u-boot arm raw", U_BOOT, "qemu_arm/u-boot.bin", Form::Raw, 0),
    ("micro:bit micropython", SHARE, "firmware-microbit-micropython/firmware.hex", Form::IntelHex, 0),
    ("arduino optiboot 8", BOOT, "optiboot/optiboot_atmega8.hex", Form::IntelHex, 0),
    ("arduino boot 1280", BOOT, "atmega/ATmegaBOOT_168_atmega1280.hex", Form::IntelHex, 0),
    ("arduino boot bt", BOOT, "bt/ATmegaBOOT_168_atmega328_bt.hex", Form::IntelHex, 0),
    ("arduino stk500v2", BOOT, "stk500v2/stk500boot_v2_mega2560.hex", Form::IntelHex, 0),
    ("micro:bit by srec_cat", "srec", "microbit-srec_cat.s37", Form::SRecord, 0),
    ("arduino stk500v2 by srec_cat", "srec", "stk500v2-srec_cat.s28", Form::SRecord, 0),
    ("seabios by srec_cat", "srec", "seabios-srec_cat.s37", Form::SRecord, 0),
    ("arduino boot 1280 by objcopy", "srec", "atmega1280-objcopy.s28", Form::SRecord, 0),
    ("arduino optiboot by objcopy", "srec", "optiboot-objcopy.s19", Form::SRecord, 0),
    ("tomu by objcopy", "srec", "tomu-objcopy.s19", Form::SRecord, 0),
    ("tomu toboot", TOMU, "toboot.elf", Form::Elf, 0),
    ("opensbi fw_jump", OPENSBI, "fw_jump.elf", Form::Elf, 0),
    ("u-boot x86", U_BOOT, "qemu-x86/uboot.elf", Form::Elf, 0),
    ("u-boot arm64", U_BOOT, "qemu_arm64/uboot.elf", Form::Elf, 0),
    ("u-boot mips el", U_BOOT, "maltael/uboot.elf", Form::Elf, 0),
    ("u-boot mips64 el", U_BOOT, "malta64el/uboot.elf", Form::Elf, 0),
    ("u-boot powerpc", U_BOOT, "qemu-ppce500/uboot.elf", Form::Elf, 0),
];

/// The folder named by `ECUGATE_FIRMWARE`, or why there is none.
fn folder() -> Result<PathBuf, String> {
    match std::env::var_os("ECUGATE_FIRMWARE") {
        Some(folder) if PathBuf::from(&folder).is_dir() => Ok(folder.into()),
        Some(folder) => Err(format!("ECUGATE_FIRMWARE names {folder:?}, which is no folder")),
        None => Err("ECUGATE_FIRMWARE is not set".to_owned()),
    }
}

/// The real images, or why there are none.
pub(crate) fn images() -> Result<Vec<RealImage>, String> {
    let folder = folder()?;
    let at = |(name, under, file, form, base): &(&'static str, &str, &str, Form, u64)| {
        let path = folder.join(under).join(file);
        let image = RealImage { name, path, form: *form, base: *base };
        image.path.is_file().then_some(image).ok_or_else(|| format!("{file} is not in {}", folder.display()))
    };
    IMAGES.iter().map(at).collect()
}

/// A name for the table, and what a failure of the set is.
#[derive(Clone, Copy)]
enum Set {
    /// Files that must be taken.
    Genuine(&'static str),
    /// Files that must be refused or seen to differ.
    Spoilt(&'static str),
}

/// Runs `test` on every image, prints the row, and fails with every image that did not pass.
fn each(images: &[RealImage], set: Set, test: fn(&RealImage) -> Result<(), Failed>) -> Result<(), Failed> {
    let (mut failures, mut worst) = (Vec::new(), Duration::ZERO);
    for image in images {
        let bytes = std::fs::read(&image.path)?;
        let begun = Instant::now();
        let _ = measured(image, &bytes, &[]);
        worst = worst.max(begun.elapsed());
        if let Err(failed) = test(image) {
            failures.push(format!("{}: {}", image.name, failed.message().unwrap_or("failed")));
        }
    }
    let failed = failures.len();
    let (set, false_accepts, false_refusals) = match set {
        Set::Genuine(name) => (name, 0, failed),
        Set::Spoilt(name) => (name, failed, 0),
    };
    Row { set, cases: images.len(), right: images.len() - failed, false_accepts, false_refusals, worst }.print();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}

fn measured(image: &RealImage, bytes: &[u8], ranges: &[RangeAsk]) -> Result<Measurement, ImageFault> {
    let plan = Plan { base: image.base, ranges: ranges.to_vec(), ..Plan::of(image.form) };
    measure(&mut { bytes }, &plan, &Limits::STANDARD)
}

/// The file digest by `sha256sum`, and ranges by a tool that knows the form.
fn agrees_with_other_tools(image: &RealImage) -> Result<(), Failed> {
    let bytes = std::fs::read(&image.path)?;
    let map = measured(image, &bytes, &[])?;
    expect("file digest", &map.file_sha256.to_string(), &sha256sum(&image.path)?)?;
    for segment in &map.segments {
        let whole = Span { start: segment.start, end: segment.start + segment.length };
        let inner = Span { start: whole.start + segment.length / 3, end: whole.end - segment.length / 5 };
        let beyond = Span { start: whole.end - 1, end: whole.end.saturating_add(100) };
        for (span, fill) in [(whole, None), (inner, None), (beyond, Some(0xff)), (inner, Some(0))] {
            let [range] = ranges_of(image, &bytes, &[RangeAsk { span, fill }])?;
            let theirs = Sha256::of(&by_other_tool(image, &bytes, span, fill.unwrap_or(0))?);
            expect(&span.to_string(), &range.sha256, &Some(theirs))?;
        }
        let [range] = ranges_of(image, &bytes, &[RangeAsk { span: whole, fill: None }])?;
        expect("segment and range", &range.sha256, &Some(segment.sha256))?;
    }
    let mut once = bytes.as_slice();
    let peek = Peek::new(&mut once)?;
    expect("guess", &guess(peek.first_bytes()).map_err(|fault| fault.to_string()), &Ok(image.form))
}

fn sha256sum(path: &Path) -> Result<String, Failed> {
    let listed = String::from_utf8(run("sha256sum", &[path.to_str().unwrap()])?)?;
    Ok(listed.split(' ').next().unwrap_or_default().to_owned())
}

fn ranges_of(image: &RealImage, bytes: &[u8], asks: &[RangeAsk]) -> Result<[MeasuredRange; 1], Failed> {
    measured(image, bytes, asks)?.ranges.try_into().map_err(|_| Failed::from("one range was asked for"))
}

/// The bytes of a span as another tool sees them.
fn by_other_tool(image: &RealImage, bytes: &[u8], span: Span, fill: u8) -> Result<Vec<u8>, Failed> {
    let form = match image.form {
        Form::Raw => "-binary",
        Form::IntelHex => "-intel",
        Form::SRecord => "-motorola",
        Form::Elf => return elf_by_readelf(&image.path, bytes, span, fill),
    };
    let (start, end) = (span.start.to_string(), span.end.min(1 << 32).to_string());
    let path = image.path.to_str().unwrap();
    let base = image.base.to_string();
    let (fill_text, back) = (fill.to_string(), format!("-{start}"));
    let cropped = [&start, &end].map(String::as_str);
    let mut arguments = vec![path, form, "-offset", &base, "-crop", cropped[0], cropped[1]];
    arguments.extend(["-fill", &fill_text, cropped[0], cropped[1], "-offset", &back, "-o", "-", "-binary"]);
    let mut found = run("srec_cat", &arguments)?;
    // srec_cat knows 32 bits of address and no more
    found.resize(usize::try_from(span.length())?, fill);
    Ok(found)
}

/// The loadable segments as `readelf` lists them: offset, physical address, size in the file.
fn segments_by_readelf(path: &Path) -> Result<Vec<(u64, u64, u64)>, Failed> {
    let listing = String::from_utf8(run("readelf", &["-lW", path.to_str().unwrap()])?)?;
    let number = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16);
    let mut segments = Vec::new();
    for line in listing.lines().filter(|line| line.trim_start().starts_with("LOAD")) {
        let words: Vec<_> = line.split_whitespace().collect();
        segments.push((number(words[1])?, number(words[3])?, number(words[4])?));
    }
    Ok(segments)
}

fn elf_by_readelf(path: &Path, bytes: &[u8], span: Span, fill: u8) -> Result<Vec<u8>, Failed> {
    let mut found = vec![fill; usize::try_from(span.length())?];
    for (offset, address, size) in segments_by_readelf(path)? {
        let (from, to) = (address.max(span.start), (address + size).min(span.end));
        if from < to {
            let place = usize::try_from(from - span.start)?;
            let source = usize::try_from(offset + from - address)?;
            let length = usize::try_from(to - from)?;
            found[place..place + length].copy_from_slice(&bytes[source..source + length]);
        }
    }
    Ok(found)
}

/// A byte of the contents: the digest of the range changes, or the record that holds it is refused.
fn changed_byte_is_seen(image: &RealImage) -> Result<(), Failed> {
    let bytes = std::fs::read(&image.path)?;
    let map = measured(image, &bytes, &[])?;
    let asks: Vec<_> = map.segments.iter().map(|segment| whole(segment.start, segment.length)).collect();
    let was = measured(image, &bytes, &asks)?;
    let mut changed = bytes.clone();
    match image.form {
        Form::Raw | Form::Elf => {
            let at = match image.form {
                Form::Raw => bytes.len() / 2,
                _ => {
                    let (offset, _, size) = segments_by_readelf(&image.path)?[0];
                    usize::try_from(offset + size / 2)?
                }
            };
            changed[at] ^= 1;
            let now = measured(image, &changed, &asks)?;
            expect("file digest differs", &(now.file_sha256 != was.file_sha256), &true)?;
            let differing = was.ranges.iter().zip(&now.ranges).filter(|(was, now)| was.sha256 != now.sha256).count();
            expect("ranges that differ", &differing, &1)
        }
        Form::IntelHex | Form::SRecord => {
            let (line, at) = data_digit(&bytes, bytes.len() / 2);
            changed[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let fault = measured(image, &changed, &asks).map_or_else(Ok, |_| Err("the changed file was taken"))?;
            expect("reason and line", &(fault.reason, fault.line), &(Reason::ImageChecksum, Some(line)))?;
            expect("file digest", &fault.file_sha256, &Some(Sha256::of(&changed)))
        }
    }
}

/// Half of the file: no digest for what is gone, or refused.
fn cut_is_seen(image: &RealImage) -> Result<(), Failed> {
    let bytes = std::fs::read(&image.path)?;
    let map = measured(image, &bytes, &[])?;
    let half = &bytes[..bytes.len() / 2];
    match image.form {
        Form::Raw => {
            let [range] = ranges_of(image, half, &[whole(map.segments[0].start, map.segments[0].length)])?;
            let end = image.base + u64::try_from(half.len())?;
            expect("digest and first gap", &(range.sha256, range.first_gap), &(None, Some(end)))
        }
        Form::Elf => {
            let fault = measured(image, half, &[]).map_or_else(Ok, |_| Err("half a file was taken"));
            // debug sections may fill the larger half: then the contents are whole
            let reach = segments_by_readelf(&image.path)?.iter().map(|(offset, _, size)| offset + size).max();
            if reach.is_some_and(|reach| reach <= half.len() as u64) {
                return expect("segments", &measured(image, half, &[])?.segments, &map.segments);
            }
            expect("reason", &fault?.reason, &Reason::ImageElfMalformed)
        }
        Form::IntelHex | Form::SRecord => {
            let (line, at) = data_digit(&bytes, bytes.len() / 2);
            let fault = measured(image, &bytes[..at], &[]).map_or_else(Ok, |_| Err("half a file was taken"))?;
            expect("line", &fault.line, &Some(line))?;
            let of_cut = [Reason::ImageRecordLength, Reason::ImageRecordMalformed];
            expect("reason of a cut line", &of_cut.contains(&fault.reason), &true)?;
            let before = bytes[..at].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
            let fault = measured(image, &bytes[..before], &[]).map_or_else(Ok, |_| Err("half a file was taken"))?;
            expect("reason and line", &(fault.reason, fault.line), &(Reason::ImageEndMissing, Some(line)))
        }
    }
}

/// What a plan names is what is read: nothing but raw takes a file of another form.
fn other_forms_are_refused(image: &RealImage) -> Result<(), Failed> {
    let bytes = std::fs::read(&image.path)?;
    for form in [Form::IntelHex, Form::SRecord, Form::Elf].into_iter().filter(|form| *form != image.form) {
        let fault = measure(&mut bytes.as_slice(), &Plan::of(form), &Limits::STANDARD);
        let fault = fault.map_or_else(Ok, |_| Err(format!("taken as {form}")))?;
        let expected = match (form, image.form) {
            (Form::Elf, _) => (Reason::ImageElfMalformed, None),
            (_, Form::IntelHex | Form::SRecord) => (Reason::ImageFormMixed, Some(1)),
            _ => (Reason::ImageRecordMalformed, Some(1)),
        };
        expect(form.word(), &(fault.reason, fault.line), &expected)?;
        expect("file digest", &fault.file_sha256, &Some(Sha256::of(&bytes)))?;
    }
    Ok(())
}

/// Arduino ships boot loaders whose last record gives an address a second value: `objcopy` takes the file without a
/// word, `srec_cat` refuses it. One file, two memory images.
fn two_contents_are_refused(folder: &Path) -> Result<(), Failed> {
    for (file, line, address) in [("optiboot_atmega168.hex", 35, 0x3ffe), ("optiboot_atmega328.hex", 35, 0x7ffe)] {
        let path = folder.join(BOOT).join("optiboot").join(file);
        let bytes = std::fs::read(&path)?;
        let fault = measure(&mut bytes.as_slice(), &Plan::of(Form::IntelHex), &Limits::STANDARD);
        let fault = fault.map_or_else(Ok, |_| Err(format!("{file} was taken")))?;
        let expected = (Reason::ImageOverlap, Some(line), Some(address));
        expect(file, &(fault.reason, fault.line, fault.address), &expected)?;
        expect(file, &fault.file_sha256, &Some(Sha256::of(&bytes)))?;
        let image = RealImage { name: file, path, form: Form::IntelHex, base: 0 };
        objcopy::flatten(&image, None, &tempfile::tempdir()?.path().join("flat.bin"))?;
        let refused = run("srec_cat", &[image.path.to_str().unwrap(), "-intel", "-o", "-", "-binary"]);
        expect("refused by srec_cat", &refused.is_err(), &true)?;
    }
    Ok(())
}

fn whole(start: u64, length: u64) -> RangeAsk {
    RangeAsk { span: Span { start, end: start + length }, fill: None }
}

/// Line and place of a digit among the contents of the data record around `near`.
fn data_digit(bytes: &[u8], near: usize) -> (u64, usize) {
    let start = bytes[..near].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    let line = 1 + bytes[..start].iter().filter(|byte| **byte == b'\n').count() as u64;
    (line, start + 15)
}

fn run(program: &str, arguments: &[&str]) -> Result<Vec<u8>, Failed> {
    let output = Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
}

fn expect<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, found: &T, expected: &T) -> Result<(), Failed> {
    if found == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, found {found:?}").into()) }
}
