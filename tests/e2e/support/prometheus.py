"""A Prometheus that scrapes one server, and promtool beside it."""

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

from support.contract import ROOT
from support.server import Server, free_port
from support.waiting import wait_until

MONITORING = ROOT / "deploy/monitoring"
ALERTS, CASES, DASHBOARD = MONITORING / "alerts.yaml", MONITORING / "alerts_test.yaml", MONITORING / "dashboard.json"


def promtool(*arguments: object, cwd: Path = MONITORING, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    command = ["promtool", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60)


class Prometheus:
    """Prometheus with the rules of this repository, in a folder of its own."""

    def __init__(self, folder: Path, server: Server) -> None:
        assert shutil.which("prometheus"), "no Prometheus: apt-get install prometheus"
        self.port = free_port()
        scrape = {"job_name": "ipse", "static_configs": [{"targets": [f"127.0.0.1:{server.side_port}"]}]}
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [scrape],
            "rule_files": [str(ALERTS)],
        }
        self.file = folder / "prometheus.yml"
        self.file.write_text(yaml.safe_dump(settings))
        self.folder = folder

    def __enter__(self) -> "Prometheus":
        command = ["prometheus", f"--config.file={self.file}", f"--storage.tsdb.path={self.folder / 'data'}"]
        command.append(f"--web.listen-address=127.0.0.1:{self.port}")
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self._has_scraped, "Prometheus has scraped", 30)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def _has_scraped(self) -> bool:
        try:
            return bool(self.query('up{job="ipse"} == 1'))
        except OSError:
            return False

    def ask(self, path: str, **parameters: str) -> object:
        """What its API answers."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=15) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[dict]:
        """The series that an expression yields now."""
        return self.ask("query", query=expression)["result"]
