//! What a caller may do, and for which tenant.

use ringback::{
    event::DEFAULT_TENANT,
    token::{Scope, Token},
};

use crate::problem::Problem;

/// The permission that a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    Administer,
    Operate,
    Emit,
    Read,
}

/// What a caller may do, and for which tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// What it may do.
    pub scope: Scope,
    /// The one tenant it may do it for; any tenant if unset.
    pub tenant: Option<String>,
}

impl Access {
    /// Everything, for every tenant.
    #[must_use]
    pub const fn everything() -> Self {
        Self { scope: Scope::Admin, tenant: None }
    }

    /// What a token is for.
    pub(crate) fn of(token: &Token) -> Self {
        Self { scope: token.scope, tenant: token.tenant.clone() }
    }

    pub(crate) const fn may(&self, permission: Permission) -> bool {
        matches!(
            (self.scope, permission),
            (Scope::Admin, _)
                | (Scope::Operator, Permission::Operate | Permission::Read)
                | (Scope::Emit, Permission::Emit)
                | (Scope::Read, Permission::Read)
        )
    }

    /// Whether the caller may see objects of this tenant.
    pub(crate) fn sees(&self, tenant: &str) -> bool {
        self.tenant.as_deref().is_none_or(|own| own == tenant)
    }

    /// The tenant whose objects a list has: the one asked for, or the caller's own, or all.
    ///
    /// # Errors
    /// 404 when a bound caller asks for another.
    pub(crate) fn listed(&self, asked: Option<String>) -> Result<Option<String>, Problem> {
        match asked {
            Some(tenant) if !self.sees(&tenant) => Err(Problem::not_found()),
            Some(tenant) => Ok(Some(tenant)),
            None => Ok(self.tenant.clone()),
        }
    }

    /// The tenant of an object that is created: the one named, or the caller's own, or the default.
    ///
    /// # Errors
    /// 404 when a bound caller names another.
    pub(crate) fn named(&self, asked: Option<String>) -> Result<String, Problem> {
        Ok(self.listed(asked)?.unwrap_or_else(|| DEFAULT_TENANT.to_owned()))
    }

    /// `thing`, if the caller may see it.
    ///
    /// # Errors
    /// 404 when there is none, or when it belongs to another tenant: a caller cannot tell the two apart.
    pub(crate) fn found<T>(&self, thing: Option<T>, tenant: impl FnOnce(&T) -> &str) -> Result<T, Problem> {
        thing.filter(|thing| self.sees(tenant(thing))).ok_or_else(Problem::not_found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_allows_what_the_contract_says_and_no_more() {
        use Permission::{Administer, Emit, Operate, Read};
        let may = |scope| {
            let access = Access { scope, tenant: None };
            [Administer, Operate, Emit, Read].map(|permission| access.may(permission))
        };
        assert_eq!(may(Scope::Admin), [true, true, true, true]);
        assert_eq!(may(Scope::Operator), [false, true, false, true]);
        assert_eq!(may(Scope::Emit), [false, false, true, false]);
        assert_eq!(may(Scope::Read), [false, false, false, true]);
    }

    #[test]
    fn a_bound_caller_has_one_tenant() {
        let bound = Access { scope: Scope::Admin, tenant: Some("acme".to_owned()) };
        assert_eq!(bound.listed(None).unwrap().as_deref(), Some("acme"));
        assert_eq!(bound.named(None).unwrap(), "acme");
        assert!(bound.listed(Some("other".to_owned())).is_err());
        assert_eq!(Access::everything().named(None).unwrap(), "default");
        assert_eq!(Access::everything().listed(None).unwrap(), None);
    }
}
