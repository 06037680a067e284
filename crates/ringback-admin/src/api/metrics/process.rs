//! Figures of the operating system about this process, under the names that all Prometheus clients use.

use std::fmt;

use procfs::{
    ProcResult,
    process::{LimitValue, Process},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(ThisProcess));
}

#[derive(Debug)]
struct ThisProcess;

struct Figures {
    cpu_seconds: f64,
    open_fds: u64,
    /// `None` if there is no limit.
    max_fds: Option<u64>,
    virtual_bytes: u64,
    resident_bytes: u64,
    start_seconds: f64,
    threads: i64,
}

impl Figures {
    fn read() -> ProcResult<Self> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let ticks = procfs::ticks_per_second() as f64;
        let max_fds = match process.limits()?.max_open_files.soft_limit {
            LimitValue::Value(most) => Some(most),
            LimitValue::Unlimited => None,
        };
        Ok(Self {
            cpu_seconds: (stat.utime + stat.stime) as f64 / ticks,
            open_fds: process.fd_count()? as u64,
            max_fds,
            virtual_bytes: stat.vsize,
            resident_bytes: stat.rss * procfs::page_size(),
            start_seconds: procfs::boot_time_secs()? as f64 + stat.starttime as f64 / ticks,
            threads: stat.num_threads,
        })
    }
}

impl Collector for ThisProcess {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        // Where /proc is hidden there is nothing to tell, and all else is told.
        let Ok(figures) = Figures::read() else { return Ok(()) };
        let Figures { cpu_seconds, open_fds, max_fds, virtual_bytes, resident_bytes, start_seconds, threads } = figures;
        let mut tell = |name: &str, help: &str, unit: Option<&Unit>, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
        };
        let (seconds, bytes) = (Some(&Unit::Seconds), Some(&Unit::Bytes));
        tell("process_cpu", "Time of processors that was spent.", seconds, &ConstCounter::new(cpu_seconds))?;
        tell("process_open_fds", "Open file descriptors.", None, &ConstGauge::new(open_fds))?;
        if let Some(most) = max_fds {
            tell("process_max_fds", "Most file descriptors that may be open.", None, &ConstGauge::new(most))?;
        }
        tell("process_virtual_memory", "Size of the address space.", bytes, &ConstGauge::new(virtual_bytes))?;
        tell("process_resident_memory", "Memory in use.", bytes, &ConstGauge::new(resident_bytes))?;
        tell("process_start_time", "Start, since the Unix epoch.", seconds, &ConstGauge::new(start_seconds))?;
        tell("process_threads", "Threads of the operating system.", None, &ConstGauge::new(threads))
    }
}
