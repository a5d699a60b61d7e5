//! The gateways on a template's dashboards.

use std::collections::BTreeSet;

use crate::requests::{expanded, parameter_values};
use macro_protocol::Outcome;
use serde_json::{Value, json};

fn dashboard(variables: &Value) -> Value {
    json!({
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardBody": {"Fn::Sub": ["{\"widgets\": [${GatewayCharts}]}", variables]}},
    })
}

/// What becomes of a dashboard's variables with so many gateways.
fn variables(gateways: usize, before: &Value) -> Value {
    let ids: Vec<_> = (0..gateways).map(|number| format!("nat-{number:08x}")).collect();
    let mut parameters = parameter_values();
    parameters["NatGatewayIDs"] = json!(ids.join(","));
    parameters["SamplingPeriod"] = json!("120");
    let template = json!({"Resources": {"Board": dashboard(before)}});
    match expanded(&template, &json!({}), &parameters) {
        Outcome::Success { fragment } => {
            fragment["Resources"]["Board"]["Properties"]["DashboardBody"]["Fn::Sub"][1].clone()
        }
        Outcome::Failure { error_message } => panic!("{error_message}"),
    }
}

/// A variable's value as the array that its elements stand in.
fn array(variable: &Value) -> Vec<Value> {
    let text = variable.get("Fn::Sub").unwrap_or(variable).as_str().unwrap();
    serde_json::from_str(&format!("[{text}]")).unwrap()
}

fn gateways_in(rows: &[Value]) -> BTreeSet<&str> {
    rows.iter().filter_map(|row| row[3].as_str()).collect()
}

#[test]
fn few_gateways_share_one_chart_with_the_threshold() {
    let variables = variables(2, &json!({"GatewayCharts": ""}));
    let [chart] = array(&variables["GatewayCharts"]).try_into().unwrap();
    assert_eq!(chart["width"], 24);
    let own = &chart["properties"];
    assert_eq!(own["title"], "Bytes taken in against the threshold");
    assert_eq!(own["annotations"]["horizontal"][0]["value"], 100_000_000);
    assert_eq!((&own["period"], &own["stat"]), (&json!(120), &json!("Sum")));
    assert_eq!(own["region"], "${AWS::Region}");
    let rows = own["metrics"].as_array().unwrap();
    assert_eq!(rows[3], json!([{"id": "sum2", "expression": "s2 + d2", "label": "nat-00000001"}]));
    let metric = |name: &str, id: &str| json!(["AWS/NATGateway", name, "NatGatewayId", "nat-00000001", {"id": id, "visible": false}]);
    assert_eq!(rows[4], metric("BytesInFromSource", "s2"));
    assert_eq!(rows[5], metric("BytesInFromDestination", "d2"));
}

/// CloudWatch draws at most 500 metrics in a chart and 2,500 on a dashboard.
#[test]
fn every_gateway_of_the_longest_list_is_on_a_chart() {
    let variables = variables(186, &json!({"GatewayCharts": "", "GatewayMetrics": ""}));
    let charts = array(&variables["GatewayCharts"]);
    assert_eq!(charts.len(), 16);
    let titles: Vec<_> = charts.iter().map(|chart| &chart["properties"]["title"]).collect();
    assert_eq!(titles[15], "Bytes taken in against the threshold, 181 to 186 of 186");
    let mut rows = Vec::new();
    for chart in &charts {
        rows.extend(chart["properties"]["metrics"].as_array().unwrap().clone());
    }
    assert_eq!(gateways_in(&rows).len(), 186);
    let hidden = array(&variables["GatewayMetrics"]);
    assert_eq!(gateways_in(&hidden).len(), 186);
    assert!(hidden.len() < 499 && rows.len() + hidden.len() < 2_400);
    let ids: BTreeSet<_> = hidden.iter().map(|row| row[4]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), hidden.len());
    assert!(ids.iter().all(|id| id.starts_with("nat")));
}

#[test]
fn other_variables_and_other_bodies_stay_as_they_are() {
    let others = json!({"Host": {"Ref": "AWS::URLSuffix"}});
    assert_eq!(variables(1, &others), others);
    for body in [json!("{}"), json!({"Fn::Sub": "{}"}), json!({"Fn::Sub": ["{}"]}), json!(7)] {
        let board =
            json!({"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": body}});
        let template = json!({"Resources": {"Board": board.clone()}});
        let outcome = expanded(&template, &json!({}), &parameter_values());
        let Outcome::Success { fragment } = outcome else { panic!("{outcome:?}") };
        assert_eq!(fragment["Resources"]["Board"], board);
    }
}
