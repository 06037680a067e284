//! Colour: only on a terminal, unless `NO_COLOR` is set (no-color.org). `CLICOLOR_FORCE` asks for it elsewhere, too, such as
//! before `less -R`.

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

/// What a text means, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// What went well.
    Good,
    /// What went wrong.
    Bad,
    /// What has not ended yet, or should be looked at.
    Pending,
    /// What matters most.
    Strong,
    /// What can be skipped.
    Faint,
    /// Everything else.
    Plain,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Pending => AnsiColor::Yellow.on_default(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
            Self::Plain => Style::new(),
        }
    }
}

/// Colours texts, or leaves them alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paint {
    colours: bool,
}

impl Paint {
    /// For standard output as it is.
    pub(crate) fn stdout() -> Self {
        Self { colours: AutoStream::choice(&std::io::stdout()) != ColorChoice::Never }
    }

    /// What went well.
    pub(crate) fn good(self, text: &str) -> String {
        self.toned(Tone::Good, text)
    }

    /// What went wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.toned(Tone::Bad, text)
    }

    /// What has not ended yet.
    pub(crate) fn pending(self, text: &str) -> String {
        self.toned(Tone::Pending, text)
    }

    /// What matters most.
    pub(crate) fn strong(self, text: &str) -> String {
        self.toned(Tone::Strong, text)
    }

    /// What can be skipped.
    pub(crate) fn faint(self, text: &str) -> String {
        self.toned(Tone::Faint, text)
    }

    /// A text in the colour of what it means.
    pub(crate) fn toned(self, tone: Tone, text: &str) -> String {
        let style = tone.style();
        if self.colours { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// With colours, wherever it is printed.
    #[cfg(test)]
    pub(super) const fn always() -> Self {
        Self { colours: true }
    }

    /// Without colours, wherever it is printed.
    #[cfg(test)]
    pub(super) const fn never() -> Self {
        Self { colours: false }
    }
}
