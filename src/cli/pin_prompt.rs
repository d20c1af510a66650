//! Asks a person for a PIN: at the terminal itself, not at standard input, and without showing what is typed.
//!
//! While it asks, the keys that would interrupt or stop the program are read like others, so that it always leaves the
//! terminal as it was. Only a signal from elsewhere that kills the program leaves it silent; `stty sane` mends that.

use super::screen::plain;
use ecugate::hsm::{Pin, TokenName};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use std::fs::File;
use std::io::{self, Read, Write as _};
use zeroize::Zeroizing;

/// Where it should come from, in findings.
const TERMINAL: &str = "the terminal";
/// Bytes that are kept of one line: one more than a PIN may have, so that a longer one is seen as such.
const LINE_BYTES: usize = 256;
/// How long a read waits, in tenths of a second, and how many of them in a row may bring nothing: two minutes.
const WAIT_TENTHS: u8 = 10;
const EMPTY_READS: u32 = 120;

/// Asks for the PIN of `token`.
///
/// # Errors
/// [`Reason::PinMissing`]: there is no terminal, this program is in the background, nobody answers, or the person gives
/// up. It never waits without a terminal.
pub(crate) fn ask(token: &TokenName) -> Result<Pin, Finding> {
    let no_terminal = |_| missing("this program has no terminal to ask at: use file: or env: instead");
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(no_terminal)?;
    // A program in the background would be stopped by the system when it asks.
    if tcgetpgrp(&terminal).map_err(|error| failed(&error.into()))? != getpgrp() {
        return Err(missing("this program runs in the background: bring it to the front, or use file: or env:"));
    }
    let quiet = Quiet::begin(&terminal).map_err(|error| failed(&error))?;
    let prompt = format!("PIN of the token {}: ", plain(&token.to_string()));
    (&terminal).write_all(prompt.as_bytes()).map_err(|error| failed(&error))?;
    let line = line(&mut &terminal);
    drop(quiet);
    let _ = (&terminal).write_all(b"\n");
    let line = line?;
    let text = std::str::from_utf8(&line).map_err(|_| missing("it is not UTF-8"))?;
    Pin::new(Zeroizing::new(text.to_owned()), TERMINAL).map_err(|fault| fault.finding())
}

fn missing(found: &str) -> Finding {
    Finding::new(Reason::PinMissing, TERMINAL, "a PIN", found)
}

fn failed(error: &io::Error) -> Finding {
    missing(&format!("it does not work: {}", error.kind()))
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Quiet<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Quiet<'a> {
    /// What was typed before is thrown away: it was shown.
    fn begin(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut modes = before.clone();
        modes.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = WAIT_TENTHS;
        let quiet = Self { terminal, before };
        tcsetattr(terminal, OptionalActions::Flush, &modes)?;
        // The call succeeds where any of the changes could be made.
        if tcgetattr(terminal)?.local_modes.intersects(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(quiet)
    }
}

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        // The rest of what was typed goes too: it would show up in whatever reads the terminal next.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

/// One line, edited as it is typed. A read that brings nothing is a second without a key.
fn line(keys: &mut impl Read) -> Result<Zeroizing<Vec<u8>>, Finding> {
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_BYTES));
    let mut key = Zeroizing::new([0_u8; 1]);
    let mut empty = 0;
    loop {
        match keys.read(key.as_mut_slice()) {
            Ok(0) if empty == EMPTY_READS => return Err(missing("nobody answered for two minutes")),
            Ok(0) => empty += 1,
            Ok(_) => {
                empty = 0;
                let [byte] = *key;
                match byte {
                    b'\n' | b'\r' => return Ok(line),
                    // Control C, D, Z and backslash: the person gives up.
                    0x03 | 0x04 | 0x1a | 0x1c => return Err(missing("the question was broken off")),
                    // Backspace, and control U for the whole line.
                    0x08 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
                    0x15 => line.clear(),
                    _ if line.len() < LINE_BYTES => line.push(byte),
                    _ => {}
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EMPTY_READS, LINE_BYTES, line};
    use std::io::Read;

    fn typed(keys: &[u8]) -> Result<Vec<u8>, String> {
        line(&mut &*keys).map(|line| line.to_vec()).map_err(|finding| finding.found)
    }

    #[test]
    fn a_line_is_edited_as_it_is_typed() {
        for (keys, typed_in) in [
            (&b"4711\n"[..], &b"4711"[..]),
            (b"4711\r rest", b"4711"),
            (b"48\x7f711\n", b"4711"),
            (b"\x7f\x084711\n", b"4711"),
            (b"wrong\x154711\n", b"4711"),
            ("4ü\u{7f}711\n".as_bytes(), b"4711"),
            (b"\n", b""),
        ] {
            assert_eq!(typed(keys).unwrap(), typed_in, "{keys:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_cut_to_a_pin_that_could_be_right() {
        let keys = [&[b'1'; 1_000][..], b"\n"].concat();
        assert_eq!(typed(&keys).unwrap().len(), LINE_BYTES);
    }

    #[test]
    fn giving_up_a_terminal_that_is_gone_and_nobody_there_all_end_the_question() {
        for key in [3, 4, 0x1a, 0x1c] {
            assert_eq!(typed(&[b'4', key, b'\n']).unwrap_err(), "the question was broken off");
        }
        assert_eq!(typed(b"4711").unwrap_err(), "nobody answered for two minutes");

        /// Brings one key after so many empty reads, again and again.
        struct Slow(u32);
        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0 += 1;
                if !self.0.is_multiple_of(EMPTY_READS) {
                    return Ok(0);
                }
                buffer[0] = if self.0 > 3 * EMPTY_READS { b'\n' } else { b'1' };
                Ok(1)
            }
        }
        assert_eq!(line(&mut Slow(0)).unwrap().len(), 3);
    }
}
