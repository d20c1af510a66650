//! A small inventory system that links the library. It books what the gate has accepted and recorded, and nothing else.
//!
//! `cargo run --example inventory -- SITE ECUGATE BOOKS RECORD...` opens the gate of the trial site in folder SITE
//! (ECUGATE is the program `ecugate`, in which the gate runs its PKCS#11 module), and takes the units of these records
//! into the books in folder BOOKS. `docs/inventory.md` explains it step by step.

use ecugate::gate::{Admission, Consumer, Gate, GateError, Redemption, Surroundings, Unconfirmed};
use ecugate::site::Site;
use ecugate_verifier::documents::record::State;
use ecugate_verifier::judgement::words;
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [site, program, books, records @ ..] = arguments.as_slice() else {
        return Err("usage: inventory SITE ECUGATE BOOKS RECORD...".into());
    };
    let records = records.iter().map(|text| text.parse()).collect::<Result<Vec<u64>, _>>()?;
    let gate = open(Path::new(site), Path::new(program))?;
    let inventory = Inventory::new(gate, Path::new(books))?;
    inventory.run(&records, &mut io::stdout().lock())
}

/// Opens the gate of a site, as a part of this process.
fn open(site: &Path, program: &Path) -> Result<Gate, GateError> {
    let surroundings = Here { program: program.to_owned() };
    Gate::open(Site::open(site)?, Box::new(surroundings))
}

/// The clock, the random source, and the program `ecugate`.
struct Here {
    program: PathBuf,
}

impl Surroundings for Here {
    fn now(&self) -> Option<Time> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        Time::from_unix_millis(i64::try_from(since.as_millis()).ok()?)
    }

    fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), Finding> {
        getrandom::fill(bytes)
            .map_err(|error| Finding::new(Reason::SignerFailed, "random source", "random bytes", error.to_string()))
    }

    fn helper(&self) -> Result<PathBuf, Finding> {
        Ok(self.program.clone())
    }
}

/// The inventory system: who it is, and its books. A real one has a table where this one has a folder.
pub(crate) struct Inventory {
    gate: Gate,
    consumer: Consumer,
    books: PathBuf,
}

impl Inventory {
    /// An inventory system with its books in a folder.
    pub(crate) fn new(gate: Gate, books: &Path) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(books)?;
        // Stated by the system itself: a production system writes `Environment::Production` here, and no trial
        // admission will ever get past it.
        let consumer = Consumer { id: Name::new("example-erp")?, environment: Environment::Trial };
        Ok(Self { gate, consumer, books: books.to_owned() })
    }

    /// Ends what a crash left half done, then takes in the units of these records.
    pub(crate) fn run(&self, records: &[u64], out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
        self.finish(out)?;
        for record in records {
            match self.take_in(*record) {
                Ok(redemption) => writeln!(out, "booked {}", described(&redemption))?,
                Err(error) => match error.downcast_ref::<GateError>() {
                    Some(refused) => tell(*record, refused, out)?,
                    None => return Err(error),
                },
            }
        }
        Ok(())
    }

    /// Takes one unit into the books: admission, redemption, booking, confirmation. After a crash at any point it is
    /// called again with the same record.
    fn take_in(&self, record: u64) -> Result<Redemption, Box<dyn Error>> {
        // 1. Our own number for this booking. It is made once for a record and kept, before anything is asked.
        let reference = Name::new(format!("GR-{record}"))?;

        // 2. Leave to enter. It is kept until it was used; asked again after a crash, it is the same one.
        let kept = self.books.join(format!("{reference}.admission"));
        let admission = match fs::read(&kept) {
            Ok(bytes) => Admission::read(&bytes)?,
            Err(_) => {
                let admission = self.gate.admission_for(record, &self.consumer.id)?;
                write_durably(&kept, &admission.to_bytes())?;
                admission
            }
        };

        // 3. Its one use. Only when this is `Ok` the unit may be booked; asked again with the same reference, it is the
        //    same redemption.
        let redemption = self.gate.redeem(&admission, &self.consumer, &reference)?;

        // 4. The booking, once for each reference, and then our word that it is done.
        self.book(&redemption)?;
        Ok(redemption)
    }

    /// Books a redeemed unit, and tells the gate.
    fn book(&self, redemption: &Redemption) -> Result<(), Box<dyn Error>> {
        let booked = self.books.join(format!("{}.booked", redemption.reference()));
        if !booked.exists() {
            write_durably(&booked, described(redemption).as_bytes())?;
        }
        let confirmation = self.gate.confirm(redemption, redemption.reference())?;
        if confirmation.standing() == State::Contested {
            // A second unit with this identity came since: the stock stays booked, and must not move.
            write_durably(&self.books.join(format!("{}.blocked", redemption.reference())), b"")?;
        }
        Ok(())
    }

    /// Redemptions of ours that we never confirmed: this process ended between redeeming and booking.
    fn finish(&self, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
        for Unconfirmed { redemption, standing } in self.gate.unconfirmed()? {
            if *redemption.consumer() != self.consumer.id {
                continue;
            }
            if standing == State::Redeemed {
                self.book(&redemption)?;
                writeln!(out, "finished {}", described(&redemption))?;
            } else {
                // Never booked, and contested since: it is not booked now. A person finds the unit and sets it apart.
                writeln!(out, "blocked {}: {}", described(&redemption), standing.word())?;
            }
        }
        Ok(())
    }
}

/// What a refusal means, and what to do about it. None of them lets a unit in.
fn tell(record: u64, refused: &GateError, out: &mut dyn Write) -> io::Result<()> {
    let finding = refused.finding();
    writeln!(out, "refused record {record}: {}", finding.reason)?;
    words::text(finding).iter().try_for_each(|line| writeln!(out, "    {line}"))
}

fn described(redemption: &Redemption) -> String {
    let serial = redemption.unit().serial.as_ref().map_or("no serial", |serial| serial.as_str());
    let environment = match redemption.environment() {
        Environment::Trial => " (TRIAL)",
        Environment::Production => "",
    };
    format!("{serial} as {}, by entry {}{environment}", redemption.reference(), redemption.entry())
}

/// Writes a file that is whole or not there, and stays when the power goes.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("part");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
