//! Random values: from the operating system, and in the simulation from a seed.

use rand::distr::{Distribution, StandardUniform};

/// Any value, each as likely as the others; of a float, from 0 to 1.
pub(crate) fn chance<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    #[cfg(test)]
    if let Some(value) = crate::simulation::chance() {
        return value;
    }
    rand::random()
}
