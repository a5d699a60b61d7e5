//! What each setting contributes, by variants of a small function that each
//! differ in one setting from what the functions ship with.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    certificates::Roots,
    figures::Figures,
    laboratory::{Laboratory, Setting},
    quiet,
};

struct Variant {
    name: &'static str,
    build: Build,
    setting: Setting,
    call: bool,
}

/// Arguments of `cargo build`, beyond those of the settings that ship.
type Build = &'static [&'static str];

const AS_SHIPPED: Variant =
    Variant { name: "as shipped", build: &[], setting: Setting::USUAL, call: true };

const VARIANTS: [Variant; 11] = [
    AS_SHIPPED,
    Variant {
        name: "the SDK's defaults: aws-config, aws-lc",
        build: &["--features", "sdk-defaults"],
        ..AS_SHIPPED
    },
    Variant {
        name: "the SDK's HTTPS client, on ring",
        build: &["--features", "sdk-https"],
        ..AS_SHIPPED
    },
    Variant {
        name: "the SDK's HTTPS client, on aws-lc",
        build: &["--features", "aws-lc"],
        ..AS_SHIPPED
    },
    Variant { name: "multi-threaded tokio", build: &["--features", "multi-thread"], ..AS_SHIPPED },
    Variant { name: "no logs at all", build: &["--no-default-features"], ..AS_SHIPPED },
    Variant {
        name: "EnvFilter instead of Targets",
        build: &["--features", "env-filter"],
        ..AS_SHIPPED
    },
    Variant {
        name: "opt-level s",
        build: &["--config", "profile.release.opt-level='s'"],
        ..AS_SHIPPED
    },
    Variant {
        name: "one root trusted instead of all",
        setting: Setting { roots: Roots::One, search_folder: false },
        ..AS_SHIPPED
    },
    Variant {
        name: "the folder of certificates searched too",
        setting: Setting { roots: Roots::System, search_folder: true },
        ..AS_SHIPPED
    },
    Variant { name: "no call made", call: false, ..AS_SHIPPED },
];

/// Builds all variants, then measures them, so that no build is in the figures.
pub(crate) fn compare() -> Result<()> {
    let binaries: Result<Vec<PathBuf>> = VARIANTS.iter().map(build).collect();
    let laboratory = Laboratory::open()?;
    println!(
        "From exec to the first answer, {} roots trusted:\n",
        laboratory.roots(Roots::System)?
    );
    println!("{}", Figures::HEADING);
    let disturbed_before = quiet::disturbance()?;
    for (variant, binary) in VARIANTS.iter().zip(binaries?) {
        let event: Value = json!({ "call": variant.call });
        let figures = Figures::take(&laboratory, &binary, variant.setting, &event)?;
        println!("{}", figures.row(variant.name));
    }
    quiet::warn_of(disturbed_before.max(quiet::disturbance()?));
    Ok(())
}

/// All variants have the same file name when cargo is done with them.
fn build(variant: &Variant) -> Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("variants");
    let target = package.join("target");
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--locked", "--release", "--quiet", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .args(variant.build)
        .status()?;
    ensure!(status.success(), "the variant \"{}\" does not build", variant.name);
    let kept = target.join("variants");
    fs::create_dir_all(&kept)?;
    let binary = kept.join(variant.name.replace([' ', ':', ','], "-"));
    fs::copy(target.join("release/one-call"), &binary)?;
    Ok(binary)
}
