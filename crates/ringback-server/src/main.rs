//! The binary `ringback`.

use std::process::ExitCode;

/// A request is some two hundred small allocations on one thread and their release on another; the system's allocator
/// spent a sixth of the engine's time on them. Whoever embeds the engine chooses for himself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ringback_server::run(std::env::args_os())
}
