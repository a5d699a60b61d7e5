//! The state machine as a Mermaid flowchart.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use crate::state_machine::{State, StateMachine};

/// The flowchart's text: states in the order in which an execution can reach them, failures
/// dotted.
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

/// The states that can be reached from the first one, nearest first.
fn reachable(machine: &StateMachine) -> Vec<&str> {
    let mut order = vec![];
    let mut queue = VecDeque::from([machine.start_at.as_str()]);
    while let Some(name) = queue.pop_front() {
        if order.contains(&name) {
            continue;
        }
        order.push(name);
        let edges = machine.states.get(name).map(State::edges).unwrap_or_default();
        queue.extend(edges.iter().map(|edge| edge.to));
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
        for edge in state.edges() {
            let Some(to) = ids.get(edge.to) else { continue };
            let arrow = if edge.is_failure { "-.->" } else { "-->" };
            // "Any error" goes without saying on a dotted arrow.
            let label = match edge.label.as_str() {
                "" | "States.ALL" => String::new(),
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
";
        let machine = StateMachine::parse(definition).unwrap();
        let expected = "\
flowchart TD
    s1[\"Wait\"]
    s2{\"Enough?\"}
    s3([\"Failed\"])
    s4([\"Done\"])
    s1 --> s2
    s1 -.->|\"States.Timeout, Oops\"| s2
    s1 -.-> s3
    s2 -->|\"enough is true\"| s4
    s2 -->|\"otherwise\"| s1
";
        assert_eq!(mermaid(&machine), expected);
    }
}
