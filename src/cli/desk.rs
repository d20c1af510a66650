//! What the commands of trust officers share: the site, files with their annex, digests as people compare them, and how
//! a refusal is answered.

use super::inputs::World;
use super::seam::{Answer, Outcome};
use ecugate::ceremony::{Annex, Sheet, Step, Successive};
use ecugate::new_file;
use ecugate::site::Site;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::{Class, Reason};
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// An answer that begins by saying whose site it is about.
pub(super) fn about(site: &Site) -> Answer {
    let text = site.text();
    Answer::accept().with("site", text.site.as_str()).with("environment", text.environment.word()).line(format!(
        "{:<9} site {}",
        text.environment.word().to_uppercase(),
        text.site
    ))
}

/// The answer of a command that could not do it: a hold (20, 21) where our own side is in the way, else a refusal.
pub(super) fn could_not(finding: Finding) -> Answer {
    match finding.reason.class() {
        Class::Passing | Class::Stuck => Answer::of_unit(Outcome::Hold, Some(finding)),
        _ => Answer::refuse(finding),
    }
}

/// SHA-256 in groups of four digits, to be read aloud and compared on paper.
pub(super) fn groups(digest: &Sha256) -> String {
    let digits: Vec<char> = digest.to_string().chars().collect();
    let groups: Vec<String> = digits.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}

/// A SHA-256 as somebody types it from paper: blanks and colons between the digits, letters of any case.
pub(super) fn digest(text: &str) -> Result<Sha256, String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | ':')).map(|c| c.to_ascii_lowercase()).collect();
    Sha256::from_hex(&digits).ok_or_else(|| "expected a SHA-256: 64 hex digits, in groups or not".to_owned())
}

/// `2026-11-24T05:31:18Z (89 days left)`.
pub(super) fn with_days_left(until: Time, now: Time) -> String {
    format!("{until} ({})", left(until, now))
}

/// Whole days until then, in words.
pub(super) fn left(until: Time, now: Time) -> String {
    match days(until, now) {
        days if until < now => format!("{} days ago", -days),
        1 => "1 day left".to_owned(),
        days => format!("{days} days left"),
    }
}

/// Whole days until then, less than none where it is past.
pub(super) fn days(until: Time, now: Time) -> i64 {
    (until.unix_millis() - now.unix_millis()).div_euclid(DAY * 1_000)
}

pub(super) fn person(flag: &str, text: &str) -> Result<Name, Finding> {
    Name::new(text).map_err(|fault| Finding::new(Reason::Usage, flag, "a name", format!("{text:?} {fault}")))
}

/// The officers whom a call names, each with `--officer`.
pub(super) fn officers(named: &[String]) -> Result<Vec<Name>, Finding> {
    named.iter().map(|text| person("--officer", text)).collect()
}

/// What the officers have signed of what they must.
pub(super) fn signatures(answer: Answer, persons: &BTreeSet<Name>, needed: usize) -> Answer {
    let names: Vec<&str> = persons.iter().map(Name::as_str).collect();
    let so_far = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    answer
        .line(format!("signed    {so_far} ({} of {needed} officers)", names.len()))
        .with("signed_by", names)
        .with("officers_needed", needed)
}

/// The digest that officers compare before they sign.
pub(super) fn payload(answer: Answer, digest: &Sha256) -> Answer {
    answer.line(format!("payload   {}", groups(digest))).with("payload_sha256", digest.to_string())
}

/// Refuses a file that is not the one on paper.
pub(super) fn require_compared(compared: Option<Sha256>, found: Sha256) -> Result<(), Finding> {
    match compared.filter(|compared| *compared != found) {
        Some(compared) => {
            let expected = format!("{} (--compare)", groups(&compared));
            Err(Finding::new(Reason::Usage, "payload", expected, groups(&found)))
        }
        None => Ok(()),
    }
}

pub(super) const fn done(step: Step) -> &'static str {
    match step {
        Step::Now => "now",
        Step::Before => "before",
        Step::None => "nothing to do",
    }
}

/// A list or policy on its way, and its annex where there is one.
pub(super) fn sheet<D: Successive>(
    world: &World,
    file: &Path,
    site: &Site,
) -> Result<(Sheet<D>, Option<Annex>), Finding> {
    let bytes = world.bytes(file, Limits::STANDARD.document_bytes)?;
    let sheet = Sheet::read(&bytes, site.authority())
        .map_err(|finding| Finding { place: format!("{}: {}", file.display(), finding.place), ..finding })?;
    Ok((sheet, annex(world, file)?))
}

/// The annex of a file, where there is one.
pub(super) fn annex(world: &World, file: &Path) -> Result<Option<Annex>, Finding> {
    let limits = &Limits::STANDARD;
    match world.bytes(&annex_of(file), limits.document_bytes) {
        Ok(bytes) => Annex::read(&bytes, limits)
            .map(Some)
            .map_err(|finding| finding.within(&annex_of(file).display().to_string())),
        Err(finding) if finding.reason == Reason::InputMissing => Ok(None),
        Err(finding) => Err(finding),
    }
}

/// The annex beside `list.json` is `list.json.annex`.
pub(super) fn annex_of(file: &Path) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(".annex");
    PathBuf::from(name)
}

/// The reason that goes into the ledger: the one given, else that of the annex.
pub(super) fn reason(given: Option<&str>, annex: Option<&Annex>) -> Result<String, Finding> {
    given.map(str::to_owned).or_else(|| annex.map(|annex| annex.reason.clone())).ok_or_else(|| {
        Finding::new(Reason::Usage, "reason", "--reason TEXT, or the annex of the file beside it", "neither")
    })
}

/// Writes a new file and its annex; the annex first, so that no file stands there without.
pub(super) fn write_new(file: &Path, bytes: &[u8], annex: Option<&Annex>) -> Result<(), Finding> {
    new_file::refuse_existing(file).map_err(|fault| fault.finding())?;
    if let Some(annex) = annex {
        new_file::write(&annex_of(file), &annex.to_bytes()?).map_err(|fault| fault.finding())?;
    }
    new_file::write(file, bytes).map_err(|fault| fault.finding())
}

/// Writes what was signed: to a new file, or in the place of the one that was read.
pub(super) fn write_signed(
    file: &Path,
    out: Option<&Path>,
    bytes: &[u8],
    annex: Option<&Annex>,
) -> Result<PathBuf, Finding> {
    match out {
        Some(out) => write_new(out, bytes, annex).map(|()| out.to_owned()),
        None => new_file::replace(file, bytes).map(|()| file.to_owned()).map_err(|fault| fault.finding()),
    }
}

/// A file that is changed in its place has a name.
pub(super) fn require_file(file: &Path) -> Result<(), Finding> {
    if file.as_os_str() == "-" {
        return Err(Finding::new(Reason::Usage, "file", "a file, which gets the signature", "standard input"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{digest, groups, left};
    use ecugate_verifier::values::digest::Sha256;
    use ecugate_verifier::values::time::Time;

    #[test]
    fn a_digest_that_was_read_aloud_is_typed_in_groups_or_not_and_one_digit_less_is_none() {
        let sha256 = Sha256::of(b"x");
        let shown = groups(&sha256);
        assert_eq!((shown.len(), shown.split(' ').count()), (79, 16));
        for typed in [shown.clone(), shown.to_uppercase(), shown.replace(' ', ":"), sha256.to_string()] {
            assert_eq!(digest(&typed), Ok(sha256), "{typed}");
        }
        assert!(digest(&shown[1..]).is_err() && digest("").is_err());
    }

    #[test]
    fn days_are_whole_ones_and_a_time_that_is_over_says_so() {
        let at = |seconds| Time::from_unix_seconds(seconds).unwrap();
        assert_eq!(left(at(86_400 * 90), at(0)), "90 days left");
        assert_eq!(left(at(86_399), at(0)), "0 days left");
        assert_eq!(left(at(86_400), at(0)), "1 day left");
        assert_eq!(left(at(0), at(86_401)), "2 days ago");
    }
}
