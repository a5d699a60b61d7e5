use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;

use crate::Failure;

/// Does the work, and comes back in time whatever becomes of it: a panic is the
/// failure `Panicked`, work that takes longer than this is dropped and `OutOfTime`.
///
/// For a handler that owes somebody an answer of its own.
pub async fn within<T>(
    time: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(time, catching(work)).await {
        Ok(done) => done,
        Err(_) => Err(Failure::new(
            "OutOfTime",
            format!("the work was not done within {} seconds", time.as_secs()),
        )),
    }
}

pub(crate) async fn catching<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.unwrap_or_else(|panic| Err(Failure::panicked(panic.as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block_on<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(work)
    }

    #[test]
    fn work_that_is_done_in_time_is_answered() {
        let done = block_on(within(Duration::from_mins(1), async { Ok(1) }));
        assert_eq!(done, Ok(1));
    }

    #[test]
    fn a_panic_is_a_failure_with_its_words() {
        let work = async { panic!("gone") };
        let failure = block_on(within::<()>(Duration::from_mins(1), work)).unwrap_err();
        assert_eq!(failure.name(), "Panicked");
        assert!(failure.to_string().ends_with("gone"), "{failure}");
    }

    #[test]
    fn work_without_an_end_is_out_of_time() {
        let failure = block_on(within::<()>(Duration::ZERO, std::future::pending())).unwrap_err();
        assert_eq!(failure.name(), "OutOfTime");
    }
}
