//! Where the spans of attempts go: to a collector, if the configuration names one and this binary can speak to it.

#[cfg(feature = "otlp")]
mod otlp;

use ringback::Settings;

use crate::{configuration::Configuration, failure::Result};

/// The export of spans while the process runs.
pub(crate) struct Exporting {
    #[cfg(feature = "otlp")]
    exporter: Option<std::sync::Arc<otlp::Exporter>>,
}

impl Exporting {
    /// Lets the engine tell its spans to the collector that the configuration names.
    ///
    /// # Errors
    /// When there is no way to speak to it.
    #[cfg(feature = "otlp")]
    pub(crate) fn begin(configuration: &Configuration, settings: &mut Settings) -> Result<Self> {
        let exporter = configuration.otlp_endpoint.as_ref().map(|to| otlp::Exporter::to(&to.0)).transpose()?;
        settings.spans = exporter.clone().map(|exporter| exporter as _);
        Ok(Self { exporter })
    }

    /// Refuses a collector: this binary was built without the feature that speaks to one.
    ///
    /// # Errors
    /// When the configuration names a collector.
    #[cfg(not(feature = "otlp"))]
    pub(crate) fn begin(configuration: &Configuration, _: &mut Settings) -> Result<Self> {
        match &configuration.otlp_endpoint {
            Some(_) => Err(crate::failure::Failure::usage(
                "otlp.endpoint: this binary was built without the feature `otlp`, so it sends no spans",
            )),
            None => Ok(Self {}),
        }
    }

    /// Sends the last spans.
    pub(crate) async fn end(self) {
        #[cfg(feature = "otlp")]
        if let Some(exporter) = self.exporter {
            exporter.end().await;
        }
    }
}
