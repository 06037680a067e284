//! The third source: a TOML file, where `retention.events` is `events` under `[retention]`, and the weights of tenants
//! are a table of their own.

use std::path::Path;

use toml::{Table, Value};

use super::{
    keys::{self, KEYS, Key},
    nearest::nearest,
    settings::{Finding, Settings, Source},
};

/// The file that is read if it exists and `--config` names no other.
const FILE: &str = "ringback.toml";

/// Puts a file's values into `settings`. A file that `--config` names must exist.
pub(super) fn read(asked: Option<&Path>, settings: &mut Settings, findings: &mut Vec<Finding>) {
    let path = asked.unwrap_or(Path::new(FILE));
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => read_text(&name, &text, settings, findings),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && asked.is_none() => {}
        Err(error) => {
            let named = if asked.is_some() { " (--config or RINGBACK_CONFIG)" } else { "" };
            let detail = format!("the configuration file {name}{named} cannot be read: {error}");
            findings.push(Finding::of_source(detail));
        }
    }
}

/// The same for a text that was read already.
pub(super) fn read_text(name: &str, text: &str, settings: &mut Settings, findings: &mut Vec<Finding>) {
    match text.parse::<Table>() {
        Ok(table) => put(name, "", table, settings, findings),
        Err(error) => {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            findings.push(Finding::of_source(format!("{name}, line {line}: {}", error.message())));
        }
    }
}

fn put(file: &str, prefix: &str, table: Table, settings: &mut Settings, findings: &mut Vec<Finding>) {
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        match value {
            Value::Table(inner) if !is_key(&name) => put(file, &format!("{name}."), inner, settings, findings),
            _ if !is_key(&name) => findings.push(unknown(file, &name)),
            Value::Table(_) if !may_be_table(&name) => findings.push(no_value(file, &name)),
            value => match text(&value) {
                Some(text) => settings.put(&name, Source::File(file.to_owned()), text),
                None => findings.push(no_value(file, &name)),
            },
        }
    }
}

fn no_value(file: &str, name: &str) -> Finding {
    let detail =
        if may_be_table(name) { "must hold whole numbers" } else { "neither a table nor a date is a value here" };
    Finding::of_key(name, file, detail.to_owned())
}

/// Whether the key's value is written as a table.
fn may_be_table(name: &str) -> bool {
    KEYS.iter().any(|key| key.name == name && key.is_table())
}

fn is_key(name: &str) -> bool {
    keys::all().any(|key| key.name == name)
}

/// The value as a variable or flag would have written it.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(switch) => Some(switch.to_string()),
        Value::Table(items) => items.iter().map(pair).collect::<Option<Vec<_>>>().map(|pairs| pairs.join(",")),
        Value::Array(items) => items.iter().map(text).collect::<Option<Vec<_>>>().map(|texts| texts.join(",")),
        Value::Datetime(_) => None,
    }
}

fn pair((name, value): (&String, &Value)) -> Option<String> {
    let Value::Integer(number) = value else { return None };
    Some(format!("{name}={number}"))
}

fn unknown(file: &str, name: &str) -> Finding {
    let detail = match nearest(name, keys::all().map(|key: &Key| key.name)) {
        Some(meant) => format!("there is no such key; is {meant} meant?"),
        None => "there is no such key; `ringback serve --print-config` shows all".to_owned(),
    };
    Finding::of_key(name, file, detail)
}
