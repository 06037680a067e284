//! Enumerations whose variants are declared with everything about them in one place: the name in documents, the sentence
//! that people read, and the number that stores keep, if they keep one.

use std::{fmt, str::FromStr};

/// One value of a small enumeration.
pub trait Word: Copy + Eq + fmt::Debug + fmt::Display + FromStr<Err = NotOneOf> + 'static {
    /// All of them, in the order of their declaration.
    const ALL: &'static [Self];

    /// The names of all of them, in the same order.
    const NAMES: &'static [&'static str];

    /// As documents write it.
    fn name(self) -> &'static str;

    /// What it means, for people: a phrase without its full stop.
    fn sentence(self) -> &'static str;
}

/// A text that is none of some words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotOneOf(pub(crate) &'static [&'static str]);

impl fmt::Display for NotOneOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of: {}", self.0.join(", "))
    }
}

impl std::error::Error for NotOneOf {}

/// Declares such words. `ALL` has them in the order of their declaration, names are written and read by serde, `Display` and
/// `FromStr`. A match over them without a wildcard is how whoever must decide about a new one is found.
macro_rules! words {
    ($(
        $(#[$about:meta])*
        $name:ident {
            $($(#[$case:meta])* $variant:ident $(= $code:literal)? $word:literal: $sentence:literal,)+
        }
    )+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $(
                #[doc = concat!($sentence, ".")]
                $(#[$case])*
                $variant
            ),+
        }

        impl $name {
            /// All of them, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The names of all of them, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// As documents write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// What it means, for people: a phrase without its full stop.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),+ }
            }
        }

        $crate::word::codes!($name $($variant $(= $code)?),+);

        impl $crate::word::Word for $name {
            const ALL: &'static [Self] = Self::ALL;
            const NAMES: &'static [&'static str] = Self::NAMES;

            fn name(self) -> &'static str {
                self.name()
            }

            fn sentence(self) -> &'static str {
                self.sentence()
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::word::NotOneOf;

            fn from_str(text: &str) -> ::std::result::Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|word| word.name() == text);
                found.ok_or($crate::word::NotOneOf(Self::NAMES))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let name = ::std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                name.parse().map_err(|_| ::serde::de::Error::unknown_variant(&name, Self::NAMES))
            }
        }
    )+};
}
pub(crate) use words;

/// The numbers of words that stores keep; nothing for the others.
macro_rules! codes {
    ($name:ident $($variant:ident = $code:literal),+) => {
        impl $name {
            /// The number that stores keep.
            #[must_use]
            pub const fn code(self) -> i16 {
                match self { $(Self::$variant => $code),+ }
            }

            /// Reads [`Self::code`] back.
            #[must_use]
            pub const fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
    ($name:ident $($variant:ident),+) => {};
}
pub(crate) use codes;
