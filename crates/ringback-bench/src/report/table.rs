//! The rows as a table: in Markdown, which a terminal shows well enough when its columns are aligned.

use super::row::{Row, grouped};

const HEAD: [&str; 13] = [
    "scenario",
    "store",
    "what",
    "bare",
    "result",
    "of bare",
    "engine µs",
    "PostgreSQL µs",
    "WAL B",
    "commits/1,000",
    "peak MB",
    "target",
    "met",
];

/// All rows, aligned.
pub(crate) fn table(rows: &[Row]) -> String {
    let lines: Vec<Vec<String>> = rows.iter().map(cells).collect();
    let mut widths: Vec<usize> = HEAD.iter().map(|text| text.chars().count()).collect();
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = line(&HEAD.map(str::to_owned), &widths);
    text.push_str(&line(&widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>(), &widths));
    for cells in &lines {
        text.push_str(&line(cells, &widths));
    }
    text
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!(" {cell}{} ", " ".repeat(width - cell.chars().count())))
        .collect();
    format!("|{}|\n", cells.join("|"))
}

fn cells(row: &Row) -> Vec<String> {
    let whole = |value: Option<f64>| value.map_or_else(String::new, grouped);
    let tenths = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.1}"));
    let what = row.scale.as_ref().map_or_else(|| row.what.clone(), |scale| format!("{} (scaled: {scale})", row.what));
    vec![
        row.scenario.to_owned(),
        row.store.map_or_else(String::new, |store| store.name().to_owned()),
        what,
        row.bare_per_second.map_or_else(String::new, |rate| format!("{}/s", grouped(rate))),
        row.result.clone(),
        row.of_bare.map_or_else(String::new, |ratio| format!("{:.0} %", ratio * 100.0)),
        tenths(row.engine_us),
        tenths(row.postgres_us),
        whole(row.wal_bytes),
        tenths(row.commits_per_1000),
        whole(row.peak_mb),
        row.target.clone().unwrap_or_default(),
        match (row.met, &row.target) {
            (Some(true), _) => "yes",
            (Some(false), _) => "no",
            (None, Some(_)) => "not claimed",
            (None, None) => "",
        }
        .to_owned(),
    ]
}
