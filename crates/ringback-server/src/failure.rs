//! Why a command ends with another status than 0, and its message for people.
//!
//! | status | variant |
//! |---|---|
//! | 0 | done, no failure |
//! | 1 | [`Failure::Failed`] |
//! | 2 | [`Failure::Usage`] |
//! | 3 | [`Failure::NothingFound`] |

use std::process::ExitCode;

use crate::print;

/// What ended a command early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command was tried and failed.
    Failed(String),
    /// The command line or the configuration is wrong: nothing was tried. One line for each finding.
    Usage(Vec<String>),
    /// The object that was asked for does not exist; the text says where it was searched.
    NothingFound(String),
}

/// The result of a command.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure told by anything that can be printed.
    pub(crate) fn failed(why: impl std::fmt::Display) -> Self {
        Self::Failed(why.to_string())
    }

    /// One finding about command line or configuration.
    pub(crate) fn usage(why: impl std::fmt::Display) -> Self {
        Self::Usage(vec![why.to_string()])
    }

    /// Prints it on standard error; returns the status to end with.
    pub(crate) fn report(&self) -> ExitCode {
        let (lines, status) = match self {
            Self::Failed(why) => (vec![format!("error: {why}")], 1),
            Self::Usage(findings) => (findings.iter().map(|finding| format!("error: {finding}")).collect(), 2),
            Self::NothingFound(what) => (vec![what.clone()], 3),
        };
        for line in lines {
            print::note(line);
        }
        ExitCode::from(status)
    }
}
