"""The alert rules and the dashboard ask for metrics that exist, and Prometheus understands them."""

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from docs.scripts.packages import ROOT

FOLDER = ROOT / "docker" / "monitoring"
RULES = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "grafana" / "dashboards" / "gemel.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
_OF_HISTOGRAMS = re.compile("_(bucket|count|sum)$")

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="the command `promtool` is missing (Debian: prometheus)",
)


def expressions() -> list[str]:
    variables = [variable for variable in DASHBOARD["templating"]["list"] if variable["type"] == "query"]
    return [
        *(rule["expr"] for rule in RULES),
        *(target["expr"] for panel in PANELS for target in panel["targets"]),
        *(variable["definition"] for variable in variables),
        *(annotation["expr"] for annotation in DASHBOARD["annotations"]["list"]),
    ]


def test_every_metric_that_is_asked_for_exists_and_every_metric_is_on_the_dashboard() -> None:
    """`/metrics` exposes those of its reference page: another test holds the page equal to the code."""
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    existing = set(re.findall(r"`(gemel_[a-z_]+)`", page))
    asked = {
        _OF_HISTOGRAMS.sub("", name)
        for text in expressions()
        for name in re.findall(r"\bgemel_[a-z_]+", text)
    }

    assert len(existing) > 20
    assert asked <= existing, "asked for, but not exposed"
    on_dashboard = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    missing = {name for name in existing if name not in on_dashboard} - {"gemel_reindex_state"}
    assert not missing


def test_every_alert_says_what_is_wrong_and_leads_to_what_to_do() -> None:
    headings = re.findall(r"^#+ (\w+)$", (ROOT / "docs" / "how-to" / "monitor.md").read_text(), re.MULTILINE)
    for rule in RULES:
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["runbook"] == f"docs/how-to/monitor.md#{rule['alert'].lower()}"
        assert rule["alert"] in headings, "the runbook has a section of it"
        assert rule["labels"]["severity"] in ("critical", "warning", "info")


def test_every_alert_is_tested() -> None:
    tested = {test["name"] for test in yaml.safe_load((FOLDER / "alerts.test.yml").read_text())["tests"]}

    assert tested == {rule["alert"] for rule in RULES}


def test_the_dashboard_has_the_form_that_grafana_expects() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    assert DASHBOARD["uid"]
    assert DASHBOARD["schemaVersion"] >= 36
    for panel in PANELS:
        assert panel["title"]
        assert panel["targets"], panel["title"]
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
    names = {variable["name"] for variable in DASHBOARD["templating"]["list"]} | {"__rate_interval"}
    used = {name for text in expressions() for name in re.findall(r"\$(\w+)", text)}
    assert used <= names
    for one, other in combinations([panel["gridPos"] for panel in DASHBOARD["panels"]], 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)
        assert one["x"] + one["w"] <= 24


@needs_promtool
def test_prometheus_accepts_the_alerts_and_each_fires_when_it_should() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", "alerts.yml")
    promtool("test", "rules", "alerts.test.yml")


@needs_promtool
def test_prometheus_understands_every_query_of_the_dashboard(tmp_path: Path) -> None:
    """Each as a recording rule: `promtool` reads the query in it."""
    queries = [
        target["expr"].replace("$__rate_interval", "5m") for panel in PANELS for target in panel["targets"]
    ]
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))

    assert f"{len(queries)} rules found" in promtool("check", "rules", str(file))


@needs_promtool
def test_prometheus_accepts_its_configuration() -> None:
    promtool("check", "config", "--syntax-only", "prometheus.yml")


def test_compose_mounts_files_that_exist() -> None:
    """The paths are relative to the folder of the first compose file, `docker/`."""
    composed = yaml.safe_load((FOLDER / "compose.yaml").read_text())
    mounted = [
        volume.split(":")[0]
        for service in composed["services"].values()
        for volume in service["volumes"]
        if volume.startswith("./")
    ]

    assert len(mounted) == 4
    assert all((ROOT / "docker" / path).exists() for path in mounted)


def promtool(*arguments: str) -> str:
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
