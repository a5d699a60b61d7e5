//! What holds for every request.

use std::collections::BTreeSet;

use crate::requests::{expanded, parameter_values, resources, template};
use generate_ngw_alarms::expand;
use macro_protocol::{Outcome, answer};
use proptest::prelude::*;
use serde_json::{Value, json};

fn any_gateways() -> impl Strategy<Value = Vec<String>> {
    prop::collection::btree_set("nat-([0-9a-f]{8}|[0-9a-f]{17})", 2..20)
        .prop_map(|gateways: BTreeSet<_>| gateways.into_iter().collect())
}

/// JSON with the names that the macro looks for, so that every branch is reached.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
        "nat-[0-9a-f]{8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let key = prop_oneof![
            prop::sample::select(vec![
                "Ref",
                "Resources",
                "Type",
                "fragment",
                "params",
                "requestId",
                "NatGatewayIDs",
                "Threshold",
                "templateParameterValues",
                "DependsOn",
            ])
            .prop_map(str::to_owned),
            ".*",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

proptest! {
    /// Reordering the list replaces no alarm: neither its logical ID nor its properties change.
    #[test]
    fn order_does_not_matter(
        (gateways, shuffled) in any_gateways()
            .prop_flat_map(|gateways| (Just(gateways.clone()), Just(gateways).prop_shuffle())),
    ) {
        let one = resources(&json!({"NatGatewayIDs": gateways}), &parameter_values());
        let other = resources(&json!({"NatGatewayIDs": shuffled}), &parameter_values());
        prop_assert_eq!(one.to_string(), other.to_string());
    }

    /// A further gateway adds its alarm and leaves the others as they are.
    #[test]
    fn a_further_gateway_changes_no_other(gateways in any_gateways()) {
        let before = resources(&json!({"NatGatewayIDs": gateways[1..]}), &parameter_values());
        let mut after = resources(&json!({"NatGatewayIDs": gateways}), &parameter_values());
        let logical_id = gateways[0].replace("nat-", "NatSpikeAlarm");
        prop_assert!(after.as_object_mut().unwrap().remove(&logical_id).is_some());
        prop_assert_eq!(before, after);
    }

    /// Every gateway gets one alarm, which watches that gateway alone.
    #[test]
    fn one_alarm_per_gateway(gateways in any_gateways()) {
        let resources = resources(&json!({"NatGatewayIDs": gateways}), &parameter_values());
        prop_assert_eq!(resources.as_object().unwrap().len(), gateways.len() + 1);
        for gateway in gateways {
            let alarm = &resources[gateway.replace("nat-", "NatSpikeAlarm")]["Properties"];
            prop_assert_eq!(
                &alarm["AlarmName"],
                &json!({"Fn::Sub": format!("${{AWS::StackName}}/{gateway}")})
            );
            for metric in [1, 2] {
                let metric = &alarm["Metrics"][metric]["MetricStat"]["Metric"];
                prop_assert_eq!(
                    &metric["Dimensions"],
                    &json!([{"Name": "NatGatewayId", "Value": gateway}])
                );
            }
        }
    }

    /// The rest of the template passes through untouched.
    #[test]
    fn the_rest_is_untouched(outputs in any_json(), resource in any_json()) {
        let mut fragment = template();
        fragment["Outputs"] = outputs;
        fragment["Resources"]["Other"] = resource;
        let outcome = expanded(&fragment, &json!({}), &parameter_values());
        let Outcome::Success { fragment: mut expanded } = outcome else { panic!("{outcome:?}") };
        let resources = expanded["Resources"].as_object_mut().unwrap();
        resources.retain(|logical_id, _| !logical_id.starts_with("NatSpikeAlarm"));
        prop_assert_eq!(fragment, expanded);
    }

    /// No request makes the macro panic, and every refusal is a sentence.
    #[test]
    fn everything_is_answered(
        whole in any_json(), fragment in any_json(), params in any_json(), gateways in any_json(),
        threshold in any_json(), period in any_json(),
    ) {
        answer(whole, expand);
        let settings =
            json!({"NatGatewayIDs": gateways, "Threshold": threshold, "SamplingPeriod": period});
        for outcome in [
            expanded(&fragment, &params, &parameter_values()),
            expanded(&template(), &settings, &parameter_values()),
            expanded(&json!({"Resources": fragment}), &json!({}), &parameter_values()),
        ] {
            if let Outcome::Failure { error_message } = outcome {
                prop_assert!(error_message.ends_with('.'), "{}", error_message);
            }
        }
    }
}
