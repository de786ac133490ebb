"""The text of a remote model (`hf:ORG/NAME[@REV]`, `https://…`) -> RemoteAddress: the folder of its files, and the file
in it that is the model, if one is named.

`hf:ORG/NAME/FILE[@REV]` is a file of a repository (a GGUF file). The pages of a hub stand for what they show:
`https://HUB/ORG/NAME`, …/tree/REV, …/blob/REV/FILE and …/resolve/REV/FILE.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from costcalc.core.errors import UsageError

HUB = "https://huggingface.co"

ENDPOINT_VARIABLE = "HF_ENDPOINT"
"""The variable by which the hub's own tools name another server."""

PREFIX = "hf:"

_REPOSITORY = re.compile(r"([A-Za-z0-9][\w.-]{0,95})/([A-Za-z0-9][\w.-]{0,95})(?:/([^@]+))?(?:@(\S{1,200}))?")

_HUB_PATH = re.compile(r"/([\w.-]{1,96})/([\w.-]{1,96})(?:/(tree|blob|resolve|raw)/([^/]+)(?:/(.+))?)?/?")

MODEL_FILE = re.compile(r"\.(?:json|gguf|safetensors)$")
"""The files that are models by themselves, of which the beginning is enough."""

LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$")

FORM = "write hf:ORG/NAME, hf:ORG/NAME/FILE, each with @REVISION if wanted, or the https:// address of a folder or file"


class RemoteAddress(NamedTuple):
    """Where a model lies: text as the user wrote it, the address of its folder with a slash at the end, the file in it
    that is the model ("": the folder), and of a repository of a hub its name and revision."""

    text: str
    folder: str
    file: str = ""
    repository: str = ""
    revision: str = ""

    def url(self, name: str, commit: str = "") -> str:
        """The address of a file of the folder, of a repository at a commit."""
        folder = self.folder
        if self.repository and commit:
            folder = f"{hub_address()}/{self.repository}/resolve/{quote(commit, safe='')}/"
        return folder + quote(name)


def hub_address() -> str:
    """The address of the hub, without a slash at the end: HF_ENDPOINT, or the public one."""
    return (os.environ.get(ENDPOINT_VARIABLE) or HUB).rstrip("/")


def parse_address(text: str) -> RemoteAddress:
    """The text of a model -> its address. UsageError where it has another form."""
    if text.startswith(PREFIX):
        match = _REPOSITORY.fullmatch(text.removeprefix(PREFIX))
        if match is None or ".." in text:
            raise UsageError(f"{text[:200]!r} names no repository", FORM)
        return _repository(text, f"{match[1]}/{match[2]}", match[4] or "main", match[3] or "")
    parts = urlsplit(text)
    if parts.username or parts.password:
        raise UsageError("an address with a password in it is not read", "set HF_TOKEN instead")
    if not parts.netloc or (parts.scheme != "https" and not LOOPBACK.match(parts.netloc)):
        raise UsageError(f"{text[:200]!r} is no https:// address", FORM)
    match = _HUB_PATH.fullmatch(parts.path)
    if f"{parts.scheme}://{parts.netloc}" == hub_address() and match is not None:
        return _repository(text, f"{match[1]}/{match[2]}", match[4] or "main", match[5] or "")
    base = f"{parts.scheme}://{parts.netloc}"
    if MODEL_FILE.search(parts.path):
        folder, _, file = parts.path.rpartition("/")
        return RemoteAddress(text, f"{base}{folder}/", file)
    return RemoteAddress(text, f"{base}{parts.path.rstrip('/')}/")


def _repository(text: str, name: str, revision: str, file: str) -> RemoteAddress:
    folder = f"{hub_address()}/{name}/resolve/{quote(revision, safe='')}/"
    return RemoteAddress(text, folder, file.rstrip("/"), name, revision)
