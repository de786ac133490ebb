"""Name or path of a device to its HardwareProfile; the profiles that come with costcalc."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from pathlib import Path

from costcalc.analysis.hardware.profile import EnergyTable, HardwareProfile
from costcalc.analysis.hardware.reader import read_energy_file, read_profile
from costcalc.core.errors import HardwareError

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


def find_profile(name: str) -> HardwareProfile:
    """Name, alias or path of a YAML file -> the profile. HardwareError where there is none."""
    if name.endswith((".yaml", ".yml")) or "/" in name:
        return read_profile(Path(name))
    key = _normalise(name)
    if key in profile_names():
        return read_profile(PROFILE_FOLDER / f"{key}.yaml")
    by_name: dict[str, HardwareProfile] = {}
    for profile in builtin_profiles():
        for word in (profile.id, profile.name, *profile.aliases):
            by_name.setdefault(_normalise(word), profile)
    if key in by_name:
        return by_name[key]
    close = difflib.get_close_matches(key, by_name, 3, 0.5)
    names = ", ".join(dict.fromkeys(by_name[word].id for word in close))
    hint = f"did you mean {names}? `costcalc hardware` lists all" if close else "`costcalc hardware` lists all"
    raise HardwareError(f"there is no hardware profile {name!r}", f"{hint}; your own is a .yaml file")


def _normalise(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
