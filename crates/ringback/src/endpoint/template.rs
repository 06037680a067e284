//! Templates: texts with placeholders in braces, for signed messages and headers.
//!
//! `{name}` stands for a value, `{{` and `}}` for a brace. A name that is not known is refused when
//! the template is read, never at sending time.

use std::fmt;

/// The placeholders of one kind of template.
pub(crate) trait Placeholder: Sized + fmt::Display {
    /// The known names, which an error message lists when it meets an unknown one.
    const KNOWN: &'static str;

    /// The placeholder called `name`, without braces.
    fn named(name: &str) -> Option<Self>;
}

/// A template that was parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template<P> {
    parts: Vec<Part<P>>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part<P> {
    /// Literal text; braces are single here.
    Text(String),
    /// A placeholder.
    Value(P),
}

/// Why a text is not a template. Shown to the caller; contains no more of the text than a name in braces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("holds {{{name}}}, but only {known} are known here; write {{{{ and }}}} for braces")]
    Unknown { name: String, known: &'static str },
    #[error("has an opening brace at byte {at} that is never closed; write {{{{ for a brace")]
    Unclosed { at: usize },
    #[error("has a closing brace at byte {at} that was never opened; write }}}} for a brace")]
    Unopened { at: usize },
}

impl Error {
    /// The finding's code.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown_placeholder",
            Self::Unclosed { .. } | Self::Unopened { .. } => "unbalanced_brace",
        }
    }
}

/// Longest placeholder name that an error repeats, in characters.
const SHOWN_NAME_CHARS_MAX: usize = 64;

impl<P: PartialEq> Template<P> {
    /// Whether it is this placeholder and nothing else.
    pub(crate) fn is_only(&self, wanted: &P) -> bool {
        matches!(&*self.parts, [Part::Value(value)] if value == wanted)
    }
}

impl<P: Placeholder> Template<P> {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from_brace) = rest.split_at(at);
            literal.push_str(before);
            let position = text.len() - from_brace.len();
            if let Some(after) = from_brace.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from_brace.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some(inside) = from_brace.strip_prefix('{') {
                let (name, after) = inside.split_once('}').ok_or(Error::Unclosed { at: position })?;
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Value(P::named(name).ok_or_else(|| unknown::<P>(name))?));
                rest = after;
            } else {
                return Err(Error::Unopened { at: position });
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// Its parts, in order.
    pub(crate) fn parts(&self) -> &[Part<P>] {
        &self.parts
    }

    /// Whether it holds a placeholder that `wanted` picks.
    pub(crate) fn has(&self, wanted: impl Fn(&P) -> bool) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Value(value) if wanted(value)))
    }

    /// Writes the text into `out`, every placeholder as `write` does.
    pub(crate) fn fill(&self, out: &mut String, mut write: impl FnMut(&P, &mut String)) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(value) => write(value, out),
            }
        }
    }
}

impl<P: Placeholder> Template<P> {
    /// The values of its placeholders in a text of this form; `None` if the text has another form. A value ends where the
    /// literal text after its placeholder first occurs.
    pub(crate) fn unfill<'t>(&self, text: &'t str) -> Option<Vec<(&P, &'t str)>> {
        let mut values = Vec::new();
        let (mut rest, mut open) = (text, None);
        for part in &self.parts {
            match (part, open.take()) {
                (Part::Text(literal), None) => rest = rest.strip_prefix(literal.as_str())?,
                (Part::Text(literal), Some(value)) => {
                    let (found, after) = rest.split_once(literal.as_str())?;
                    values.push((value, found));
                    rest = after;
                }
                (Part::Value(value), None) => open = Some(value),
                // Between two adjacent placeholders nothing shows where one value ends.
                (Part::Value(_), Some(_)) => return None,
            }
        }
        match open {
            Some(value) => values.push((value, rest)),
            None if !rest.is_empty() => return None,
            None => {}
        }
        Some(values)
    }
}

fn unknown<P: Placeholder>(name: &str) -> Error {
    Error::Unknown { name: name.chars().take(SHOWN_NAME_CHARS_MAX).collect(), known: P::KNOWN }
}

/// The text that reads back as this template.
impl<P: Placeholder> fmt::Display for Template<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Part::Value(value) => write!(f, "{{{value}}}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Letter(char);

    impl Placeholder for Letter {
        const KNOWN: &'static str = "{a} {b}";

        fn named(name: &str) -> Option<Self> {
            matches!(name, "a" | "b").then(|| Self(name.chars().next().unwrap()))
        }
    }

    impl fmt::Display for Letter {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    fn filled(text: &str) -> Result<String, Error> {
        Template::<Letter>::parse(text).map(|template| {
            let mut filled = String::new();
            template.fill(&mut filled, |letter, out| out.push(letter.0));
            filled
        })
    }

    #[test]
    fn braces_are_doubled_to_stand_for_themselves() {
        assert_eq!(filled("x{a}y{b}").unwrap(), "xayb");
        assert_eq!(filled("{{a}}").unwrap(), "{a}");
        assert_eq!(filled("{{{a}}}").unwrap(), "{a}");
        assert_eq!(filled("").unwrap(), "");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            filled("x{secret}").unwrap_err().to_string(),
            "holds {secret}, but only {a} {b} are known here; write {{ and }} for braces"
        );
        assert!(matches!(filled("{}"), Err(Error::Unknown { .. })));
        assert!(matches!(filled("{a b}"), Err(Error::Unknown { .. })));
        assert_eq!(filled("ab{a"), Err(Error::Unclosed { at: 2 }));
        assert_eq!(filled("ab}"), Err(Error::Unopened { at: 2 }));
        assert_eq!(filled("{{a}"), Err(Error::Unopened { at: 3 }));
    }

    #[test]
    fn a_filled_text_gives_its_values_back() {
        let values = |template: &str, text: &str| {
            let template = Template::<Letter>::parse(template).unwrap();
            let values = template.unfill(text)?;
            Some(values.into_iter().map(|(letter, value)| format!("{letter}={value}")).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(values("t={a},v={b}", "t=12,v=x=,").as_deref(), Some("a=12 b=x=,"));
        assert_eq!(values("{{{a}}}", "{1}").as_deref(), Some("a=1"));
        assert_eq!(values("t={a},v={b}", "t=12;v=x"), None);
        assert_eq!(values("{a}{b}", "xy"), None);
        assert_eq!(values("x", "xy"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_once_its_braces_are_doubled(text in "\\PC*") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(filled(&doubled).unwrap(), text);
        }

        #[test]
        fn a_template_prints_as_what_reads_back_the_same(text in "([ab{}é]|\\{a\\}|\\{\\{|\\}\\})*") {
            if let Ok(template) = Template::<Letter>::parse(&text) {
                prop_assert_eq!(Template::parse(&template.to_string()).unwrap(), template);
            }
        }
    }
}
