//! The name of a tenant.

use ringback::event::is_tenant;

use super::super::value::Value;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tenant(pub(crate) String);

impl Value for Tenant {
    const NAME: &'static str = "TENANT";

    fn expected() -> String {
        "1 to 128 of the characters A-Z a-z 0-9 _ . : -".to_owned()
    }

    fn parse(text: &str) -> Option<Self> {
        is_tenant(text).then(|| Self(text.to_owned()))
    }
}
