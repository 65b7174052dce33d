"""The figures of the link are those of messages that arrived."""

from __future__ import annotations

import json

import pytest
from TemporalReconLib.benchmark import link_engine, link_figures
from TemporalReconLib.cli import benchmark_link
from TemporalReconLib.errors import InputError


@pytest.fixture(autouse=True)
def small_frames(monkeypatch):
    for module in (link_figures, link_engine):
        for name, value in (("N_SLICES", 1), ("N_ROWS", 32), ("N_COLUMNS", 16)):
            monkeypatch.setattr(module, name, value)


def test_our_link_and_the_engine_are_measured_message_by_message():
    ours = link_figures.measure_ours(2, 6)
    engine = link_engine.measure_engine(2, 6)
    assert 0.0 < ours.median_ms <= ours.p95_ms and ours.frames_per_second > 0.0
    assert ours.megabytes == pytest.approx(32 * 16 * 8 * 2 / 1e6)
    assert 0.0 < engine.median_ms <= engine.p95_ms


def test_a_link_that_is_not_installed_has_no_row(monkeypatch):
    monkeypatch.setattr(link_figures.shutil, "which", lambda name: None)
    assert link_figures.measure_cpp(1, 5) is None


def test_the_command_writes_a_table_and_a_file(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(link_figures, "measure_pyigtl", lambda *_: None)
    monkeypatch.setattr(
        link_figures, "measure_cpp", lambda n_coils, _: link_figures.LinkFigures("C++", n_coils, 1.5, 2.5, 9.0)
    )
    output = tmp_path / "link.json"
    parser = benchmark_link.argparse.ArgumentParser()
    benchmark_link.add_parser(parser.add_subparsers())
    options = parser.parse_args(["link", "--messages", "5", "--output", str(output)])
    assert options.run(options) == 0
    rows = json.loads(output.read_text())["rows"]
    assert [(row["link"], row["n_coils"]) for row in rows] == [
        (link, n_coils) for n_coils in (1, 16) for link in ("ours", "C++", "engine - computing")
    ]
    assert "1.50     2.50       9.0     0" in capsys.readouterr().out
    with pytest.raises(InputError, match="--messages 2"):
        options.run(parser.parse_args(["link", "--messages", "2"]))


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(link_figures, "measure_ours", lambda *_: pytest.fail("measured"))
    parser = benchmark_link.argparse.ArgumentParser()
    benchmark_link.add_parser(parser.add_subparsers())
    options = parser.parse_args(["link", "--output", str(tmp_path / "missing" / "link.json")])
    with pytest.raises(InputError, match="does not exist"):
        options.run(options)
