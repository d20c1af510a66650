//! Keys whose private halves anybody can download: sample keys of boot loaders, test keys of standards.
//!
//! They are copied into products by mistake. Each entry was computed from the published key, with
//! `openssl pkey -pubout -outform DER | sha256sum`.

use crate::values::digest::Sha256;

/// Whether the private half of this key has been published.
pub(super) fn contains(id: &Sha256) -> bool {
    let id = id.to_string();
    KNOWN.contains(&id.as_str())
}

/// SHA-256 of the SubjectPublicKeyInfo, under the place where the private half is published.
const KNOWN: &[&str] = &[
    // RFC 8032 section 7.1, tests 1, 2, 3, 1024, SHA(abc): Ed25519
    "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9",
    "deb2ded39dc26fce0e6085b6fc34bf6b5941913bbfe2ea614113cff9e004c170",
    "8d39ba50abe50f77b6bb8ae7b6927aff7ffbeba35ad2837c0e51e82bcbcc60d5",
    "e4f982b51ad0bdd87be820b259fe80337ef636e72b9fa7a8867a6949eb610fd6",
    "e77db4a9572e9f6552c22bc751d5499ad218a73bdf7e15dc6ea0fc69246a44de",
    // DSSE, secure-systems-lab/dsse, protocol.md, section Test Vectors: P-256
    "f793580060562d6ff075d814ea698c282fcc779b0cde64d79ffc6301df00d14b",
    // RFC 9500 sections 2.1 and 2.3: testRSA2048, testECCP256, testECCP384
    "8fb6bad671cfe698393c453357da61b56d757ab8c0f3fb9c87f2849e63131878",
    "b2b04340cfaee616ec9c2c62d261b208e54bb197498df52e8cadede23ac0ba5e",
    "c4c10105a0be0ed4dd3354428dc38a9bfee64da141ce16e75c94eda272f9dd3a",
    // MCUboot, mcu-tools/mcuboot: root-rsa-2048, root-rsa-3072, root-ec-p256, root-ec-p384, root-ed25519,
    // root-ed25519-2, root-ed25519-unknown
    "a14bcb1bf9bb821146ba32838217e476f5412621320534ffe490a1890c994660",
    "159d8b7930769d887f3ff0b4e9ec176b82313663f2ef76dc24f5e964da1bc482",
    "e30466f6b8470c1f29070b17f1e2d3e94d445e3f608087fdc711e4382bb538b6",
    "6bcd1e16d80e5fe13a5307e6f1de8344c7e50e537d9962ce35ef6db5e642fae8",
    "c1907fa4eac7fae3840a78902b6f0710b037e9968e5c6274a12a28790c7d4e3c",
    "6754edab1e29affef4a05935adecbeb1a7b8b62397b31e39a61b5bfcaafd63af",
    "b1d87d60173352b9a4808979790fc699fb4c4f83b49cf1970edd96ff4adc36a6",
    // MCUboot: enc-rsa2048, enc-ec256, boot/cypress/keys/cypress-test-ec-p256, samples/zephyr/bad-keys
    // (RSA-2048, P-256)
    "95ac5d264689fa25b14a87a9bc950abfb1a77e5e628e7b13b5f1940c9a1c65b8",
    "3c23fc4e1d332a0c86e6a8bf6ecf26046d702302e135bf53fc04a009a33a78c5",
    "bb868a727f0ef75e890a6a52bccd1d936fb34438afd6f237e8af259865742446",
    "cf2f67a6aee012de5a8e82a9d9e9f6bf4923f9f367fe6c03fe844a251a7b3e55",
    "e6c097daf1458d0f8b8d43fc4b4b9d4425203484b3afe5570ed074073901bab0",
    // MCUboot, testplan/mynewt: key_rsa, key_rsa_2, key_ec256, key_ec256_2
    "54674c34090b98739e4bb93ab182c4e099ce378410b4ebe6dd5922b064779511",
    "f82d91d0193c6557517b7762f1a334abc4d4709ef1eb77b51e42f71c2a55fc6c",
    "6dc968724fdedb71be7c8ad62540ea148996f96adb5c48e9cc3112c588f26d89",
    "1c35c9ccb929906e7792eda384825b41be700c50760493eaf163135933e191aa",
    // OP-TEE, OP-TEE/optee_os: keys/default.pem, RSA-4096 and, before it, RSA-2048
    "cac7bcfaf8674a57e5eaa8ef1a7c9b67af1fd5562a06440d88d5e3c632e88c48",
    "3a21983aeeda3a503f4d3de2ff6fedbaa8b4389ab6ef7261cbdb1de85434fcc3",
    // Trusted Firmware-A, plat/arm/board/common/rotpk: P-256, P-384, RSA-2048, RSA-3072, RSA-4096
    "2e40bf6ef912bb983171090e1e153d0bfdd1cc694a98eb8ba0b020864e6c0717",
    "dcbcebee418114ed0951f0693527feaede4cad51081cd45ee54979d0072ff53b",
    "b0f382091297d83a377a72471bec3273e99232e24959f65e8b4a4a46d8229ada",
    "9a0f8acde4fd481c87d30b3041d64c00334d63e29d1786af8abbd6423d6da5f6",
    "e22596c73e8ac825eadaa7ba38231808c06da97075d1ba96a7c2c007ad86b928",
    // Trusted Firmware-A, plat/arm/board/common/protpk: P-256, P-384, RSA-2048
    "a1ec91d8903068e1d0d44209d60f7d950440d2274b2fc1daa3702817924275c5",
    "71d92fd7a802f39848a95fa5765f4d71067b79ce095d67204f449ec1a0c40b36",
    "9c1bf3361f117b572a8560069f74ed7665d7b7a7e8a31d0980be509ec64b7b39",
    // Trusted Firmware-A, plat/arm/board/common/swd_rotpk: P-256, P-384, RSA-2048
    "8c1214bc7d5511680ee910057198689db55bdecb5623a2b310fa9061be37e427",
    "fe3ba5e86d13a338fb9bdcc55fd60e0ad938c005562a57510c8004951797e538",
    "1130bee2c30b92e69c10c8cb1b159328eca8308a7749d381d51ee9e3a167066b",
    // Android Open Source Project, build/target/product/security: media, networkstack, platform, shared,
    // testkey, verity: RSA-2048
    "2258fededa510b0853558dc883170aab95ba5efab441cb319f1eebd3b1c4bdc9",
    "8451ecf7de2dcc201a8a09c1fa3f233b4e9c39c7eb7e8124e948fe56b517f6da",
    "fc4aa0e2baf2683342adab43228d2edbcc1e3b22b195998a8d3f859890293545",
    "87ba9a233efa2599b6b0371caab517bde7bf9569abfd4e4adb77725fcf5cdad8",
    "2cc5efa35e17880782afab42ee043a342b2cdf39415857b7de4d4711fb6dda30",
    "b3a3c49c93d52bff7f6cce915fa6b85a1c6f39805fe5f72362583455842fde56",
    // Android Open Source Project, build/tools/releasetools/testdata: testkey, testkey_EC, testkey_RSA4096
    "69a8a0b88ff834f913e603ca7e709d4769034dda60a2c1a0ffec269d61217bc2",
    "0577e1ffdee7979da5bdb2367c13cdeec061d5ab1167f804f28cbac0d599eb9f",
    "ef2a95601f9c82f23ce0518990aad4b2a51ddc3bad3f7e40535df1c3d01f06cd",
];

#[cfg(test)]
mod tests {
    use super::{KNOWN, Sha256, contains};
    use std::collections::BTreeSet;

    #[test]
    fn every_entry_is_a_digest_and_stands_once() {
        assert!(KNOWN.iter().all(|known| Sha256::from_hex(known).is_some_and(|id| contains(&id))));
        assert_eq!(KNOWN.iter().collect::<BTreeSet<_>>().len(), KNOWN.len());
        assert!(!contains(&Sha256::of(b"some other key")));
    }
}
