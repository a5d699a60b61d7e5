//! Chance that repeats itself: the same seed strikes the same calls.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

/// Draws for the calls of one fault. What comes out depends on the seed, on the operation and on
/// how many of its calls came before, and not on what other operations did meanwhile.
#[derive(Debug, Default)]
pub(super) struct Dice {
    seed: u64,
    /// How many calls of a service's operation were drawn for.
    drawn: HashMap<(String, String), u64>,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, drawn: HashMap::new() }
    }

    /// Whether the next call of an operation is struck: with this probability, from 0 to 1.
    pub(super) fn strikes(&mut self, service: &str, operation: &str, probability: f64) -> bool {
        let key = (service.to_owned(), operation.to_owned());
        let number = self.drawn.entry(key).or_default();
        *number += 1;
        let text = format!("{}/{service}/{operation}/{number}", self.seed);
        fraction(&Sha256::digest(text)) < probability
    }
}

/// The first four bytes as a number from 0 up to 1.
fn fraction(digest: &[u8]) -> f64 {
    let number = digest.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte));
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(seed: u64, operation: &str, probability: f64) -> Vec<bool> {
        let mut dice = Dice::new(seed);
        (0..1000).map(|_| dice.strikes("ec2", operation, probability)).collect()
    }

    #[test]
    fn a_seed_repeats_itself_and_another_differs() {
        assert_eq!(struck(1, "CreateFlowLogs", 0.5), struck(1, "CreateFlowLogs", 0.5));
        assert_ne!(struck(1, "CreateFlowLogs", 0.5), struck(2, "CreateFlowLogs", 0.5));
        assert_ne!(struck(1, "CreateFlowLogs", 0.5), struck(1, "DeleteFlowLogs", 0.5));
    }

    #[test]
    fn other_operations_change_nothing() {
        let mut dice = Dice::new(7);
        let alone = struck(7, "CreateFlowLogs", 0.5);
        let beside: Vec<_> = (0..1000)
            .map(|_| {
                dice.strikes("ec2", "DeleteFlowLogs", 0.5);
                dice.strikes("ec2", "CreateFlowLogs", 0.5)
            })
            .collect();
        assert_eq!(alone, beside);
    }

    #[test]
    fn as_many_are_struck_as_the_probability_says() {
        let count = |probability| {
            struck(3, "CreateFlowLogs", probability).into_iter().filter(|struck| *struck).count()
        };
        assert_eq!((count(0.0), count(1.0)), (0, 1000));
        assert!((150..=250).contains(&count(0.2)), "{}", count(0.2));
    }
}
