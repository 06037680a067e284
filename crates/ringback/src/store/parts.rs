//! Sends many rows to the database in one statement, and halves them if the database refuses: one bad row must not keep the
//! others out.

use super::Error;

/// How often a single row that makes the store panic is tried, since a panic may have another cause than the row.
const PANICS: u32 = 3;

/// Rows on their way to the database, in order.
pub(crate) struct Parts<T> {
    /// Parts that are still to be sent; the next one is last in the list.
    waiting: Vec<Vec<T>>,
    /// How often the present single row has made the store panic.
    panics: u32,
}

/// What becomes of a part that the database refused.
pub(crate) enum Setback<T> {
    /// Its halves are next.
    Halved,
    /// The same part is next again, after a pause.
    Again,
    /// The part was this single row, which is refused for this reason.
    Alone(T, Error),
    /// The part is not at fault: the database is away.
    Away(Vec<T>, Error),
}

impl<T> Parts<T> {
    /// Starts with all rows in one part.
    pub(crate) fn of(all: Vec<T>) -> Self {
        Self { waiting: vec![all], panics: 0 }
    }

    /// The next part that is not empty.
    pub(crate) fn next(&mut self) -> Option<Vec<T>> {
        std::iter::from_fn(|| self.waiting.pop()).find(|part| !part.is_empty())
    }

    /// Puts a part before all others.
    pub(crate) fn put_back(&mut self, part: Vec<T>) {
        self.waiting.push(part);
    }

    /// The database refused a part, or did not answer: decides what becomes of the part.
    pub(crate) fn set_back(&mut self, mut part: Vec<T>, error: Error) -> Setback<T> {
        if !matches!(error, Error::Refused(_) | Error::Corrupt(_) | Error::Damaged(_) | Error::Panicked(_)) {
            return Setback::Away(part, error);
        }
        if part.len() > 1 {
            let half = part.split_off(part.len() / 2);
            self.waiting.extend([half, part]);
            self.panics = 0;
            return Setback::Halved;
        }
        self.panics += 1;
        if matches!(error, Error::Panicked(_)) && self.panics < PANICS {
            self.put_back(part);
            return Setback::Again;
        }
        self.panics = 0;
        match part.pop() {
            Some(row) => Setback::Alone(row, error),
            None => Setback::Halved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends all of them to a database that fails with `error` if it sees `bad`: what was taken, in order, and what was
    /// left alone after how many tries.
    fn send(count: u32, bad: u32, error: impl Fn() -> Error) -> (Vec<u32>, Vec<(u32, u32)>) {
        let (mut taken, mut left, mut tries) = (Vec::new(), Vec::new(), 0);
        let mut parts = Parts::of((0..count).collect());
        while let Some(part) = parts.next() {
            if !part.contains(&bad) {
                taken.extend(part);
                continue;
            }
            tries += u32::from(part.len() == 1);
            match parts.set_back(part, error()) {
                Setback::Halved | Setback::Again => {}
                Setback::Alone(row, _) => left.push((row, tries)),
                Setback::Away(..) => panic!("it is the row's fault"),
            }
        }
        (taken, left)
    }

    #[test]
    fn all_but_the_bad_one_are_taken_in_order_whatever_is_bad_about_it() {
        let refused = || Error::Refused("no".into());
        for count in 1..40 {
            for bad in 0..count {
                let others: Vec<_> = (0..count).filter(|it| *it != bad).collect();
                assert_eq!(send(count, bad, refused), (others.clone(), vec![(bad, 1)]));
                assert_eq!(send(count, bad, || Error::corrupt("no")), (others.clone(), vec![(bad, 1)]));
                assert_eq!(send(count, bad, || Error::Panicked("record")), (others, vec![(bad, PANICS)]));
            }
        }
    }

    #[test]
    fn nobody_is_left_alone_for_a_database_that_is_away() {
        let mut parts = Parts::of(vec![1, 2]);
        let part = parts.next().expect("two");
        let setback = parts.set_back(part, Error::Unavailable("away".into()));
        assert!(matches!(setback, Setback::Away(part, _) if part == [1, 2]));
        assert!(parts.next().is_none());
    }

    #[test]
    fn there_is_no_part_of_nothing() {
        assert!(Parts::<u32>::of(Vec::new()).next().is_none());
    }
}
