//! The database.

use std::path::PathBuf;

use super::{super::value::Value, Secret};

/// Which store, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DatabaseUrl {
    /// A file, which is created if it is missing.
    Sqlite(PathBuf),
    /// The whole URL, which may have a password.
    Postgres(Secret),
}

impl Value for DatabaseUrl {
    const NAME: &'static str = "URL";
    const SECRET: bool = true;

    fn expected() -> String {
        "sqlite://FILE, sqlite:///ABSOLUTE/FILE or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("sqlite://") {
            let is_file = !path.is_empty() && !path.ends_with('/') && !path.contains(['?', '\0']);
            return is_file.then(|| Self::Sqlite(PathBuf::from(path)));
        }
        let url = url::Url::parse(text).ok()?;
        matches!(url.scheme(), "postgres" | "postgresql").then(|| Self::Postgres(Secret::new(text.to_owned())))
    }

    /// The URL without the password, wherever in the URL that is.
    fn shown(text: &str) -> String {
        match Self::parse(text) {
            Some(Self::Sqlite(_)) => text.to_owned(),
            Some(Self::Postgres(_)) => without_password(text).unwrap_or_else(|| "***".to_owned()),
            None => "***".to_owned(),
        }
    }
}

fn without_password(text: &str) -> Option<String> {
    let mut url = url::Url::parse(text).ok()?;
    if url.password().is_some() {
        url.set_password(Some("***")).ok()?;
    }
    // Parameters may have a password, too.
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    Some(url.to_string())
}

/// The name of a PostgreSQL schema that needs no quoting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Schema(pub(crate) String);

impl Value for Schema {
    const NAME: &'static str = "NAME";

    fn expected() -> String {
        "1 to 63 of the characters a-z 0-9 _ that begin neither with a digit nor with pg_".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let right = text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && text.chars().all(inside)
            && !text.starts_with("pg_");
        right.then(|| Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_urls_are_shown_without_their_password() {
        assert_eq!(DatabaseUrl::shown("postgres://u:hunter2@h:5432/d"), "postgres://u:***@h:5432/d");
        assert_eq!(DatabaseUrl::shown("postgres://h/d?user=u&password=hunter2"), "postgres://h/d?***");
        assert_eq!(DatabaseUrl::shown("postgers://u:hunter2@h/d"), "***");
        assert_eq!(DatabaseUrl::shown("sqlite://r.db"), "sqlite://r.db");
    }

    #[test]
    fn database_urls_say_which_store() {
        assert_eq!(DatabaseUrl::parse("sqlite://ringback.db"), Some(DatabaseUrl::Sqlite("ringback.db".into())));
        assert_eq!(DatabaseUrl::parse("sqlite:///var/r.db"), Some(DatabaseUrl::Sqlite("/var/r.db".into())));
        assert!(matches!(DatabaseUrl::parse("postgres://u:p@h/d"), Some(DatabaseUrl::Postgres(_))));
        for wrong in ["", "ringback.db", "sqlite://", "mysql://h/d", "sqlite://x.db?mode=rwc"] {
            assert_eq!(DatabaseUrl::parse(wrong), None, "{wrong:?}");
        }
    }
}
