"""The network diagram in a browser: blocks open by mouse and keyboard, and a graph without blocks is drawn in runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from support.browser import chromium, complaints, shown, texts  # noqa: F401

import costcalc
from costcalc.rules import DType, GraphBuilder

Open = Callable[..., Any]


def test_the_diagram_opens_blocks_by_keyboard(show: Open) -> None:
    page = show(costcalc.analyze("resnet50"))
    from selenium.webdriver.common.keys import Keys

    node = page.find_element("css selector", "#network .node.block")
    page.execute_script("arguments[0].focus()", node)
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert texts(page, "#network .panel h3") == ["conv2_x/bottleneck1"]
    page.switch_to.active_element.send_keys(Keys.ENTER)
    assert texts(page, "#network .crumbs b") == ["bottleneck1"]
    assert len(texts(page, "#network .port")) == 3 and complaints(page) == []


def test_one_node_takes_tab_and_arrows_lead_on(show: Open) -> None:
    page = show(costcalc.analyze("resnet18"))
    from selenium.webdriver.common.keys import Keys

    page.execute_script("document.querySelector('#network .node[tabindex=\"0\"]').focus()")
    page.switch_to.active_element.send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP)
    assert page.execute_script("return document.activeElement.querySelector('.name').textContent") == "conv1/batch_norm"
    assert page.execute_script("return document.querySelectorAll('#network .node[tabindex=\"0\"]').length") == 1


def test_a_graph_without_blocks_is_drawn_in_runs(show: Open) -> None:
    """900 layers in a row: 30 runs of 30, of which each opens."""
    b = GraphBuilder("flat", "made", {"": 17})
    x = b.add_input("x", DType.FLOAT32, (1, 8))
    for i in range(900):
        (x,) = b.add("Relu", [x], name=f"relu{i}")
    page = show(costcalc.analyze(b.build([x])))
    assert len(texts(page, "#network .node")) == 30
    page.execute_script("document.querySelectorAll('.node')[1].dispatchEvent(new Event('dblclick'))")
    assert texts(page, "#network .crumbs b") == ["layers 31 to 60"]
    assert texts(page, "#network .node .name") == [f"relu{i}" for i in range(30, 60)]
