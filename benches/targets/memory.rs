//! T5: peak memory of the program for one raw image, without a token, as GNU time reports it.

use super::clock::Spread;
use super::row::{Target, print};
use super::unit_folder;
use super::world::{World, name};
use ecugate_verifier::documents::manifest::release::{FileDigest, Range};
use ecugate_verifier::values::digest::{Hasher, Sha256};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::Command;

const ROUNDS: usize = 5;
pub(crate) const SMALL: u64 = 64 << 10;
pub(crate) const LARGE: u64 = 1 << 30;

pub(crate) fn measure() {
    let folders = [SMALL, LARGE].map(|length| (tempfile::tempdir().unwrap(), length));
    let worlds = folders.each_ref().map(|(folder, length)| unit(folder.path(), *length));
    let (mut small, mut large) = (Vec::new(), Vec::new());
    let (mut started, mut openssl) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for ((folder, _), (world, peaks)) in folders.iter().zip(worlds.iter().zip([&mut small, &mut large])) {
            let arguments = unit_folder::arguments(world);
            let (peak, said) = peak(folder.path(), env!("CARGO_BIN_EXE_ecugate"), &arguments);
            assert!(said.contains(r#""outcome":"accept""#), "a genuine unit: {said}");
            peaks.push(peak);
        }
        let version = ["--version".to_owned()];
        started.push(peak(folders[1].0.path(), env!("CARGO_BIN_EXE_ecugate"), &version).0);
        let arguments = ["dgst", "-sha256", "unit/image.bin"].map(str::to_owned);
        openssl.push(peak(folders[1].0.path(), "openssl", &arguments).0);
    }
    let growth: Vec<f64> = large.iter().zip(&small).map(|(large, small)| large - small).collect();
    let (small, large) = (Spread::of(small), Spread::of(large));
    print("T5", "peak memory, one raw image of 1 GiB, no token", " MiB", Target::AtMost(6.0), large);
    print("T5", "growth from an image of 64 KiB", " MiB", Target::AtMost(0.5), Spread::of(growth));
    print("T5", "beside: peak memory, image of 64 KiB", " MiB", Target::Beside, small);
    print("T5", "beside: `ecugate --version`, which does nothing", " MiB", Target::Beside, Spread::of(started));
    print("T5", "beside: `openssl dgst -sha256` of 1 GiB", " MiB", Target::Beside, Spread::of(openssl));
}

/// A unit with a raw image of this length, which its release names whole and in part.
pub(crate) fn unit(folder: &Path, length: u64) -> World {
    std::fs::create_dir_all(folder.join("unit")).unwrap();
    let world = with_image(World::new(), &folder.join("unit/image.bin"), length);
    unit_folder::write(&world, folder).unwrap();
    world
}

/// Writes a raw image of this length, and has the release name it whole and in part.
pub(crate) fn with_image(world: World, path: &Path, length: u64) -> World {
    // zeros between, which are read and hashed like anything else
    let mut file = File::create(path).unwrap();
    file.write_all(&world.image).unwrap();
    file.seek(SeekFrom::Start(length - 1)).unwrap();
    file.write_all(&[1]).unwrap();
    let (mut file, mut buffer) = (File::open(path).unwrap(), vec![0; 256 << 10]);
    let (mut whole, mut half, mut read) = (Hasher::default(), Hasher::default(), 0);
    while read < length {
        let count = file.read(&mut buffer).unwrap();
        whole.update(&buffer[..count]);
        let of_half = (length / 2).saturating_sub(read).min(count as u64);
        half.update(&buffer[..usize::try_from(of_half).unwrap()]);
        read += count as u64;
    }
    world.with(|world| {
        let component = &mut world.release.components[0];
        component.file = Some(FileDigest { sha256: whole.finish(), length });
        component.ranges = vec![range(component.base.unwrap(), length / 2, half.finish())];
    })
}

fn range(start: u64, length: u64, sha256: Sha256) -> Range {
    Range { name: name("half"), start, end: start + length, fill: None, sha256 }
}

/// The largest resident set of a process in MiB, and what it wrote.
fn peak(folder: &Path, program: &str, arguments: &[String]) -> (f64, String) {
    let mut time = Command::new("/usr/bin/time");
    time.current_dir(folder).args(["-f", "%M", "-o", "peak", program]).args(arguments).env_remove("ECUGATE_NOW");
    let output = time.output().expect("GNU time: Debian package `time`");
    let said = String::from_utf8(output.stdout).unwrap();
    let kib = std::fs::read_to_string(folder.join("peak")).unwrap();
    let kib: f64 = kib.trim().parse().unwrap_or_else(|_| panic!("{kib}: {said}"));
    (kib / 1024.0, said)
}
