"""--watch: a check runs again when a file that it reads is saved, goes on through half-saved files, and ends on Ctrl-C
with the last exit code."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.cli import environment
from support.paths import ROOT

from costcalc.cli import watch
from costcalc.cli.app import run

PROFILES = ROOT / "costcalc/analysis/hardware/profiles"

NET = "name: Net\ninput: [N, 3, 8, 8]\nlayers:\n  - conv: {filters: 4, kernel: 1}\n"
CONFIG = "models: [models/*.yaml]\nlimits: {macs: 768}\n"  # 3 · 4 · 8 · 8
LISTENS = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nfrom costcalc.__main__ import main\nmain()\n"
"""costcalc as it is in a shell: a runner of tests may pass on that Ctrl-C is to be ignored."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")


class Watch:
    """A command with --watch whose messages are read one run after another."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def next_run(self) -> tuple[str, list[str]]:
        """The line that closes the next run, and the messages before it."""
        messages: list[str] = []
        assert self.process.stderr is not None
        end = time.monotonic() + 60
        while time.monotonic() < end and select.select([self.process.stderr], [], [], 60)[0]:
            line = self.process.stderr.readline()
            if "; Ctrl-C ends" in line or not line:
                return line, messages
            messages.append(line)
        raise AssertionError(f"no run came: {messages}")

    def interrupt(self) -> int:
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def begin(folder: Path, *words: str) -> Iterator[Watch]:
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", LISTENS, *words],
        cwd=folder,
        env=environment(),
        text=True,
        stdout=(folder / "out").open("w"),
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    try:
        yield Watch(process)
    finally:
        process.kill()
        process.wait()


def make_project(folder: Path) -> Path:
    (folder / "models").mkdir()
    (folder / "models/net.yaml").write_text(NET)
    (folder / "costcalc.yaml").write_text(CONFIG)
    return folder / "models/net.yaml"


def test_it_checks_on_each_save_and_ends_with_the_last_exit_code(tmp_path: Path) -> None:
    net = make_project(tmp_path)
    with begin(tmp_path, "check", "--watch", "-o", "verdict.txt") as watched:
        assert "exit code 0; watching costcalc.yaml, models/net.yaml;" in watched.next_run()[0]
        net.write_text("layers: [")
        line, messages = watched.next_run()
        assert "exit code 2" in line and "models/net.yaml changed" in messages[0]
        assert any("models/net.yaml:2:1: not YAML" in message for message in messages), messages
        net.unlink()
        assert "exit code 2" in watched.next_run()[0]
        net.with_name(".net.yaml.swp").write_text(NET)
        net.with_name(".net.yaml.swp").rename(net)
        assert "exit code 0" in watched.next_run()[0]
        (tmp_path / "models/new.yaml").write_text(NET.replace("filters: 4", "filters: 8"))
        line, messages = watched.next_run()
        assert "exit code 1" in line and "models/new.yaml changed" in messages[0]
        (tmp_path / "costcalc.yaml").write_text(CONFIG.replace("768", "1536"))
        assert "exit code 0" in watched.next_run()[0]
        (tmp_path / "costcalc.yaml").write_text(CONFIG.replace("768", "1535"))
        assert "exit code 1" in watched.next_run()[0]
        assert "1,536 of 1,535" in (tmp_path / "verdict.txt").read_text()
        assert watched.interrupt() == 1


def test_rules_and_the_lock_are_watched(tmp_path: Path) -> None:
    make_project(tmp_path)
    (tmp_path / "rules.py").write_text("")
    with begin(tmp_path, "check", "--watch", "--rules", "rules.py", "--jobs", "2") as watched:
        assert "rules.py" in watched.next_run()[0]
        (tmp_path / "rules.py").write_text("1 / 0\n")
        assert "exit code 2" in watched.next_run()[0]
        (tmp_path / "rules.py").write_text("x = 1\n")
        assert "exit code 0" in watched.next_run()[0]
        subprocess.run(
            [sys.executable, "-m", "costcalc", "lock"], cwd=tmp_path, env=environment(), check=True, capture_output=True
        )
        line, messages = watched.next_run()
        assert "costcalc.lock.json changed" in messages[0] and "costcalc.lock.json" in line
        assert watched.interrupt() == 0


def test_analyze_watches_too_and_prints_each_time(tmp_path: Path) -> None:
    net = make_project(tmp_path)
    with begin(tmp_path, "analyze", "models/net.yaml", "--watch", "--format", "json") as watched:
        watched.next_run()
        net.write_text(NET.replace("filters: 4", "filters: 8"))
        watched.next_run()
        assert watched.interrupt() == 0
    documents = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [one["models"][0]["totals"]["macs"] for one in documents] == [768, 1536]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["check", "--watch"], 3, "there is no limit"),
        (["analyze", "--watch", "-"], 2, "standard input can be read once"),
        (["check", "--watch", "--init"], 2, "--init writes a config once"),
        (["check", "--watch", "--add-ignores"], 2, "--add-ignores writes a config once"),
        (["check", "--watch", "--nonsense"], 2, "No such option"),
        (["analyze", "lenet5", "--watch", "--dim", "N=-1"], 2, "is not understood"),
        (["analyze", "lenet5", "--watch"], 0, "it reads no file"),
    ],
)
def test_what_reads_no_file_ends_at_once(words: list[str], code: int, message: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "costcalc", *words],
        cwd=tmp_path,
        env=environment(),
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr


def test_names_that_editors_write_for_a_moment_are_no_change(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    before = watch.input_state(str(tmp_path))
    for name in (".net.yaml.swp", "net.yaml~", "#net.yaml#", "4913", "net.yaml.tmp"):
        (tmp_path / name).touch()
    assert watch.input_state(str(tmp_path)) == before
    (tmp_path / "other.yaml").touch()
    assert watch.input_state(str(tmp_path)) != before
    assert watch.input_state(str(tmp_path / "missing")) is None


def test_inputs_that_cannot_be_noted_are_an_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "costcalc", "analyze", "lenet5"],
        env=environment(COSTCALC_INPUTS=str(tmp_path / "no" / "file")),
        text=True,
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.endswith("unset COSTCALC_INPUTS\n")


def test_profiles_rules_and_what_they_import_are_watched(tmp_path: Path) -> None:
    (tmp_path / "device.yaml").write_bytes((PROFILES / "t4.yaml").read_bytes())
    (tmp_path / "rules.py").write_text("import sys\nsys.path.insert(0, '.')\nimport helper\n")
    (tmp_path / "helper.py").write_text("x = 1\n")
    words = ("analyze", "lenet5", "--hardware", "device.yaml", "--rules", "rules.py", "--watch")
    with begin(tmp_path, *words) as watched:
        assert "watching device.yaml, helper.py, rules.py;" in watched.next_run()[0]
        (tmp_path / "helper.py").write_text("x = 12\n")
        line, messages = watched.next_run()
        assert "helper.py changed" in messages[0] and "watching device.yaml, helper.py, rules.py;" in line


def test_no_run_tells_its_inputs_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", "lenet5"]) == 0
    assert "watching" not in "".join(capsys.readouterr())
