"""What each output format of `check` says of its one breach: (sentence, (file, line), layer)."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

Said = tuple[str, tuple[str, int], str]


def github(out: str) -> Said:
    (line,) = [text for text in out.splitlines() if text.startswith("::error ")]
    where, _, sentence = line.removeprefix("::error ").partition("::")
    values = dict(part.split("=", 1) for part in where.split(","))
    return sentence, (values["file"], int(values["line"])), "head" if "head grew most" in sentence else ""


def sarif(out: str) -> Said:
    (result,) = json.loads(out)["runs"][0]["results"]
    (where,) = result["locations"]
    physical = where["physicalLocation"]
    place = physical["artifactLocation"]["uri"], physical["region"]["startLine"]
    return result["message"]["text"], place, where["logicalLocations"][0]["name"]


def junit(out: str) -> Said:
    (failure,) = ET.fromstring(out).iter("failure")
    file, line, _ = str(failure.text).split(":", 2)
    return failure.attrib["message"], (file, int(line)), "head" if "head grew most" in str(failure.text) else ""


def gitlab(out: str) -> Said:
    (entry,) = json.loads(out)
    place = entry["location"]["path"], entry["location"]["lines"]["begin"]
    return entry["description"], place, "head" if "head grew most" in entry["description"] else ""


def plain(out: str) -> Said:
    (verdict,) = json.loads(out)["models"][0]["verdicts"]
    return verdict["fact"], (verdict["place"]["file"], verdict["place"]["line"]), verdict["layer"]


def words(out: str) -> Said:
    """The table and the comment are taken as one sentence."""
    where = re.search(r"(models/net\.yaml):(\d+):\d+", out)
    return out, (where[1], int(where[2])) if where else ("", 0), "head" if "head grew most" in out else ""


READ = {
    "table": words,
    "json": plain,
    "markdown": words,
    "github": github,
    "sarif": sarif,
    "junit": junit,
    "gitlab": gitlab,
}
