//! A process of this executable that answers questions: one JSON document a line on its standard input, one answer a
//! line on its standard output.

use std::{
    io::{BufRead as _, Write as _},
    process::Stdio,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{ChildStdin, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};

use crate::failure::{Failure, Result, While as _};

/// A child that answers; killed when dropped.
pub(crate) struct Child {
    name: &'static str,
    pid: u32,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    process: tokio::process::Child,
}

/// A command that starts this executable again, in a process group of its own: Ctrl-C reaches this process alone, and
/// the others end with it.
pub(crate) fn command(name: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().during("finding this executable")?);
    command.arg(name).process_group(0).kill_on_drop(true);
    Ok(command)
}

impl Child {
    /// Starts the hidden command `name`.
    pub(crate) fn start(name: &'static str) -> Result<Self> {
        Self::start_with(name, command(name)?)
    }

    /// The same for one that has something to put in order when its input ends, and so must not be killed.
    pub(crate) fn start_kept(name: &'static str) -> Result<Self> {
        let mut command = command(name)?;
        command.kill_on_drop(false);
        Self::start_with(name, command)
    }

    fn start_with(name: &'static str, mut command: Command) -> Result<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().during(name)?;
        let (Some(input), Some(output), Some(pid)) = (process.stdin.take(), process.stdout.take(), process.id()) else {
            return Err(Failure::new(format!("{name} did not start as it should")));
        };
        Ok(Self { name, pid, input, output: BufReader::new(output).lines(), process })
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Ends its input and waits until it has put everything in order.
    pub(crate) async fn finish(mut self, patience: Duration) -> Result<()> {
        drop(self.input);
        match timeout(patience, self.process.wait()).await {
            Ok(ended) => ended.map(|_| ()).during(self.name),
            Err(_) => Err(Failure::new(format!("the {} has not ended after {patience:?}", self.name))),
        }
    }

    /// Asks and waits for the answer for up to `patience`.
    pub(crate) async fn ask<A: DeserializeOwned>(
        &mut self,
        question: &impl Serialize,
        patience: Duration,
    ) -> Result<A> {
        let mut line = serde_json::to_string(question)?;
        line.push('\n');
        self.input.write_all(line.as_bytes()).await.during(self.name)?;
        self.answer(patience).await
    }

    /// What it says next.
    pub(crate) async fn answer<A: DeserializeOwned>(&mut self, patience: Duration) -> Result<A> {
        let Ok(line) = timeout(patience, self.output.next_line()).await else {
            return Err(Failure::new(format!("the {} has not answered for {patience:?}", self.name)));
        };
        let line = line.during(self.name)?.ok_or_else(|| Failure::new(format!("the {} has ended", self.name)))?;
        let answer: std::result::Result<A, String> = serde_json::from_str(&line).during(&line)?;
        answer.map_err(|said| Failure::new(format!("the {} says: {said}", self.name)))
    }
}

/// The other end: the questions that come in, until there are no more.
pub(crate) fn questions() -> mpsc::UnboundedReceiver<String> {
    let (sender, questions) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(std::result::Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    questions
}

/// Answers on standard output.
pub(crate) fn say<A: Serialize>(answer: Result<A>) -> Result<()> {
    let answer: std::result::Result<A, String> = answer.map_err(|failure| failure.to_string());
    let mut line = serde_json::to_string(&answer)?;
    line.push('\n');
    let mut output = std::io::stdout().lock();
    output.write_all(line.as_bytes()).and_then(|()| output.flush()).during("answering")
}
