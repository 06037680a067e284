//! Files of `tests/snapshots/`, with which what is there now is compared.

use std::{fs, path::Path};

/// Compares, or writes where `RINGBACK_TEST_BLESS` is set.
///
/// # Panics
/// With the first line that differs.
pub fn hold(name: &str, now: &str) {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots")).join(name);
    if std::env::var_os("RINGBACK_TEST_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        fs::write(&path, now).expect("the file can be written");
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(now.lines()).enumerate().find(|(_, (kept, now))| kept != now);
    if let Some((number, (kept, now))) = differs {
        panic!("line {} of {name} was\n{kept}\nand is\n{now}\n; see how to write it anew", number + 1);
    }
    assert_eq!(kept.lines().count(), now.lines().count(), "{name} has other lines at its end");
}
