"""The dashboard: it leads where the outputs lead, knows every function, and the report's prices."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.templates.documents import MAIN, ROOT, cached_template, properties, resources

BODY, VARIABLES = properties("RecorderDashboard")["DashboardBody"]["Fn::Sub"]
FUNCTIONS = resources(cached_template(MAIN), "AWS::Serverless::Function")
PRICES = (ROOT / "crates" / "report" / "src" / "prices.rs").read_text()
# The variables of the body that hold JSON, and some of it.
FILLED = {
    "GatewayCharts": '{"type": "metric"}',
    "GatewayMetrics": '["AWS/NATGateway"]',
    "RecordsCost": VARIABLES["RecordsCost"]["Fn::If"][1]["Fn::Sub"][0],
}


def widgets() -> list[dict[str, Any]]:
    """The widgets with the names of resources in place of their values."""
    filled = re.sub(r"\$\{(\w+)\}", lambda found: FILLED.get(found[1], found[0]), BODY)
    return json.loads(filled)["widgets"]


def rows(widget: dict[str, Any]) -> list[list[Any]]:
    """The metrics of a widget."""
    return widget.get("properties", {}).get("metrics", [])


def titled(title: str) -> dict[str, Any]:
    """The widget with this title."""
    [found] = [own for own in widgets() if own.get("properties", {}).get("title") == title]
    return found


def test_it_exists_only_if_it_is_asked_for_as_it_costs() -> None:
    template = cached_template(MAIN)
    assert template["Resources"]["RecorderDashboard"]["Condition"] == "HasDashboard"
    parameter = template["Parameters"]["Dashboard"]
    assert parameter["Default"] == "false"
    assert "$3 a month" in parameter["Description"]


def test_two_stacks_and_two_regions_have_dashboards_of_their_own() -> None:
    name = properties("RecorderDashboard")["DashboardName"]["Fn::Sub"]
    assert name == "${AWS::StackName}-${AWS::Region}"


def test_every_function_is_on_it() -> None:
    shown = titled("Errors of the functions, retries included")
    for metric in ("Errors", "Throttles"):
        functions = {row[3] for row in rows(shown) if row[:2] == ["AWS/Lambda", metric]}
        assert functions == {f"${{{function}}}" for function in FUNCTIONS}
    labels = {row[4]["label"] for row in rows(shown) if row[1:2] == ["Errors"]}
    packages = {own["Properties"]["CodeUri"].rsplit("/", 1)[1] for own in FUNCTIONS.values()}
    assert labels == packages


def test_every_alarm_about_the_recorder_is_on_it() -> None:
    shown = titled("Alarms about the recorder itself")["properties"]["alarms"]
    alarms = resources(cached_template(MAIN), "AWS::CloudWatch::Alarm")
    assert shown == [f"${{{alarm}.Arn}}" for alarm in alarms]


def test_its_expressions_have_their_metrics() -> None:
    for widget in widgets():
        own = [row[-1]["id"] for row in rows(widget) if row[-1:] and "id" in row[-1]]
        assert len(own) == len(set(own)), widget["properties"]["title"]
        for row in rows(widget):
            expression = row[0].get("expression", "") if isinstance(row[0], dict) else ""
            named = set(re.findall(r"\b[a-z]\w*\b", re.sub(r"\$\{\w+\}|\"\w+\"", "", expression)))
            assert named <= set(own), expression


def test_its_links_are_those_of_the_outputs() -> None:
    template = cached_template(MAIN)
    texts = [BODY, *(own["Fn::Sub"][0] for own in VARIABLES["Links"]["Fn::If"][1:])]
    links = {link for text in texts for link in re.findall(r"\]\((https://[^)]+)\)", text)}
    outputs = {
        output["Value"]["Fn::Sub"][0]
        for name, output in template["Outputs"].items()
        if name.endswith("Console")
    }
    assert len(links) == 5
    assert links <= outputs


def test_its_prices_are_those_of_the_report() -> None:
    prices = cached_template(MAIN)["Mappings"]["Prices"]["PerGB"]
    for name, dollars in prices.items():
        constant = re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()
        declared = PRICES.split(f"pub const {constant}: Price =", 1)[1].split(";", 1)[0]
        noted = re.search(r"\b\d+\.\d+\b", declared)
        assert noted is not None
        assert float(dollars) == float(noted[0]), name
    assert re.search(r"BYTES_PER_GB: f64 = 1e9;", PRICES)
    assert BODY.count("/ 1000000000 *") == 1
