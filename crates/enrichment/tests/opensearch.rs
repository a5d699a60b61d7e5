//! The index template and the pipeline that users install, beside the documents that are written.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic as the test itself may")]

use std::collections::BTreeSet;

use flowlog::{Field, ValueType};
use serde_json::{Value, json};

fn template() -> Value {
    let text = include_str!("../../../forwarders/opensearch/index-template.json");
    serde_json::from_str(text).unwrap()
}

/// The types that hold every value of a field.
fn types(field: Field) -> &'static [&'static str] {
    match (field, field.facts().value_type) {
        (Field::Start | Field::End, _) => &["date"],
        (_, ValueType::Address) => &["ip"],
        (_, ValueType::Int32) => &["integer", "long"],
        (_, ValueType::Int64) => &["long"],
        (_, ValueType::Text) => &["keyword"],
    }
}

#[test]
fn every_field_has_the_type_of_its_values() {
    let mappings = &template()["template"]["mappings"];
    let properties = mappings["properties"].as_object().unwrap();
    let texts = json!({"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}});
    assert_eq!(mappings["dynamic_templates"], json!([{ "texts": texts }]));
    let mut known: BTreeSet<_> =
        ["@timestamp", "event", "source", "destination"].map(str::to_owned).into();
    for field in Field::ALL {
        let name = field.json_name().to_string();
        match properties.get(&name) {
            Some(property) => {
                let found = property["type"].as_str().unwrap();
                assert!(types(field).contains(&found), "{name}: {found}");
            }
            // Texts are keywords unless something else is said.
            None => assert_eq!(types(field), ["keyword"], "{name}"),
        }
        known.insert(name);
    }
    assert_eq!(properties["start"]["format"], "epoch_second");
    assert_eq!(properties["end"]["format"], "epoch_second");
    for end in ["source", "destination"] {
        let of_end = &properties[end]["properties"];
        assert_eq!(of_end["geo"]["properties"]["location"]["type"], "geo_point");
        assert_eq!(of_end["as"]["properties"]["number"]["type"], "long");
    }
    let strange: Vec<_> = properties.keys().filter(|name| !known.contains(*name)).collect();
    assert_eq!(strange, [""; 0]);
}

/// docs/forwarders.md installs it under this name.
#[test]
fn documents_get_their_ids_from_the_pipeline() {
    let text = include_str!("../../../forwarders/opensearch/ingest-pipeline.json");
    let pipeline: Value = serde_json::from_str(text).unwrap();
    let set = json!({"if": "ctx.event?.id != null", "field": "_id", "value": "{{event.id}}"});
    assert_eq!(pipeline["processors"], json!([{ "set": set }]));
    assert_eq!(template()["template"]["settings"]["index.default_pipeline"], "flow-log-ids");
    let documented = include_str!("../../../docs/forwarders.md");
    assert!(documented.contains("_ingest/pipeline/flow-log-ids:ingest-pipeline"));
}
