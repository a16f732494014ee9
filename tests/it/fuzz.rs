//! The fuzz targets, which another compiler builds: that none is forgotten. What they assert, they assert when they run.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The names in a folder of `fuzz/`, without endings.
fn names(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder);
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|entry| entry.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn every_target_is_built_and_has_seeds() {
    let manifest = include_str!("../../fuzz/Cargo.toml");
    let built = manifest.lines().filter_map(|line| line.strip_prefix("path = \"targets/")?.strip_suffix(".rs\""));
    let built: BTreeSet<String> = built.map(str::to_owned).collect();
    assert!(built.contains("service"), "{built:?}");
    assert_eq!(built, names("targets"));
    assert_eq!(built, names("corpus"));
    for target in &built {
        assert!(!names(&format!("corpus/{target}")).is_empty(), "{target} has no seeds");
    }
}
