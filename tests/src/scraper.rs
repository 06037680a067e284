//! Monitoring, with the parsers of those who made the formats: `tests/scrapers`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Stdio,
};

use reqwest::{
    Method,
    header::{self, HeaderMap, HeaderValue},
};
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, process::Command};

use crate::api::{Answer, Api};

/// A format that a scraper asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text, version 0.0.4.
    Prometheus,
    /// Text, version 1.0.0.
    OpenMetrics,
}

/// One sample of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its name, as queries write it.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// A page, as a scraper understood it.
#[derive(Debug, Clone)]
pub struct Page {
    /// The types of families, by their names.
    pub types: BTreeMap<String, String>,
    /// All samples.
    pub samples: Vec<Sample>,
}

impl Page {
    /// The value of the one sample of this name that has these labels among its own; `None` if there is none.
    ///
    /// # Panics
    /// When there are several.
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has = |sample: &&Sample| {
            labels.iter().all(|(label, value)| sample.labels.get(*label).is_some_and(|it| it == value))
        };
        let found: Vec<_> = self.samples.iter().filter(|sample| sample.name == name).filter(has).collect();
        assert!(found.len() < 2, "{found:?}");
        found.first().map(|sample| sample.value)
    }

    /// The names of labels that samples of this name have.
    #[must_use]
    pub fn labels_of(&self, name: &str) -> BTreeSet<&str> {
        let samples = self.samples.iter().filter(|sample| sample.name == name);
        samples.flat_map(|sample| sample.labels.keys().map(String::as_str)).collect()
    }
}

/// Asks for `/metrics` as a scraper does that prefers a format.
///
/// # Panics
/// When there is no answer.
pub async fn scrape(api: &Api, format: Format) -> Answer {
    let accept = match format {
        Format::Prometheus => "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        Format::OpenMetrics => {
            "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        }
    };
    let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
    api.ask_with(Method::GET, "/metrics", headers, None).await.expect("the server answers")
}

/// The page in a format, read by the parser of Prometheus' own Python library.
///
/// # Panics
/// When it is no page, or that parser refuses it.
pub async fn page(api: &Api, format: Format) -> Page {
    let answer = scrape(api, format).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.bytes));
    let (name, content_type) = match format {
        Format::Prometheus => ("prometheus", "text/plain; version=0.0.4; charset=utf-8"),
        Format::OpenMetrics => ("openmetrics", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    };
    assert_eq!(answer.headers[header::CONTENT_TYPE], content_type);
    let families = read(name, &answer.bytes).await;
    let mut page = Page { types: BTreeMap::new(), samples: Vec::new() };
    for family in families.as_array().expect("families") {
        let text = |name: &str| family[name].as_str().expect("a text").to_owned();
        assert!(text("help").ends_with('.'), "{family}");
        assert!(page.types.insert(text("name"), text("type")).is_none(), "{family}");
        let samples = family["samples"].as_array().expect("samples").iter();
        page.samples.extend(samples.map(|sample| Sample {
            name: sample[0].as_str().expect("a name").to_owned(),
            labels: serde_json::from_value(sample[1].clone()).expect("labels"),
            value: sample[2].as_f64().expect("a number"),
        }));
    }
    page
}

/// Reads a file of alert rules.
///
/// # Panics
/// When it is no YAML.
pub async fn yaml(file: &Path) -> Value {
    read("yaml", &std::fs::read(file).expect("it can be read")).await
}

async fn read(format: &str, text: &[u8]) -> Value {
    let python = std::env::var("RINGBACK_TEST_PYTHON").expect("tests/run sets RINGBACK_TEST_PYTHON");
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("scrapers/read.py");
    let mut reader = Command::new(python)
        .arg(script)
        .arg(format)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let mut input = reader.stdin.take().expect("it is piped");
    input.write_all(text).await.expect("it reads");
    drop(input);
    let output = reader.wait_with_output().await.expect("it ends");
    let (text, error) = (String::from_utf8_lossy(text), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{error}\n{text}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}
