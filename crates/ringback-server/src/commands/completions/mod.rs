//! `ringback completions SHELL`, and what the script that it prints asks for at each press of the key.

mod known;

use std::ffi::OsString;

use clap::CommandFactory as _;
use clap_complete::{
    CompleteEnv,
    env::{Bash, EnvCompleter, Fish, Zsh},
};

use crate::{
    Ringback,
    failure::{Failure, Result},
    print,
};

/// By which the script says that it asks. It is no setting, so it has not the prefix of one.
const VARIABLE: &str = "_RINGBACK_COMPLETE";

/// The shells whose completions are made.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Print what a shell needs to complete commands, flags and what this Ringback knows
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ringback completions bash > ~/.local/share/bash-completion/completions/ringback
  ringback completions zsh > \"${fpath[1]}/_ringback\"
  ringback completions fish > ~/.config/fish/completions/ringback.fish

Tenants, and ids and keys of endpoints are completed, too: they are asked for while you type, as
other commands without flags would. Print the script anew after an upgrade.")]
pub(crate) struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(crate) fn run(self) -> Result<()> {
        let shell: &dyn EnvCompleter = match self.shell {
            Shell::Bash => &Bash,
            Shell::Zsh => &Zsh,
            Shell::Fish => &Fish,
        };
        let mut script = Vec::new();
        shell.write_registration(VARIABLE, "ringback", "ringback", "ringback", &mut script).map_err(Failure::failed)?;
        print::raw(&script);
        Ok(())
    }
}

/// Answers the script, if it is what asks; `true` then, and there is nothing else to do.
pub(crate) fn answered(arguments: &[OsString]) -> bool {
    let here = std::env::current_dir().ok();
    let command = || known::completed(Ringback::command());
    // What goes wrong is no error of the person who types.
    CompleteEnv::with_factory(command).var(VARIABLE).try_complete(arguments.to_vec(), here.as_deref()).unwrap_or(true)
}
