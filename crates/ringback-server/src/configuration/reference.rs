//! `config.default.toml`: every key with its default and meaning. A test keeps the file equal to the table.

/// The file, as `ringback serve --print-config` shows it.
pub(crate) const REFERENCE: &str = include_str!("../../config.default.toml");

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::{
        super::keys::{self, Key},
        REFERENCE,
    };

    const HEAD: &str = "\
# Every key of Ringback with its default. A file of this form is read from ringback.toml in the working
# directory, or from where --config points; RINGBACK_* variables go over it, flags over both.
# Durations are a whole number with ms, s, m, h or d. Keys without a default are shown commented out.
";

    /// What the table says, in the form of the file.
    fn rendered() -> String {
        let mut text = HEAD.to_owned();
        let mut table = "";
        for in_table in [false, true] {
            for key in keys::all().filter(|key| key.name.contains('.') == in_table) {
                let (prefix, name) = key.name.split_once('.').unwrap_or(("", key.name));
                if prefix != table {
                    writeln!(text, "\n[{prefix}]").unwrap();
                    table = prefix;
                }
                writeln!(text, "\n# {}\n# {}, --{}", key.doc.trim(), key.variable(), key.flag()).unwrap();
                let mark = if key.default.is_empty() { "# " } else { "" };
                writeln!(text, "{mark}{name} = {}", toml(key)).unwrap();
            }
        }
        text
    }

    /// The default as TOML writes it: numbers and switches bare, lists in brackets, all else in quotes.
    fn toml(key: &Key) -> String {
        let is_bare = key.is_switch || key.default.parse::<u64>().is_ok();
        match key.value_name {
            _ if is_bare => key.default.to_owned(),
            _ if key.is_table() => "{}".to_owned(),
            "LIST" => format!("[{}]", key.default),
            _ => toml::Value::from(key.default).to_string(),
        }
    }

    #[test]
    fn the_reference_file_is_the_table() {
        if std::env::var_os("RINGBACK_TEST_UPDATE").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config.default.toml");
            std::fs::write(path, rendered()).unwrap();
        }
        assert_eq!(rendered(), REFERENCE, "run this test once with RINGBACK_TEST_UPDATE=1 and look at the difference");
    }
}
