//! How an endpoint behaves is in its path: `/CLASS/MILLISECONDS/NUMBER`.

/// What an endpoint does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// 204 at once.
    Healthy,
    /// 204 after so many milliseconds, which is longer than senders wait.
    Hanging(u64),
    /// 204 after so many milliseconds, which is within what senders wait.
    Slow(u64),
    /// 204 for so many milliseconds, then 500 for as many.
    Flapping(u64),
    /// 429 with `Retry-After: 1`.
    Busy,
}

impl Behaviour {
    /// How many there are.
    pub(super) const COUNT: usize = 5;

    /// Names in the order of [`Self::index`].
    pub(super) const NAMES: [&'static str; Self::COUNT] = ["healthy", "hanging", "slow", "flapping", "busy"];

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Healthy => 0,
            Self::Hanging(_) => 1,
            Self::Slow(_) => 2,
            Self::Flapping(_) => 3,
            Self::Busy => 4,
        }
    }

    /// The path of an endpoint.
    pub(crate) fn path(self, number: u32) -> String {
        let ms = match self {
            Self::Healthy | Self::Busy => 0,
            Self::Hanging(ms) | Self::Slow(ms) | Self::Flapping(ms) => ms,
        };
        format!("/{}/{ms}/{number}", Self::NAMES[self.index()])
    }

    /// What a path asks for; one that is not known is healthy.
    pub(super) fn of(path: &str) -> Self {
        let mut parts = path.split('/').skip(1);
        let class = parts.next().unwrap_or_default();
        if class == Self::NAMES[0] {
            return Self::Healthy;
        }
        let ms = parts.next().and_then(|ms| ms.parse().ok()).unwrap_or(1_000);
        match class {
            "hanging" => Self::Hanging(ms),
            "slow" => Self::Slow(ms),
            "flapping" => Self::Flapping(ms),
            "busy" => Self::Busy,
            _ => Self::Healthy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_it_was_made_from() {
        let all = [
            Behaviour::Healthy,
            Behaviour::Hanging(30_000),
            Behaviour::Slow(2_000),
            Behaviour::Flapping(5_000),
            Behaviour::Busy,
        ];
        for behaviour in all {
            assert_eq!(Behaviour::of(&behaviour.path(7)), behaviour);
        }
    }
}
