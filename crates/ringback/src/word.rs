//! Words of which there are few, each with all that is to be known of it in one place: its name in documents, the number that
//! stores keep, and the sentence that people read.

/// Declares such words. `ALL` has them in the order of their codes, names are written and read by serde, and `Display`
/// writes them, too. A match over them without a wildcard is how whoever must decide about a new one is found.
macro_rules! words {
    ($(
        $(#[$about:meta])*
        $name:ident {
            $($(#[$case:meta])* $variant:ident = $code:literal $word:literal: $sentence:literal,)+
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
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The names of all of them, in the same order.
            pub const NAMES: &'static [&'static str] = &[$($word),+];

            /// As documents write it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

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

            /// What it means, for people: a phrase without its full stop.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence),+ }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.name())
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
                let found = Self::ALL.iter().copied().find(|word| word.name() == name);
                found.ok_or_else(|| ::serde::de::Error::unknown_variant(&name, Self::NAMES))
            }
        }
    )+};
}
pub(crate) use words;
