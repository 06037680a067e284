//! Parsing texts into values, and the messages for texts that are wrong.

/// A type that a key can have.
pub(super) trait Value: Sized {
    /// Its placeholder in `--help`.
    const NAME: &'static str;

    /// Whether it is `true` or `false`.
    const SWITCH: bool = false;

    /// Whether messages must not repeat it.
    const SECRET: bool = false;

    /// What would be right, to complete "… is not".
    fn expected() -> String;

    /// The value of a text. The empty text means "none", for types that have such a value.
    fn parse(text: &str) -> Option<Self>;

    /// A text given for it, as people may see it.
    fn shown(text: &str) -> String {
        if Self::SECRET { "***".to_owned() } else { text.to_owned() }
    }

    /// The value of a key that no source has and whose default is empty.
    fn absent() -> Option<Self> {
        Self::parse("")
    }
}

impl Value for bool {
    const NAME: &'static str = "true|false";
    const SWITCH: bool = true;

    fn expected() -> String {
        "true or false".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A value that may be absent. Given but empty is wrong: only the default says "none".
impl<V: Value> Value for Option<V> {
    const NAME: &'static str = V::NAME;
    const SECRET: bool = V::SECRET;

    fn expected() -> String {
        V::expected()
    }

    fn parse(text: &str) -> Option<Self> {
        V::parse(text).map(Some)
    }

    fn shown(text: &str) -> String {
        V::shown(text)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Several values, with commas between them; none if the text is empty.
impl<V: Value> Value for Vec<V> {
    const NAME: &'static str = "LIST";
    const SECRET: bool = V::SECRET;

    fn expected() -> String {
        format!("a comma-separated list, each {}", V::expected())
    }

    fn parse(text: &str) -> Option<Self> {
        let items = text.split(',').map(str::trim);
        if text.trim().is_empty() { Some(Vec::new()) } else { items.map(V::parse).collect() }
    }
}
