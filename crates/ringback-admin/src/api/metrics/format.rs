//! Which text format a scraper prefers, and writing it.

use std::fmt;

use http::{HeaderMap, header};
use prometheus_client::{
    encoding::{prometheus_text, text},
    registry::Registry,
};

/// A format of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Prometheus' own, which everything understands.
    Prometheus,
    OpenMetrics,
}

const OPEN_METRICS: &str = "application/openmetrics-text";
const PLAIN: &str = "text/plain";

impl Format {
    /// OpenMetrics, if `Accept` names it and does not prefer plain text.
    pub(super) fn preferred(headers: &HeaderMap) -> Self {
        let accepted: Vec<_> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(weighed)
            .collect();
        let weight = |name: &str| {
            let of_name = accepted.iter().filter(|(range, _)| range.eq_ignore_ascii_case(name));
            of_name.map(|(_, weight)| *weight).fold(0.0, f32::max)
        };
        let open_metrics = weight(OPEN_METRICS);
        if open_metrics > 0.0 && open_metrics >= weight(PLAIN) { Self::OpenMetrics } else { Self::Prometheus }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    pub(super) fn write(self, registry: &Registry) -> Result<String, fmt::Error> {
        let mut page = String::new();
        match self {
            Self::Prometheus => prometheus_text::encode(&mut page, registry)?,
            Self::OpenMetrics => text::encode(&mut page, registry)?,
        }
        Ok(page)
    }
}

/// A media range of `Accept` without its parameters, and its weight. A weight that cannot be read counts as none, as if the
/// range were not accepted.
fn weighed(range: &str) -> (&str, f32) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse().unwrap_or(0.0))
    });
    (name, weight.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn preferred(accept: &'static str) -> Format {
        Format::preferred(&HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]))
    }

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        assert_eq!(Format::preferred(&HeaderMap::new()), Format::Prometheus);
        for accept in ["*/*", "text/plain", "text/html, */*;q=0.8", "application/*", "", ",;q"] {
            assert_eq!(preferred(accept), Format::Prometheus, "{accept}");
        }
        for accept in [
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; version=1.0.0; charset=utf-8",
            // What Prometheus sends.
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;\
             version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        ] {
            assert_eq!(preferred(accept), Format::OpenMetrics, "{accept}");
        }
        for accept in [
            "application/openmetrics-text;q=0.3,text/plain;q=0.5",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=x",
        ] {
            assert_eq!(preferred(accept), Format::Prometheus, "{accept}");
        }
    }
}
