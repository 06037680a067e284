//! What `--help` says of a command: the commands below it, its arguments and its flags.

use crate::command::ringback_alone;

/// What one command takes.
#[derive(Debug, Default)]
pub struct Help {
    /// The commands below it.
    pub commands: Vec<String>,
    /// Its arguments by place, as `--help` names them: `KEY`.
    pub arguments: Vec<String>,
    /// Its flags that take a value, dashes included.
    pub flags: Vec<String>,
}

impl Help {
    /// What a command says of itself.
    pub async fn of(command: &[&str]) -> Self {
        Self::read(&ringback_alone(&[command, &["--help"]].concat()).await.done())
    }

    /// Every command that has none below it, and what it takes.
    ///
    /// # Panics
    /// When these are too few to be all.
    pub async fn of_all() -> Vec<(String, Self)> {
        let (mut all, mut left) = (Vec::new(), vec![String::new()]);
        while let Some(path) = left.pop() {
            let help = Self::of(&path.split_whitespace().collect::<Vec<_>>()).await;
            left.extend(help.commands.iter().map(|command| format!("{path} {command}").trim().to_owned()));
            if help.commands.is_empty() {
                all.push((path, help));
            }
        }
        assert!(all.len() > 20, "{all:?}");
        all
    }

    /// Sections begin at the margin, their entries close to it, and what is said of an entry far from it.
    fn read(text: &str) -> Self {
        let (mut help, mut section) = (Self::default(), "");
        for line in text.lines() {
            let entry = line.trim_start();
            let depth = line.len() - entry.len();
            match (depth, section) {
                (0, _) => section = line,
                (2, "Commands:") => help.commands.extend(entry.split_whitespace().next().map(str::to_owned)),
                (2, "Arguments:") => {
                    let name = entry.split_once(['>', ']']).map_or(entry, |(name, _)| name);
                    help.arguments.push(name.trim_start_matches(['<', '[']).to_owned());
                }
                (2..=6, _) if entry.starts_with('-') => help.flags.extend(with_value(entry)),
                _ => {}
            }
        }
        help.commands.retain(|command| command != "help");
        help
    }
}

/// The flag of an entry such as `-x, --flag <VALUE>`, if it takes a value.
fn with_value(entry: &str) -> Option<String> {
    let flag = entry.split([' ', ',']).find(|word| word.starts_with("--"))?;
    let rest = entry.split_once(flag)?.1.trim_start();
    (rest.starts_with('<') || rest.starts_with("[<")).then(|| flag.to_owned())
}
