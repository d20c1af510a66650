//! Every cap in one place, each with the attack it stops and where its figure comes from.
//!
//! A cap is not a tuning knob: an input over it is refused with a reason that names it, never cut short.

/// The caps that apply to one unit's evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of one signed document: 4 MiB, about 30,000 units of a shipment. Reading one of that size was measured to
    /// add 56 MiB to the process, and one unit's documents may cost 64 MiB in all. Stops endless data.
    pub document_bytes: usize,
    /// Nesting of JSON: 32. Our documents need 8; serde_json itself stops at 128. Stops stack exhaustion by depth.
    pub json_depth: usize,
    /// Values in one JSON text: 1,000,000. A shipment of 100,000 units holds 800,000. Stops memory use that grows out
    /// of proportion to the bytes (60 bytes for each value, measured).
    pub json_values: usize,
    /// Members of one JSON object: 4,096. Our documents need 16. Stops the comparing of keys from growing (1,600,000
    /// keys in one object took 3 s and 290 MiB, measured).
    pub json_members: usize,
    /// Signatures in one envelope: 16. The largest threshold we know in the field (TUF root keys) is below 10.
    /// Stops 10^6 signatures (CVE-2020-6174 class).
    pub envelope_signatures: usize,
    /// Certificates that one signature may carry (`x5c`): 8, the path depth.
    pub chain_certificates: usize,
    /// Bytes of one certificate: 64 KiB. Device certificates are below 2 KiB; RSA-8192 with SANs below 16 KiB.
    pub certificate_bytes: usize,
    /// Certificates in the bag from which paths are built: 4,096. Stops memory use; time is stopped by the next three.
    pub bag_certificates: usize,
    /// Longest certification path, leaf and anchor included: 8 (RUSTSEC-2023-0052: paths by cross-signed CAs).
    pub path_depth: usize,
    /// Signature checks spent on the building of one path: 200, each remembered, those of P-384 and large RSA keys
    /// counted three- and fourfold (RUSTSEC-2023-0052).
    pub path_signature_checks: usize,
    /// Candidate paths validated in full: 64 (RUSTSEC-2023-0052).
    pub path_candidates: usize,
    /// Issuers tried in the building of one path, known signatures included: 20,000 (RUSTSEC-2023-0052). Ten CAs that
    /// have certified each other need 151,200 to be tried in full; a real path needs fewer than 50.
    pub path_steps: usize,
    /// Bytes of one CRL: 4 MiB, some 100,000 entries; it is held a few times over while a path is validated.
    pub crl_bytes: usize,
    /// Bytes of all CRLs of one unit: 8 MiB.
    pub crls_bytes: usize,
    /// CRLs looked at for one unit: 64. Stops a hostile bag.
    pub crls: usize,
    /// Entries of one CRL: 120,000. Stops 10^6 entries that are cheap to write and dear to read.
    pub crl_entries: usize,
    /// Bytes of one label: 4,096. A DataMatrix ECC 200 holds at most 3,116 digits (ISO/IEC 16022), a QR code 4,296
    /// characters of which a label uses a tenth.
    pub label_bytes: usize,
    /// Fields of one label: 256; the widest GTL label seen has 27.
    pub label_fields: usize,
    /// Bytes of one image file: 4 GiB. Raw images stream; this stops a sparse 100 GB file and `/dev/zero`.
    pub image_file_bytes: u64,
    /// Contents of one HEX, S-record or ELF image held in memory, and 64 bytes for each run of addresses: 64 MiB. The
    /// largest ECU flash we know is 16 MiB.
    pub image_memory: usize,
    /// Bytes of one line of a HEX or S-record file: 1,024. The longest record of either form is 522 digits and its
    /// mark.
    pub image_line_bytes: usize,
    /// Segments of one image: 16,384, whose map can be written and read back as one document. Stops a map that is all
    /// gaps.
    pub image_segments: usize,
    /// Ranges and fields that are measured of one image: 1,024 over all candidate releases.
    pub image_ranges: usize,
    /// Bytes hashed for all ranges of one image, fill included: 4 GiB, one pass over the largest file. Ranges that
    /// start together are hashed once. Stops gap filling over 2^32 and hashing that grows with hostile releases.
    pub image_range_bytes: u64,
    /// Bytes of all manifests of one unit: 5 MiB, a document of the largest size and the small ones beside it.
    pub manifests_bytes: usize,
    /// Manifests judged for one unit: 64. The intake index is a hint and may name many.
    pub manifests: usize,
    /// Readouts of one unit: 64, the components of one release.
    pub readouts: usize,
    /// Units of one shipment manifest: 40,000, more than a document holds.
    pub shipment_units: usize,
    /// Components of one release manifest: 64.
    pub components: usize,
    /// Certificates on one anchor list: 1,024.
    pub anchors: usize,
    /// Keys of the authority: 16.
    pub authority_keys: usize,
    /// Bytes of a string in a document (a name, part number, serial): 128. GS1 and ISO/IEC 15434 identifiers stay
    /// below 50.
    pub identifier_bytes: usize,
    /// Sightings of one unit's keys that one appraisal looks at: 4,096. More is itself a finding.
    pub sightings: usize,
    /// Hashes of one Merkle proof: 64 inclusion, 128 consistency; RFC 9162 trees have fewer than 2^64 leaves.
    pub proof_hashes: usize,
    /// Bytes of one signed note: 64 KiB (a checkpoint with its cosignatures).
    pub note_bytes: usize,
    /// Signature lines of one note: 128 (a log key and its witnesses).
    pub note_signatures: usize,
    /// Bytes of one leaf: 64 KiB. Ours have about 489.
    pub leaf_bytes: usize,
    /// Milliseconds that the clock may stand ahead of the latest entry: one day. More needs the word of officers. Stops
    /// a clock set forward: what was signed under it would expire trust data, and then make the true time *behind*.
    pub clock_ahead_millis: i64,
}

impl Limits {
    /// The caps that receiving uses. There are no others: a looser set would be a way in.
    pub const STANDARD: Self = Self {
        document_bytes: 4 << 20,
        json_depth: 32,
        json_values: 1_000_000,
        json_members: 4_096,
        envelope_signatures: 16,
        chain_certificates: 8,
        certificate_bytes: 64 << 10,
        bag_certificates: 4_096,
        path_depth: 8,
        path_signature_checks: 200,
        path_candidates: 64,
        path_steps: 20_000,
        crl_bytes: 4 << 20,
        crls_bytes: 8 << 20,
        crls: 64,
        crl_entries: 120_000,
        label_bytes: 4_096,
        label_fields: 256,
        image_file_bytes: 4 << 30,
        image_memory: 64 << 20,
        image_line_bytes: 1_024,
        image_segments: 16_384,
        image_ranges: 1_024,
        image_range_bytes: 4 << 30,
        manifests_bytes: 5 << 20,
        manifests: 64,
        readouts: 64,
        shipment_units: 40_000,
        components: 64,
        anchors: 1_024,
        authority_keys: 16,
        identifier_bytes: 128,
        sightings: 4_096,
        proof_hashes: 128,
        note_bytes: 64 << 10,
        note_signatures: 128,
        leaf_bytes: 64 << 10,
        clock_ahead_millis: 24 * 60 * 60 * 1_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::STANDARD
    }
}
