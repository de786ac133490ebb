"""Results know no screen: an installed presenter makes their tables, documents and texts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.graphs import separable

import costcalc
from costcalc.analysis.report import analyze_graph
from costcalc.core import result
from costcalc.studies.suggest.suggestion import Suggestion
from costcalc.views import present


def test_the_presenter_is_a_module_that_has_all_that_is_asked_of_it() -> None:
    names = [name for name in vars(result.Presenter) if not name.startswith("_")]
    assert sorted(names) == ["document", "frame", "markup", "rich", "save", "tables", "text"]
    assert all(callable(getattr(result.presenter(), name)) for name in names)


def test_without_a_presenter_a_result_cannot_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result, "_INSTALLED", [])
    result.presenter.cache_clear()
    with pytest.raises(RuntimeError, match="no presenter is installed"):
        str(analyze_graph(separable()))


def test_costing_a_model_imports_no_view_and_no_renderer() -> None:
    code = (
        "import sys, costcalc\n"
        "report = costcalc.analyze('lenet5')\n"
        "repr(costcalc.on_hardware(report, 't4')[0])\n"
        "print([m for m in sys.modules if m.startswith(('costcalc.views', 'costcalc.render', 'costcalc.views.report'))])\n"
    )
    root = str(Path(costcalc.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": root})
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_what_has_no_tables_and_no_document_is_a_wrong_type() -> None:
    with pytest.raises(TypeError, match="int has no tables"):
        present.tables(3)
    with pytest.raises(TypeError, match="int has no JSON document"):
        present.document(3)


def test_parts_of_results_have_documents_too() -> None:
    found = costcalc.suggest("lenet5")
    assert found.ranked and isinstance(found[0], Suggestion)
    assert found[0].to_dict() == found.to_dict()["suggestions"][0]
    assert len(found.tables(top=1)[0].rows) == 1


def test_an_explanation_is_text() -> None:
    explanation = costcalc.explain(separable())
    assert explanation.tables() == ()
    assert "672 / 2,160 = 1/5 + 1/9" in str(explanation)
    assert "<pre>" in explanation._repr_html_()
