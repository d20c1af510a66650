//! ELF (System V ABI, chapters 4 and 5): the file bytes of the loadable segments, at their physical addresses.

use super::{
    fault::ImageFault,
    map::SparseMap,
    measurement::Measurement,
    plan::Plan,
    source::{BUFFER, Source},
};
use crate::values::{limits::Limits, reason::Reason};
use object::{
    Endianness, elf,
    read::elf::{FileHeader, ProgramHeader},
};

pub(super) fn measure(source: &mut Source<'_>, plan: &Plan, limits: &Limits) -> Result<Measurement, ImageFault> {
    let mut head = Vec::new();
    read_to(source, &mut head, size_of::<elf::FileHeader64<Endianness>>())?;
    let mut loads = match head.get(4) {
        _ if !head.starts_with(&elf::ELFMAG) => return Err(malformed("7F 45 4C 46 at the front", "other bytes")),
        Some(1) => loads::<elf::FileHeader32<Endianness>>(source, &mut head, limits, 1 << 32)?,
        Some(2) => loads::<elf::FileHeader64<Endianness>>(source, &mut head, limits, u64::MAX)?,
        _ => return Err(malformed("class 1 or 2 (32 or 64 bits)", "another").at_offset(4)),
    };
    let mut map = SparseMap::new(limits);
    place(&loads, 0, &head, &mut map)?;
    let mut position = u64::try_from(head.len()).unwrap_or(u64::MAX);
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = source.fill(&mut buffer)?;
        let contents = buffer.get(..count).unwrap_or_default();
        place(&loads, position, contents, &mut map)?;
        position = source.length();
        loads.retain(|load| load.file_end > position);
        if count < buffer.len() {
            break;
        }
    }
    if let Some(load) = loads.first() {
        let expected = format!("a file of at least {} bytes", load.file_end);
        return Err(malformed(expected, position.to_string()).at_offset(position));
    }
    map.measure(source, plan, limits)
}

/// A loadable segment that has file bytes.
struct Load {
    file_start: u64,
    file_end: u64,
    address: u64,
}

/// Reads on until `head` has `length` bytes.
fn read_to(source: &mut Source<'_>, head: &mut Vec<u8>, length: usize) -> Result<(), ImageFault> {
    while head.len() < length {
        let had = head.len();
        // grows with the file and not with what its header claims
        head.resize(length.min(had + BUFFER), 0);
        let count = source.fill(head.get_mut(had..).unwrap_or_default())?;
        if had + count < head.len() {
            let expected = format!("headers of {length} bytes");
            let fault = if source.length() == 0 {
                ImageFault::new(Reason::ImageEmpty, expected, "an empty file")
            } else {
                malformed(expected, format!("{} bytes", source.length()))
            };
            return Err(fault.at_offset(source.length()));
        }
    }
    Ok(())
}

/// The loadable segments with file bytes, in the order of the file, checked against each other.
fn loads<H: FileHeader<Endian = Endianness>>(
    source: &mut Source<'_>,
    head: &mut Vec<u8>,
    limits: &Limits,
    room: u64,
) -> Result<Vec<Load>, ImageFault> {
    let table_end = table_end::<H>(head, limits)?;
    read_to(source, head, table_end)?;
    let header = H::parse(head.as_slice()).map_err(|error| malformed("an ELF header", error.to_string()))?;
    let endian = header.endian().map_err(|error| malformed("a byte order", error.to_string()))?;
    let programs = header
        .program_headers(endian, head.as_slice())
        .map_err(|error| malformed("program headers", error.to_string()))?;
    let mut loads = Vec::new();
    let mut contents = 0_u64;
    for (index, program) in programs.iter().enumerate() {
        if program.p_type(endian) != elf::PT_LOAD {
            continue;
        }
        let (size, memory): (u64, u64) = (program.p_filesz(endian).into(), program.p_memsz(endian).into());
        let (file_start, address): (u64, u64) = (program.p_offset(endian).into(), program.p_paddr(endian).into());
        if size > memory {
            let expected = format!("file bytes that fit into memory in program header {index}");
            return Err(malformed(expected, format!("{size} into {memory}")).at_address(address));
        }
        if size == 0 {
            continue;
        }
        if address.checked_add(size).is_none_or(|end| end > room) {
            let expected = format!("program header {index} to end at or below {room:#x}");
            return Err(
                ImageFault::new(Reason::ImageAddressWrap, expected, format!("{size} bytes")).at_address(address)
            );
        }
        let file_end = file_start.checked_add(size).ok_or_else(|| {
            malformed(format!("program header {index} to end within the file"), format!("{size} bytes"))
                .at_offset(file_start)
        })?;
        contents = contents.saturating_add(size);
        loads.push(Load { file_start, file_end, address });
    }
    check(&mut loads, contents, limits)?;
    Ok(loads)
}

/// Where the table of program headers ends.
fn table_end<H: FileHeader<Endian = Endianness>>(head: &[u8], limits: &Limits) -> Result<usize, ImageFault> {
    let header = H::parse(head).map_err(|error| malformed("an ELF header", error.to_string()))?;
    let endian = header.endian().map_err(|error| malformed("a byte order", error.to_string()))?;
    let kind = header.e_type(endian);
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        return Err(malformed("an executable or a shared object (type 2 or 3)", format!("{kind:?}")));
    }
    if usize::from(header.e_ehsize(endian)) != size_of::<H>() {
        let found = header.e_ehsize(endian).to_string();
        return Err(malformed(format!("a file header of {} bytes", size_of::<H>()), found));
    }
    if header.e_version(endian) != 1 {
        return Err(malformed("version 1", header.e_version(endian).to_string()));
    }
    let count = header.e_phnum(endian);
    if count == 0 || count == elf::PN_XNUM {
        return Err(malformed("1 to 65534 program headers", count.to_string()));
    }
    let length = usize::from(count).saturating_mul(size_of::<H::ProgramHeader>());
    let start = usize::try_from(header.e_phoff(endian).into()).unwrap_or(usize::MAX);
    let end = start.saturating_add(length);
    if start < size_of::<H>() || end > limits.image_memory {
        let expected = format!("program headers between {} and {}", size_of::<H>(), limits.image_memory);
        return Err(malformed(expected, format!("{start}")));
    }
    Ok(end)
}

/// At least one segment, none too large together, no address twice; then sorts them by place in the file.
fn check(loads: &mut [Load], contents: u64, limits: &Limits) -> Result<(), ImageFault> {
    if loads.is_empty() {
        return Err(ImageFault::new(Reason::ImageEmpty, "a loadable segment with file bytes", "none"));
    }
    if usize::try_from(contents).ok().is_none_or(|contents| contents > limits.image_memory) {
        let expected = format!("at most {} bytes of contents", limits.image_memory);
        return Err(ImageFault::new(Reason::ImageTooLarge, expected, contents.to_string()));
    }
    loads.sort_unstable_by_key(|load| load.address);
    for (lower, upper) in loads.iter().zip(loads.iter().skip(1)) {
        if upper.address - lower.address < lower.file_end - lower.file_start {
            let found = "two loadable segments";
            return Err(ImageFault::new(Reason::ImageOverlap, "each address once", found).at_address(upper.address));
        }
    }
    loads.sort_unstable_by_key(|load| load.file_start);
    Ok(())
}

/// Copies what belongs to a segment out of the file bytes from `position` on.
fn place(loads: &[Load], position: u64, bytes: &[u8], map: &mut SparseMap) -> Result<(), ImageFault> {
    let end = position.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    for load in loads.iter().take_while(|load| load.file_start < end) {
        let (from, to) = (load.file_start.max(position), load.file_end.min(end));
        if from >= to {
            continue;
        }
        let piece = usize::try_from(from - position).ok().zip(usize::try_from(to - position).ok());
        let piece = piece.and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default();
        map.put(load.address + (from - load.file_start), piece)?;
    }
    Ok(())
}

fn malformed(expected: impl Into<String>, found: impl Into<String>) -> ImageFault {
    ImageFault::new(Reason::ImageElfMalformed, expected, found)
}
