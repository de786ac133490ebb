"""`costcalc server` without what it needs: exit 2 with what to do."""

import pytest
from support.cli import call
from support.paths import ROOT

from costcalc.cli.commands import server


@pytest.mark.parametrize("protocol", server.PACKAGES)
def test_without_its_package_a_protocol_is_refused_with_what_to_install(
    protocol: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    code, out, err = call(capsys, "server", f"--{protocol}")
    assert (code, out) == (2, "")
    assert (
        err
        == f"costcalc: --{protocol} needs the package {server.PACKAGES[protocol]}; pip install 'costcalc[{protocol}]'\n"
    )


def test_the_extras_name_the_packages() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for extra, package in server.PACKAGES.items():
        assert f'{extra} = ["{package}>=' in text


def test_a_protocol_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "server")
    assert code == 2
    assert "--lsp for an editor, or --mcp for an agent" in err


def test_a_root_is_for_tools(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = call(capsys, "server", "--lsp", "--root", ".")
    assert code == 2
    assert "--root is for --mcp" in err
    assert call(capsys, "server", "--mcp", "--root", "no/such/folder")[0] == 2


def test_two_protocols_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("--lsp", "--mcp"), ("--mcp", "--lsp")):
        code, _, err = call(capsys, "server", *arguments)
        assert code == 2
        assert "two protocols" in err
