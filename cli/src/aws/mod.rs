//! Inputs in an AWS account: objects in S3 and log groups in CloudWatch Logs.
//!
//! Everything else here reads by blocking. So does this: tasks on a thread of their own fetch
//! what comes next and hand it over in pieces, a few of them ahead.

mod advice;
mod log_group;
mod name;
mod objects;
mod ranges;

use std::fmt;
use std::future::Future;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

use aws_adapters::{ReadError, SdkConfig, profile};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::arguments::Account;
use crate::error::Error;

pub(crate) use advice::Advised;
pub(crate) use log_group::LogGroupInput;
pub(crate) use name::Name;
pub(crate) use objects::{ObjectInput, OpenedObject};
pub(crate) use ranges::RangedObject;

/// How many pieces of an input wait to be read.
const PIECES_AHEAD: usize = 4;

/// What is wanted of an account's records, as far as it saves fetching them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// Unix seconds.
    pub since: Option<u64>,
    /// Unix seconds.
    pub until: Option<u64>,
    /// What is read twice must be the same twice, whatever comes in between.
    pub now: Timestamp,
}

/// A connection to an account.
pub(crate) struct Session {
    /// None while it ends.
    runtime: Option<Runtime>,
    config: SdkConfig,
}

impl Session {
    /// Finds out how the account is reached. Nothing is asked yet.
    pub(crate) fn start(account: &Account) -> Result<Arc<Self>, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("aws")
            .enable_all()
            .build()
            .map_err(Error::input("the connection to AWS"))?;
        let profile = account.profile.as_deref();
        let config = runtime.block_on(profile::load(profile, account.region.as_deref()));
        Ok(Arc::new(Self { runtime: Some(runtime), config }))
    }

    /// How the account is reached.
    pub(crate) const fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Waits for the outcome of a task.
    pub(crate) fn wait<F: Future>(&self, task: F) -> io::Result<F::Output> {
        let runtime = self.runtime.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        Ok(runtime.block_on(task))
    }

    /// Runs a task that sends pieces, until nobody wants them any more.
    fn fetch<F: Future<Output = ()> + Send + 'static>(
        self: &Arc<Self>,
        task: impl FnOnce(Sender) -> F,
    ) -> Pieces {
        let (sender, incoming) = mpsc::channel(PIECES_AHEAD);
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task(sender));
        }
        Pieces { incoming, current: Cursor::default(), _session: Arc::clone(self) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A name that is still being looked up is nobody's concern.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

type Sender = mpsc::Sender<Result<Vec<u8>, ReadError>>;

/// What a task fetches, in order.
#[derive(Debug)]
pub(crate) struct Pieces {
    incoming: mpsc::Receiver<Result<Vec<u8>, ReadError>>,
    current: Cursor<Vec<u8>>,
    /// The task runs on it.
    _session: Arc<Session>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let length = self.current.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            match self.incoming.blocking_recv() {
                Some(piece) => self.current = Cursor::new(piece.map_err(failed)?),
                None => return Ok(0),
            }
        }
    }
}

fn failed(error: ReadError) -> io::Error {
    io::Error::other(Advised(error))
}

/// What stands in the way of an input that is called so.
pub(crate) fn unreadable(name: &str) -> impl FnOnce(ReadError) -> Error {
    let name = name.to_owned();
    move |error| Error::Unreadable { name, reason: Advised(error).to_string() }
}
