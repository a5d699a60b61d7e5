//! The Lambda behind the macro `StringToInt`.

use lambda_kit::{RuntimeError, run};
use macro_protocol::answer;
use serde_json::Value;
use string_to_int::expand;

fn main() -> Result<(), RuntimeError> {
    run(async |request: Value| Ok(answer(request, expand)))
}
