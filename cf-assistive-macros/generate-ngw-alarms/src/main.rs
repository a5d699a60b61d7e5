//! The Lambda behind the macro `GenerateNgwAlarms`.

use generate_ngw_alarms::expand;
use lambda_kit::{RuntimeError, run};
use macro_protocol::answer;
use serde_json::Value;

fn main() -> Result<(), RuntimeError> {
    run(async |request: Value| Ok(answer(request, expand)))
}
