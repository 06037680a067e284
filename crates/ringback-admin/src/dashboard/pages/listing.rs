//! What pages with lists have in common: a form that narrows the list, a table, and the link to what is older.
//!
//! A page takes the parameters of the API's route of the same name. Browsers send the fields that were left empty, too, and
//! times without an offset: both are put right before they are read.

use std::borrow::Cow;

use askama::Template;
use ringback::word::Word;

use super::phrases::Tone;
use crate::{
    dashboard::{frame::Frame, moment::Moment, mount::Mount},
    extract::{FromParameters, Parameters},
    problem::Problem,
};

/// The query of a page with a list.
pub(super) struct Narrowed {
    pairs: Vec<(String, String)>,
}

impl Narrowed {
    /// Reads a query. What is empty counts as not given.
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let given = pairs.filter(|(_, value)| !value.trim().is_empty());
        Self { pairs: given.map(|(name, value)| (name.into_owned(), value.trim().to_owned())).collect() }
    }

    /// What the API's route would read from it.
    ///
    /// # Errors
    /// 400 that names each parameter that cannot be used.
    pub(super) fn asked<T: FromParameters>(&self) -> Result<T, Problem> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs.iter().map(|(name, value)| (name, with_offset(name, value))));
        let mut parameters = Parameters::of(&query.finish());
        let asked = T::read(&mut parameters);
        parameters.finish().map(|()| asked)
    }

    /// The value of a parameter; empty if it is not given.
    pub(super) fn value(&self, name: &str) -> &str {
        self.pairs.iter().find(|(given, _)| given == name).map_or("", |(_, value)| value)
    }

    /// The same; a time with its offset.
    pub(super) fn in_utc(&self, name: &str) -> String {
        with_offset(name, self.value(name)).into_owned()
    }

    /// The link to the same list from the cursor on.
    fn from(&self, path: &str, cursor: &str) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| name != "cursor");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept).append_pair("cursor", cursor);
        format!("{path}?{}", query.finish())
    }
}

/// A time as `<input type="datetime-local">` sends it is in UTC, as all times on pages are.
fn with_offset<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    let is_local = matches!(name, "since" | "until") && value.is_ascii() && value.get(10..11) == Some("T");
    match value.len() {
        16 if is_local => format!("{value}:00Z").into(),
        19 if is_local => format!("{value}Z").into(),
        _ => value.into(),
    }
}

/// One field of the form that narrows a list.
pub(super) struct Field {
    label: &'static str,
    name: &'static str,
    kind: &'static str,
    choices: Vec<&'static str>,
    value: String,
}

/// The form that narrows a list.
#[derive(Template)]
#[template(path = "parts/narrowing.html")]
pub(super) struct Narrowing {
    action: String,
    fields: Vec<Field>,
    is_narrowed: bool,
}

impl Narrowing {
    pub(super) fn new(mount: &Mount, page: &str) -> Self {
        Self { action: mount.to(page), fields: Vec::new(), is_narrowed: false }
    }

    /// The same form of another page.
    pub(super) fn leading_to(self, mount: &Mount, page: &str) -> Self {
        Self { action: mount.to(page), ..self }
    }

    /// A field for any text.
    pub(super) fn text(self, narrowed: &Narrowed, label: &'static str, name: &'static str) -> Self {
        self.field(narrowed, label, name, "text", Vec::new())
    }

    /// A field for one of the engine's words.
    pub(super) fn word<T: Word>(self, narrowed: &Narrowed, label: &'static str, name: &'static str) -> Self {
        self.one_of(narrowed, label, name, T::ALL)
    }

    /// A field for one of some of the engine's words.
    pub(super) fn one_of<T: Word>(
        self,
        narrowed: &Narrowed,
        label: &'static str,
        name: &'static str,
        words: &[T],
    ) -> Self {
        self.field(narrowed, label, name, "text", words.iter().map(|word| word.name()).collect())
    }

    /// Fields for the time from which and before which something counts.
    pub(super) fn span(self, narrowed: &Narrowed) -> Self {
        self.field(narrowed, "Since (UTC)", "since", "datetime-local", Vec::new()).field(
            narrowed,
            "Until (UTC)",
            "until",
            "datetime-local",
            Vec::new(),
        )
    }

    fn field(
        mut self,
        narrowed: &Narrowed,
        label: &'static str,
        name: &'static str,
        kind: &'static str,
        choices: Vec<&'static str>,
    ) -> Self {
        let value = narrowed.value(name).to_owned();
        self.is_narrowed |= !value.is_empty();
        self.fields.push(Field { label, name, kind, choices, value });
        self
    }
}

/// A table, which becomes a list where there is no room.
#[derive(Template)]
#[template(path = "parts/table.html")]
pub(super) struct Table {
    head: &'static [&'static str],
    pub(super) rows: Vec<Row>,
    has_acts: bool,
}

impl Table {
    /// Each row has a cell for each name of `head`.
    pub(super) fn new(head: &'static [&'static str], rows: Vec<Row>) -> Self {
        let has_acts = rows.iter().any(|row| row.act.is_some());
        Self { head, rows, has_acts }
    }
}

/// One row.
pub(super) struct Row {
    /// Of the element, for links to it.
    pub(super) id: Option<String>,
    pub(super) cells: Vec<Cell>,
    pub(super) act: Option<Act>,
}

impl Row {
    pub(super) const fn of(cells: Vec<Cell>) -> Self {
        Self { id: None, cells, act: None }
    }

    /// By what the script knows the row when others have come before it: what it leads to, or does.
    fn key(&self) -> Option<&str> {
        match &self.act {
            Some(Act::Link { href, .. }) => Some(href),
            Some(Act::Post { action, .. }) => Some(action),
            None => self.cells.iter().find_map(|cell| cell.href.as_deref()),
        }
    }
}

/// What can be done about a row.
pub(super) enum Act {
    /// A page where it is done.
    Link { href: String, label: &'static str },
    /// A button that does it.
    Post {
        action: String,
        form: String,
        hidden: Vec<(&'static str, String)>,
        label: &'static str,
        /// What it is about, for those who hear the page.
        about: String,
    },
}

/// One cell. Its texts were made visible by whoever made it.
#[derive(Default)]
pub(super) struct Cell {
    text: String,
    sub: Option<String>,
    href: Option<String>,
    tone: Option<Tone>,
    moment: Option<Moment>,
    is_code: bool,
    is_key: bool,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A text that people copy: an id, a host.
    pub(super) fn code(text: impl Into<String>) -> Self {
        Self { is_code: true, ..Self::text(text) }
    }

    pub(super) fn tag(text: impl Into<String>, tone: Tone) -> Self {
        Self { tone: Some(tone), ..Self::text(text) }
    }

    pub(super) fn link(text: impl Into<String>, href: String) -> Self {
        Self { href: Some(href), ..Self::text(text) }
    }

    /// The link that a row is about.
    pub(super) fn key(text: impl Into<String>, href: String) -> Self {
        Self { is_key: true, ..Self::link(text, href) }
    }

    pub(super) fn at(moment: Option<Moment>) -> Self {
        Self { moment, ..Self::default() }
    }

    /// A second line.
    pub(super) fn with(self, sub: impl Into<String>) -> Self {
        Self { sub: Some(sub.into()), ..self }
    }
}

/// A page that is one list.
#[derive(Template)]
#[template(path = "list.html")]
pub(super) struct Listing {
    pub(super) frame: Frame,
    pub(super) title: &'static str,
    pub(super) hint: &'static str,
    pub(super) narrowing: Narrowing,
    pub(super) table: Table,
    /// What is said if there is nothing.
    pub(super) nothing: &'static str,
    pub(super) older: Option<String>,
}

/// The link to the next page of a list, if there is one.
pub(super) fn older(narrowed: &Narrowed, mount: &Mount, page: &str, cursor: Option<String>) -> Option<String> {
    cursor.map(|cursor| narrowed.from(&mount.to(page), &cursor))
}

#[cfg(test)]
mod tests {
    use ringback::{store::Span, time::Timestamp};

    use super::*;

    struct Asked(Span, Option<String>);

    impl FromParameters for Asked {
        fn read(parameters: &mut Parameters) -> Self {
            Self(parameters.span(), parameters.take("key"))
        }
    }

    #[test]
    fn what_browsers_send_is_what_the_api_reads() {
        let narrowed = Narrowed::of(Some("since=2026-01-31T02%3A30&until=2026-01-31T02%3A30%3A05&key=+&key="));
        let Asked(Span { since, until }, key) = narrowed.asked().unwrap();
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        assert_eq!(text(since).as_deref(), Some("2026-01-31T02:30:00Z"));
        assert_eq!((text(until).as_deref(), key), (Some("2026-01-31T02:30:05Z"), None));
        assert!(Narrowed::of(Some("since=yesterday")).asked::<Asked>().is_err());
        assert!(Narrowed::of(Some("nonsense=1")).asked::<Asked>().is_err());
    }

    #[test]
    fn what_is_older_is_narrowed_alike() {
        let narrowed = Narrowed::of(Some("key=a%26b&cursor=1&status="));
        assert_eq!(narrowed.from("/events", "2"), "/events?key=a%26b&cursor=2");
    }
}
