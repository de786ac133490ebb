"""Name or YAML file of a device -> its HardwareProfile."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from costcalc.analysis.hardware.profile import EnergyTable, HardwareProfile
from costcalc.analysis.hardware.reader import read_energy_file, read_profile
from costcalc.core.errors import HardwareError, alike_names

PROFILE_FOLDER = Path(__file__).parent / "profiles"

REFERENCE_ENERGY = Path(__file__).parent / "energy_45nm.yaml"
"""File of the energies of single operations for devices whose own are not published."""


def profile_names() -> tuple[str, ...]:
    """The names of the profiles that come with costcalc, sorted."""
    return tuple(sorted(path.stem for path in PROFILE_FOLDER.glob("*.yaml")))


@lru_cache(maxsize=1)
def builtin_profiles() -> tuple[HardwareProfile, ...]:
    """The profiles that come with costcalc, in the order of their names."""
    return tuple(read_profile(PROFILE_FOLDER / f"{name}.yaml") for name in profile_names())


@lru_cache(maxsize=1)
def reference_energy() -> EnergyTable:
    """Energies of single operations at 45 nm, by precision and memory."""
    return read_energy_file(REFERENCE_ENERGY)


_described: dict[str, HardwareProfile] = {}


@contextmanager
def described_devices(profiles: Mapping[str, HardwareProfile]) -> Iterator[None]:
    """Inside, names stand for these profiles: a process on another machine does not have their files."""
    _described.update(profiles)
    try:
        yield
    finally:
        for name in profiles:
            del _described[name]


def is_profile_path(name: str) -> bool:
    """Whether the name of a device is the path of a YAML file."""
    return name.endswith((".yaml", ".yml")) or "/" in name


def find_profile(name: str) -> HardwareProfile:
    """Name, alias or path of a YAML file -> the profile. HardwareError where there is none."""
    if name in _described:
        return _described[name]
    if is_profile_path(name):
        return read_profile(Path(name))
    key = _normalise_name(name)
    if key in profile_names():
        return read_profile(PROFILE_FOLDER / f"{key}.yaml")
    by_name: dict[str, HardwareProfile] = {}
    for profile in builtin_profiles():
        for alias in (profile.id, profile.name, *profile.aliases):
            by_name.setdefault(_normalise_name(alias), profile)
    if key in by_name:
        return by_name[key]
    plain_names = {alias.replace("-", ""): profile for alias, profile in by_name.items()}
    if (plain := key.replace("-", "")) in plain_names:
        return plain_names[plain]
    candidates = {alias: profile for alias, profile in by_name.items() if _may_mean(key, profile)}
    matches = alike_names(key, candidates, 0.5)[:3]
    names = ", ".join(dict.fromkeys(by_name[alias].id for alias in matches))
    hint = f"did you mean {names}? " if matches else ""
    if not matches and _family(key) in MICROCONTROLLERS:
        microcontrollers = [profile.id for profile in builtin_profiles() if profile.kind == "microcontroller"]
        hint = f"of microcontrollers there are {', '.join(microcontrollers)}; "
    hint += "`costcalc hardware` lists all"
    raise HardwareError(f"there is no hardware profile {name!r}", f"{hint}; your own is a .yaml file")


MAKERS = ("nvidia", "amd", "intel", "apple", "google", "qualcomm", "arm", "st", "nordic", "espressif", "raspberry")
"""First words of devices' names that say who makes them."""

SERIES = {
    "nvidia": ("rtx", "gtx", "geforce", "jetson", "tesla", "quadro", "orin", "xavier"),
    "amd": ("radeon", "instinct", "mi", "rx", "ryzen", "epyc"),
    "apple": ("m1", "m2", "m3", "m4", "iphone", "macbook"),
    "google": ("tpu", "coral", "pixel", "edgetpu"),
    "intel": ("xeon", "arc", "gaudi", "core", "i5", "i7", "i9"),
    "qualcomm": ("snapdragon", "adreno", "hexagon"),
}
"""By maker the words with which the names of its devices begin."""


MICROCONTROLLERS = (
    "esp",
    "rp",
    "pico",
    "nrf",
    "max",
    "arduino",
    "atmega",
    "sam",
    "samd",
    "gd",
    "lpc",
    "mimxrt",
    "teensy",
)
"""Letters with which the names of other microcontrollers begin."""


def _family(key: str) -> str:
    """A name in its plain form → the letters with which its series begins: stm of stm32h743, a of nvidia-a100."""
    words = [word for word in key.split("-") if word not in MAKERS] or [""]
    return re.match("[a-z]*", words[0])[0]  # type: ignore[index]


def _is_near(family: str, word: str) -> bool:
    """Whether the letters of a series are those of a name's word, perhaps with a slip of the fingers."""
    letters = re.match("[a-z]*", word)[0]  # type: ignore[index]
    if min(len(family), len(letters)) >= 5:
        return bool(alike_names(family, (letters,), 0.8))
    return bool(family) and (sorted(family) == sorted(letters) or (len(letters) == 4 and family.startswith(letters)))


def _maker(key: str) -> str:
    """A name in its plain form → who makes the device, as far as its words say that."""
    words = key.split("-")
    for maker in MAKERS:
        if maker in words:
            return maker
    for maker, series in SERIES.items():
        if any(re.fullmatch(rf"{word}([0-9]\w*)?", words[0]) for word in series):
            return maker
    return ""


def _may_mean(key: str, profile: HardwareProfile) -> bool:
    """Whether a device may be meant by a name: it is of the same series, and not known to be of another maker."""
    maker, names = _maker(key), [_normalise_name(name) for name in (profile.id, profile.name, *profile.aliases)]
    is_of_series = any(_is_near(_family(key), word) for name in names for word in name.split("-"))
    return is_of_series and (not maker or maker in {_maker(name) for name in names} - {""})


def _normalise_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
