//! Lambda: the Invoke API in front, the Runtime API behind, one process per concurrent
//! invocation in between.

mod asynchronous;
mod code;
mod functions;
mod invoke;
mod logs;
mod platform;
mod process;
mod runtime_api;
mod settings;

pub(crate) use functions::Functions;
pub(crate) use invoke::invoke;
pub(crate) use logs::create_stream;
