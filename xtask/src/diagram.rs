//! The state machine as a Mermaid flowchart.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use crate::state_machine::{State, StateMachine};

/// It goes without saying on a dotted arrow.
const ANY_ERROR: &str = "States.ALL";

/// The flowchart's text: states in the order in which an execution can reach them, the ways of
/// errors dotted.
pub(crate) fn mermaid(machine: &StateMachine) -> String {
    let mut text = "flowchart TD\n".to_owned();
    let order = reachable(machine);
    let ids: BTreeMap<_, _> =
        order.iter().zip(1..).map(|(name, number)| (*name, format!("s{number}"))).collect();
    // Writing to a string cannot fail.
    let _ = write_states(&mut text, machine, &order, &ids);
    let _ = write_edges(&mut text, machine, &order, &ids);
    text
}

/// The states that can be reached: without a failure first, the nearest first.
fn reachable(machine: &StateMachine) -> Vec<&str> {
    let mut order = vec![];
    let mut queue = VecDeque::from([machine.start_at.as_str()]);
    let mut failures = VecDeque::new();
    while let Some(name) = queue.pop_front().or_else(|| failures.pop_front()) {
        if order.contains(&name) {
            continue;
        }
        order.push(name);
        for edge in machine.states.get(name).map(State::edges).unwrap_or_default() {
            if edge.is_failure { &mut failures } else { &mut queue }.push_back(edge.to);
        }
    }
    order
}

fn write_states(
    text: &mut String,
    machine: &StateMachine,
    order: &[&str],
    ids: &BTreeMap<&str, String>,
) -> std::fmt::Result {
    for name in order {
        let (Some(state), Some(id)) = (machine.states.get(*name), ids.get(name)) else { continue };
        let (open, close) = shape(&state.kind);
        writeln!(text, "    {id}{open}\"{name}\"{close}")?;
    }
    Ok(())
}

/// Choices are rhombs, waits hexagons, ends rounded.
fn shape(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "Choice" => ("{", "}"),
        "Wait" => ("{{", "}}"),
        "Succeed" | "Fail" => ("([", "])"),
        _ => ("[", "]"),
    }
}

fn write_edges(
    text: &mut String,
    machine: &StateMachine,
    order: &[&str],
    ids: &BTreeMap<&str, String>,
) -> std::fmt::Result {
    for name in order {
        let (Some(state), Some(from)) = (machine.states.get(*name), ids.get(name)) else {
            continue;
        };
        let edges = state.edges();
        let leads_there_anyway = |to| edges.iter().any(|edge| !edge.is_failure && edge.to == to);
        for edge in &edges {
            if edge.is_failure && edge.label == ANY_ERROR && leads_there_anyway(edge.to) {
                continue;
            }
            let Some(to) = ids.get(edge.to) else { continue };
            let arrow = if edge.is_failure { "-.->" } else { "-->" };
            let label = match edge.label.as_str() {
                "" | ANY_ERROR => String::new(),
                label => format!("|\"{label}\"|"),
            };
            writeln!(text, "    {from} {arrow}{label} {to}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_ways_are_drawn_in_reachable_order() {
        let definition = "
StartAt: Wait
States:
  Done: {Type: Succeed}
  Enough?:
    Type: Choice
    Choices:
      - {Variable: $.enough, BooleanEquals: true, Next: Done}
    Default: Wait
  Failed: {Type: Fail}
  Wait:
    Type: Task
    Catch:
      - {ErrorEquals: [States.Timeout, Oops], Next: Enough?}
      - {ErrorEquals: [States.ALL], Next: Failed}
    Next: Enough?
  Unreachable: {Type: Succeed}
";
        let machine = StateMachine::parse(definition).unwrap();
        let expected = "\
flowchart TD
    s1[\"Wait\"]
    s2{\"Enough?\"}
    s3([\"Done\"])
    s4([\"Failed\"])
    s1 --> s2
    s1 -.->|\"States.Timeout, Oops\"| s2
    s1 -.-> s4
    s2 -->|\"enough is true\"| s3
    s2 -->|\"otherwise\"| s1
";
        assert_eq!(mermaid(&machine), expected);
    }
}
