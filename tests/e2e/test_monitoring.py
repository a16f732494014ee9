"""Metrics, alerts and dashboard, as a real Prometheus takes them from the service."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from support import contract
from support.client import SECONDS
from support.contract import ROOT
from support.errors import Refusal
from support.http import ask
from support.people import administrator
from support.prometheus import ALERTS, CASES, DASHBOARD, Prometheus, promtool
from support.races import attempt
from support.server import Server
from support.waiting import wait_until

RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
PANELS = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
# The name is that of OpenTelemetry's conventions.
LEGITIMATE = "db_client_connection_count non-histogram and non-summary metrics should not have"
CODES = "OK UNKNOWN DEADLINE_EXCEEDED INTERNAL UNAVAILABLE DATA_LOSS".split()


@pytest.fixture(scope="module")
def prometheus(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with server.client() as client:
        root = administrator(server, client)
        assert isinstance(attempt(lambda: client.log_in("root@example.com", "not this password")), Refusal)
        request = contract.token_pb2.IntrospectTokenRequest(token=root)
        assert isinstance(attempt(lambda: client.tokens.IntrospectToken(request, timeout=SECONDS)), Refusal)
        with Prometheus(tmp_path_factory.mktemp("prometheus"), server) as prometheus:
            yield prometheus


def expressions() -> dict[str, str]:
    """Every expression by where it stands, with the dashboard's variables filled in."""
    rules = {rule["alert"]: rule["expr"] for rule in RULES}
    panels = {f"{title} {target['refId']}": target["expr"] for title, target in TARGETS}
    filled = {name: text.replace("$job", "ipse").replace("$__rate_interval", "1m") for name, text in panels.items()}
    return rules | filled


def selectors(expression: str) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """The metrics of an expression, each with its matchers."""
    found = re.findall(r"([a-z_]\w*)\{([^}]*)\}", expression)
    return [(name, re.findall(r'(\w+)(=~|!=|!~|=)"([^"]*)"', matchers)) for name, matchers in found]


def test_promtool_finds_nothing_wrong_with_the_metrics(server: Server, prometheus: Prometheus) -> None:
    text = ask(server, "/metrics").body.decode()
    # promtool reads the older format, where the names of counters have their ending everywhere.
    counters = re.findall(r"^# TYPE (\w+) counter$", text, re.MULTILINE)
    for name in counters:
        text = re.sub(rf"^# (TYPE|HELP) {name} ", rf"# \1 {name}_total ", text, flags=re.MULTILINE)
    problems = promtool("check", "metrics", stdin=text).stderr.splitlines()
    assert len(problems) == 1 and problems[0].startswith(LEGITIMATE), problems


def test_the_rules_are_sound_and_their_cases_hold() -> None:
    for arguments in (("check", "rules", ALERTS.name), ("test", "rules", CASES.name)):
        done = promtool(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_its_cases_and_its_section() -> None:
    cases = yaml.safe_load(CASES.read_text())["tests"]
    expected = {(rule["alert"], fires) for rule in RULES for fires in (True, False)}
    found = [(one["alertname"], bool(one["exp_alerts"])) for case in cases for one in case["alert_rule_test"]]
    assert set(found) == expected and len(found) == len(expected)
    page = (ROOT / "docs/monitoring.md").read_text()
    section = page[page.index("\n## Alerts") : page.index("\n## Traces")]
    parts = dict(zip(*[iter(re.split(r"\n### (\w+)\n", section)[1:])] * 2, strict=True))
    assert list(parts) == [rule["alert"] for rule in RULES]
    assert not [alert for alert, text in parts.items() if len(text.strip().split("\n\n")) < 2], "what it means, what to do"
    for rule in RULES:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["runbook_url"] == f"docs/monitoring.md#{rule['alert'].lower()}"


def test_prometheus_takes_every_rule_and_nothing_fires(prometheus: Prometheus) -> None:
    def rules() -> list[dict]:
        [group] = prometheus.ask("rules")["groups"]
        return group["rules"] if all(rule["health"] != "unknown" for rule in group["rules"]) else []

    found = wait_until(rules, "all rules are evaluated")
    assert {(rule["health"], rule["state"]) for rule in found} == {("ok", "inactive")}


@pytest.mark.parametrize("place", expressions())
def test_what_rules_and_panels_ask_for_is_there(prometheus: Prometheus, place: str) -> None:
    expression = expressions()[place]
    prometheus.query(expression)
    asked = selectors(expression)
    assert asked
    labels = set()
    for name, matchers in asked:
        series = prometheus.query(f'{{__name__="{name}"}}')
        assert series, f"there is no metric {name}"
        assert ("job", "=", "ipse") in matchers, "what is not Ipse's would count too"
        labels |= {label for one in series for label in one["metric"]}
        for label, operator, value in matchers:
            check_matcher(prometheus, (name, label), operator, value)
    grouped = {label.strip() for by in re.findall(r"\bby \(([^)]*)\)", expression) for label in by.split(",")}
    shown = {label for title, target in TARGETS if f"{title} {target['refId']}" == place
             for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])}
    assert grouped | shown <= labels
    assert shown <= grouped or not grouped


def check_matcher(prometheus: Prometheus, place: tuple[str, str], operator: str, value: str) -> None:
    name, label = place
    assert prometheus.query(f'{{__name__="{name}", {label}!=""}}'), f"{name} has no label {label}"
    for one in value.split("|") if operator in ("=", "=~") else []:
        if label == "reason":
            assert f"\n### {one}\n" in (ROOT / "docs/errors.md").read_text()
        elif label == "rpc_response_status_code":
            assert one in CODES
        elif label == "rpc_method":
            assert prometheus.query(f'ipse_active_calls{{rpc_method="{one}"}}'), f"there is no method {one}"
        else:
            assert prometheus.query(f'{{__name__="{name}", {label}=~"{one}"}}'), f"{name} has no {label} {one}"


def differences(written: object, read: object, place: str = "") -> Iterator[str]:
    """Where what was read is not what was written; what was added does not count."""
    if isinstance(written, dict) and isinstance(read, dict):
        for key, value in written.items():
            yield from differences(value, read.get(key), f"{place}.{key}")
    elif isinstance(written, list) and isinstance(read, list) and len(written) == len(read):
        for number, (one, other) in enumerate(zip(written, read, strict=True)):
            yield from differences(one, other, f"{place}[{number}]")
    elif written != read:
        yield place


def through_grafana(dashboard: dict) -> list[str]:
    """What Grafana's own types do not keep of a dashboard: what they do not know, or not with such a value."""
    register_default_plugins()
    return list(differences(dashboard, json.loads(json.dumps(Dashboard.from_json(dashboard), cls=JSONEncoder))))


def test_the_dashboard_is_what_grafana_takes() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert through_grafana(dashboard) == []
    wrong = copy.deepcopy(dashboard)
    wrong["panels"][1]["targets"][0]["expression"] = wrong["panels"][1]["targets"][0].pop("expr")
    assert through_grafana(wrong) == [".panels[1].targets[0].expression"]
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y) for panel in panels
              for x in range(panel["gridPos"]["w"]) for y in range(panel["gridPos"]["h"])]
    assert len(set(places)) == len(places) and max(x for x, _ in places) < 24, "panels lie on each other"
    assert all(panel["description"] for panel in PANELS)


def test_the_dashboard_shows_every_metric(server: Server, prometheus: Prometheus) -> None:
    text = ask(server, "/metrics").body.decode()
    metrics = {name + ("_total" if kind == "counter" else "") for name, kind in re.findall(r"# TYPE (\w+) (\w+)", text)}
    shown = {name for _, target in TARGETS for name, _ in selectors(target["expr"])}
    assert metrics == {re.sub(r"_(bucket|count)$", "", name) if name.startswith("rpc_") else name for name in shown}
