//! Spans of attempts to an OpenTelemetry collector, by OTLP over HTTP, in batches on a thread of their own.
//!
//! What the collector does not take in time is dropped, and counted in the log by the exporter: telemetry never keeps a
//! delivery waiting.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _},
};
use ringback::trace::{Span, Spans};
use tokio::runtime::Handle;
use url::Url;

use crate::{
    client,
    failure::{Failure, Result},
};

/// How long the collector may take for a batch.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a process that ends waits until the last spans are taken.
const LAST: Duration = Duration::from_secs(2);

/// Sends the spans of attempts to a collector.
pub(crate) struct Exporter {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Exporter {
    /// Begins to export to the collector at this URL, to which `/v1/traces` is added.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(crate) fn to(collector: &Url) -> Result<Arc<Self>> {
        let client =
            OnRuntime { client: client::http_client(client::is_loopback(collector))?, runtime: Handle::current() };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(format!("{}/v1/traces", collector.as_str().trim_end_matches('/')))
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(TIMEOUT)
            .build()
            .map_err(Failure::failed)?;
        let mut processor = BatchSpanProcessor::builder(exporter).build();
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        processor.set_resource(&Resource::builder().with_service_name("ringback").with_attribute(version).build());
        let scope = InstrumentationScope::builder("ringback").with_version(env!("CARGO_PKG_VERSION")).build();
        Ok(Arc::new(Self { processor, scope }))
    }

    /// Sends what is left, and ends.
    pub(crate) async fn end(self: Arc<Self>) {
        let ended = tokio::task::spawn_blocking(move || self.processor.shutdown_with_timeout(LAST)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

impl Spans for Exporter {
    fn ended(&self, span: &Span<'_>) {
        self.processor.on_end(data(span, &self.scope));
    }
}

/// A span as the collector gets it. Names of attributes are those of OpenTelemetry's conventions where it has one.
fn data(span: &Span<'_>, scope: &InstrumentationScope) -> SpanData {
    let state = span.tracestate.and_then(|state| state.parse::<TraceState>().ok()).unwrap_or_default();
    let (trace, own) = (TraceId::from_bytes(span.trace_id), SpanId::from_bytes(span.span_id));
    let begun = SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(span.begun.micros()).unwrap_or(0));
    SpanData {
        span_context: SpanContext::new(trace, own, TraceFlags::SAMPLED, false, state),
        parent_span_id: span.parent_span_id.map_or(SpanId::INVALID, SpanId::from_bytes),
        parent_span_is_remote: span.parent_span_id.is_some(),
        span_kind: SpanKind::Client,
        name: format!("deliver {}", span.event_type).into(),
        start_time: begun,
        end_time: begun + span.took,
        attributes: attributes(span),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: status(span),
        instrumentation_scope: scope.clone(),
    }
}

fn attributes(span: &Span<'_>) -> Vec<KeyValue> {
    let mut attributes = vec![
        KeyValue::new("http.request.method", span.method.name()),
        KeyValue::new("http.request.resend_count", i64::from(span.attempt - 1)),
        KeyValue::new("messaging.message.id", span.event.to_string()),
        KeyValue::new("ringback.delivery.id", span.delivery.to_string()),
        KeyValue::new("ringback.event.type", span.event_type.to_owned()),
        KeyValue::new("ringback.tenant", span.tenant.to_owned()),
        KeyValue::new("ringback.attempt", i64::from(span.attempt)),
    ];
    if let Some(host) = span.host {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
    }
    if let Some(port) = span.port {
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
    if let Some(status) = span.status {
        attributes.push(KeyValue::new("http.response.status_code", i64::from(status)));
    }
    if let Some(error) = span.error {
        attributes.push(KeyValue::new("error.type", error.to_string()));
    }
    attributes
}

fn status(span: &Span<'_>) -> Status {
    match (span.delivered, span.error) {
        (true, _) => Status::Ok,
        (false, Some(error)) => Status::error(error.to_string()),
        (false, None) => Status::error("the receiver did not take it"),
    }
}

/// A client for the exporter's thread, which is none of the runtime's.
struct OnRuntime {
    client: reqwest::Client,
    runtime: Handle,
}

impl fmt::Debug for OnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnRuntime").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> std::result::Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}
