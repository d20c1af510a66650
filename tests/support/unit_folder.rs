//! The folder that `ecugate verify unit` reads, written from a world, and the call that judges it.
//!
//! Included with `#[path]` beside `pki.rs` and `world.rs`.
#![allow(dead_code, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::world::World;
use std::path::Path;

/// Writes everything but the image, which is `unit/image.bin`, into `folder`.
pub fn write(world: &World, folder: &Path) -> std::io::Result<()> {
    let inputs = world.inputs();
    let presented = &inputs.presentation;
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap())?;
        std::fs::write(path, bytes)
    };
    file("unit/label", &world.label)?;
    file("unit/anchor-list", &inputs.anchor_list.unwrap())?;
    file("unit/policy", &inputs.policy.unwrap())?;
    file("unit/anchors/root.pem", world.root.pem().as_bytes())?;
    for (number, manifest) in presented.manifests.iter().enumerate() {
        file(&format!("unit/manifests/{number}.json"), manifest)?;
    }
    for (number, crl) in presented.crls.iter().enumerate() {
        file(&format!("unit/crls/{number}.crl"), crl)?;
    }
    for (number, officer) in world.officers.iter().enumerate() {
        file(&officer_file(number), officer.pem().as_bytes())?;
    }
    Ok(())
}

/// The arguments that judge the folder, for a program that runs in it.
pub fn arguments(world: &World) -> Vec<String> {
    let words = ["verify", "unit", "unit", "--json", "--at", &world.now.to_string(), "--authority"];
    words.map(str::to_owned).into_iter().chain((0..world.officers.len()).map(officer_file)).collect()
}

fn officer_file(number: usize) -> String {
    format!("officer-{number}.pem")
}
