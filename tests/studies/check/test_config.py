"""A config's text → its entries; what breaks the form is refused at file:line:column."""

from fractions import Fraction
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from support.check_results import place

from costcalc import CostcalcError
from costcalc.studies.check.budget import DEFAULT_INCREASES, Increase, LayerLimit
from costcalc.studies.check.config_file import find_config_file, nearest_config, read_config_file


def config(tmp_path: Path, text: str, name: str = "costcalc.yaml") -> Any:
    (tmp_path / name).write_text(dedent(text), encoding="utf-8")
    return read_config_file(tmp_path / name)


def limits(found: Any, entry: int = 0) -> dict[str, object]:
    return {f"{one.quantity} {one.subject}".strip(): one.value for one in found.entries[entry].budget.limits}


def test_human_units_are_exact_and_never_round_in_favour_of_a_pass(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """\
        models: [net.yaml]
        limits: {macs: 600M, params: 5M, weight_bytes: 4.2 MiB, time: {t4: 2.1 ms, a100: 340 µs}, ops: {Gelu: 0}}
        """,
    )
    assert limits(found) == {
        "macs": 600_000_000,
        "params": 5_000_000,
        "weight_bytes": 42 * 1024 * 1024 // 10,
        "time t4": Fraction(21, 10_000),
        "time a100": Fraction(340, 10**6),
        "ops Gelu": 0,
    }
    assert found.entries[0].budget.limits[0].place == place(str(tmp_path / "costcalc.yaml"), 2, 10)


def test_scenarios_add_to_and_override_their_model_and_the_whole_file(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """\
        models:
          - path: net.yaml
            set: {alpha: 0.5, depth: 3}
            limits: {params: 3M}
            scenarios:
              batch1: {dims: {N: 1}}
              batch8: {dims: {N: 8}, set: {alpha: 1.0}, limits: {macs: none, params: 4M, time: none}, allow: [B]}
              plain:
        limits: {macs: 1G, time: {t4: 1 ms}}
        allow: A
        """,
    )
    one, eight, plain = found.entries
    assert [e.scenario for e in found.entries] == ["batch1", "batch8", "plain"]
    assert (one.settings.dims, one.settings.params) == ({"N": 1}, {"alpha": "0.5", "depth": 3})
    assert (eight.settings.dims, eight.settings.params) == ({"N": 8}, {"alpha": "1.0", "depth": 3})
    assert limits(found, 0) == {"macs": 10**9, "params": 3 * 10**6, "time t4": Fraction(1, 1000)} == limits(found, 2)
    assert limits(found, 1) == {"params": 4 * 10**6}
    assert (one.budget.allow, eight.budget.allow) == (("A",), ("A", "B"))
    assert plain.settings.dims == {}


@pytest.mark.parametrize("value", ["²", "--5", "1.5", "many"])
def test_values_are_whole_numbers(value: str, tmp_path: Path) -> None:
    with pytest.raises(CostcalcError, match="give a whole number, true or false"):
        config(tmp_path, f"models: [{{path: net.yaml, values: {{n: {value}}}}}]")


def test_increases_and_layers(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """\
        models:
          - path: net.yaml
            max_increase: {params: 0, macs: 2.5%, buffers: 1k}
            layers:
              "head/*": {max_share: 30%, macs: 10M}
              "*": {max_share: {params: 50%}, each: true}
          - other.yaml
        max_increase: 5%
        min_delta: {macs: 1M}
        """,
    )
    first, second = (e.budget for e in found.entries)
    assert [i._replace(place=None) for i in first.increases][:4] == [
        Increase("macs", Fraction(1, 40), 0, 1_000_000),
        Increase("flops", Fraction(1, 20)),
        Increase("params", None, 0),
        Increase("buffers", None, 1000),
    ]
    assert [layer._replace(place=None) for layer in first.layers] == [
        LayerLimit("head/*", "macs", Fraction(3, 10), share=True),
        LayerLimit("head/*", "macs", 10_000_000),
        LayerLimit("*", "params", Fraction(1, 2), share=True, each=True),
    ]
    assert [i.quantity for i in second.increases] == list(DEFAULT_INCREASES)
    assert {i.share for i in second.increases} == {Fraction(1, 20)}


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("models: [a]\nlimits: {mac: 1}", "2:10", "did you mean 'macs'"),
        ("modles: [a]", "1:1", "did you mean 'models'"),
        ("limits: {macs: 1}", "1:1", "`models:` is missing"),
        ("models: [{path: a, limit: {macs: 1}}]", "1:20", "a model has no key 'limit'; did you mean 'limits'"),
        ("models: [a]\nlimits: {macs: lots}", "2:16", "'lots' is not a quantity"),
        ("models: [a]\nlimits: {macs: -1}", "2:16", "'-1' is not a quantity"),
        ("models: [a]\nlimits: {params: 7B}", "2:18", "'7B' is in bytes, which this is not counted in"),
        ("models: [a]\nmax_increase: {macs: 1 KiB}", "2:22", "write 600M, or 7G for 7 billion"),
        ("models: [a]\nmin_delta: {flops: 1kb}", "2:20", "is in bytes"),
        ("models: [a]\nlayers: {x: {macs: 1MB}}", "2:20", "is in bytes"),
        ("models: [a]\nlimits: {time: {t4: 2}}", "2:21", "write it with its unit"),
        ("models: [a]\nlimits: {time: 2 ms}", "2:16", "`time:` is no mapping"),
        ("models: [a]\nlimits: {unknown_ops: 3}", "2:10", "can only be 0"),
        ("models: [a]\nlimits: {ops: {GELU: 0}}", "2:16", "did you mean 'Gelu'"),
        ("models: [a]\nmax_increase: 5", "2:15", "no percentage"),
        ("models: [a]\nmax_increase: {macs: 5 %%}", "2:22", "no percentage"),
        ("models: [{path: a, layers: {x: {peak_activation_bytes: 1}}}]", "1:33", "no key"),
        ("models: [a]\nignore: [CC999]", "2:10", "no code begins with"),
        ("models: [{path: 'a*', name: n}]", "1:29", "a glob has one `name:`"),
        ("models: [{name: n}]", "1:10", "`path:` is missing"),
        ("models: [{path: a, scenarios: {x: {pfad: 1}}}]", "1:36", "no key 'pfad'"),
        ("models: [{path: a, dtype: fp17}]", "1:27", "no element type"),
        ("models: [{path: a, dims: {N: 1.5}}]", "1:30", "give a whole number"),
        ("models: [{path: a, values: {n: --5}}]", "1:32", "give a whole number, true or false"),
        ("models: [{path: a, values: {n: 5²}}]", "1:32", "give a whole number, true or false"),
        ("models: [a, a", "2:1", "is not closed"),
        ("models: [a]\nmodels: [b]", "2:1", "given twice"),
    ],
)
def test_what_breaks_the_form_is_refused_at_its_place(tmp_path: Path, text: str, where: str, said: str) -> None:
    with pytest.raises(CostcalcError) as refused:
        config(tmp_path, text)
    assert str(refused.value).startswith(f"{tmp_path / 'costcalc.yaml'}:{where}: ")
    assert said in str(refused.value)


@pytest.mark.parametrize("key", ["ignore", "warn"])
@pytest.mark.parametrize("prefix", ["CC101", "CC1", "CC", "C"])
def test_what_cannot_be_told_is_neither_ignored_nor_lowered(tmp_path: Path, key: str, prefix: str) -> None:
    with pytest.raises(CostcalcError, match=r"never .*allow: \[domain:Op\]"):
        config(tmp_path, f"models: [a]\n{key}: [{prefix}]")


@pytest.mark.parametrize("text", ["\n", "# models:\n\n  # - net.yaml\n", "models: []\n", "models:\n"])
def test_a_config_may_name_no_model_yet(tmp_path: Path, text: str) -> None:
    assert not config(tmp_path, text).entries


def test_settings_are_said_as_on_the_command_line(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """\
        models:
          - path: a
            dtype: FP16
            act_dtype: bf16
            symbolic: true
            values: {n: -7, flag: True}
            scenarios: {open: , closed: {symbolic: false, dtype: int8}}
        """,
    )
    first, second = (e.settings for e in found.entries)
    assert (first.dtype, first.act_dtype, first.symbolic) == ("float16", "bfloat16", True)
    assert first.values == {"n": -7, "flag": True}
    assert (second.dtype, second.act_dtype, second.symbolic) == ("int8", "bfloat16", False)


def test_a_config_is_searched_upward_to_the_root_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "repo" / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "costcalc.yaml").write_text("models: [outside]")
    (tmp_path / "repo" / ".git").mkdir()
    monkeypatch.chdir(deep)
    assert find_config_file() is None
    with pytest.raises(CostcalcError, match="--init"):
        nearest_config()
    (tmp_path / "repo" / "costcalc.yml").write_text("models: [net]")
    found = nearest_config()
    assert (found.file, found.folder, found.entries[0].path) == ("../../costcalc.yml", Path("../.."), "net")
    (deep.parent / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert find_config_file() == Path("../../costcalc.yml"), "a pyproject.toml without the table is none"
    (deep.parent / "pyproject.toml").write_text("[tool.costcalc]\nmodels = ['m']\n")
    assert find_config_file() == Path("../pyproject.toml")


def test_a_config_has_a_key_for_every_setting(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """\
        models:
          - path: a
            fuse: true
            align: 64
            training: {optimizer: sgd, freeze: [stem*, head]}
            generation: {prompt: 128, generate: 32, cache_dtype: int8}
            devices: [t4, a100]
            scenarios:
              same:
              other: {fuse: false, execution: {in_place: true}, training: true, generation: none, devices: t4}
              changed: {training: {checkpoint: true}, generation: {batch: 8}, align: none}
          - b
        """,
    )
    first: dict[str, Any] = {
        "execution": {"fuse": True, "align": 64},
        "training": {"optimizer": "sgd", "freeze": ("stem*", "head")},
        "devices": ("t4", "a100"),
        "generation": {"prompt": 128, "generate": 32, "cache_dtype": "int8"},
    }
    assert [entry.settings.to_dict() for entry in found.entries] == [
        first,
        {"execution": {"in_place": True, "align": 64}, "training": first["training"], "devices": ("t4",)},
        first
        | {
            "execution": {"fuse": True},
            "training": first["training"] | {"checkpoint": True},
            "generation": first["generation"] | {"batch": 8},
        },
        {},
    ]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("models: [{path: a, fuse: 3}]", "1:26", "fuse is neither true nor false"),
        ("models: [{path: a, align: 0}]", "1:27", "give a whole number of at least 1"),
        ("models: [{path: a, training: {optimiser: sgd}}]", "1:31", "did you mean 'optimizer'"),
        ("models: [{path: a, training: {optimizer: lion}}]", "1:42", "there is no 'lion'; there are sgd"),
        ("models: [{path: a, generation: {cache_dtype: in8}}]", "1:46", "did you mean 'int8'"),
        ("models: [{path: a, devices: [[t4]]}]", "1:30", "devices is no word"),
        ('models: [a]\nlimits: {macs: ""}', "2:16", "macs has no value; write `macs: …`"),
        ("models: [a]\nmax_increase:", "2:14", "max_increase has no value; write `max_increase: …`"),
        ("models: [a]\nlimits: {energy: {t4: 1 ms}}", "2:23", "t4: '1 ms' is no energy"),
        ("models: [a]\nlimits: {arena: 1}", "2:10", "did you mean 'arena_bytes'"),
        ("models: [a]\nlimits: {tokens_per_second: {t4: 5}}", "2:30", "in a config with `min:`"),
        ("models: [a]\nmin: {macs: 5}", "2:7", "in a config `limits:`"),
        ("models: [a]\nlimits: {fits: {t4: false}}", "2:21", "is no limit of what holds or does not"),
        ("models: [a]\nmax_increase: {fits: {t4: 1}}", "2:16", "has no key 'fits'"),
        ("models: [a]\nlimits: {macs: }", "2:16", "macs has no value"),
        ("models: [a]\nlimits: {time: {t4: }}", "2:21", "t4 has no value"),
        ("models: [a]\nlimits: {fits: }", "2:16", "fits has no value"),
        ("models: [a]\nmin_delta: {macs: null}", "2:19", "macs has no value"),
        ("models: [a]\nmax_increase: {macs: }", "2:22", "macs has no value"),
        ("models: [a]\nlayers: {conv*: {macs: }}", "2:24", "macs has no value"),
        ("models: [a]\nlayers: {conv*: {max_share: {macs: }}}", "2:36", "macs has no value"),
        ("models: [a]\nlimits: {time: {t4: 1 ms}, time.t4: 2 ms}", "2:28", "time.t4 has two limits"),
        ("models: [a]\nmax_increase: {time.t4: 1%, time: {t4: 2%}}", "2:36", "time.t4 has two limits"),
    ],
)
def test_what_breaks_the_form_of_a_setting_is_refused_at_its_place(
    tmp_path: Path, text: str, where: str, words: str
) -> None:
    with pytest.raises(CostcalcError) as error:
        config(tmp_path, text)
    assert f"costcalc.yaml:{where}" in str(error.value) and words in str(error.value)


def test_devices_stand_behind_a_dot_in_a_mapping_or_in_a_list(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        """\
        models: [{path: a, scenarios: {all: , some: {limits: {energy: none, fits.t4: none}, max_increase: {time: {t4: none}}}}}]
        limits: {energy: {t4: 1 mJ}, energy.a100: 2 mJ, fits: [t4, a100]}
        min: {tokens_per_second: {t4: 50}}
        max_increase: {time: {t4: 2%}, time.a100: 1 us, macs: 0}
        min_delta: {time: {t4: 3 ns}}
        """,
    )
    every, some = [entry.budget for entry in found.entries]
    assert [(one.quantity, one.subject, one.value) for one in every.limits] == [
        ("energy", "t4", Fraction(1, 1000)),
        ("energy", "a100", Fraction(2, 1000)),
        ("fits", "t4", True),
        ("fits", "a100", True),
        ("tokens_per_second", "t4", 50),
    ]
    assert [(one.ref.key, one.share, one.amount, one.delta) for one in every.increases] == [
        ("macs", None, 0, 0),
        ("time.t4", Fraction(1, 50), 0, Fraction(3, 10**9)),
        ("time.a100", None, Fraction(1, 10**6), 0),
    ]
    assert [one.subject for one in some.limits] == ["a100", "t4"]
    assert [one.ref.key for one in some.increases] == ["macs", "time.a100"]
