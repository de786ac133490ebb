"""The open texts of an editor -> their diagnostics: errors of models and configs, and the limits that models break.

A config that is open counts as it stands in the editor, like a model; a model that is not open as it stands on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath

from costcalc.cli.lsp.model import ModelDocument
from costcalc.cli.lsp.text import SourceText
from costcalc.core.errors import CostcalcError
from costcalc.frontends.source import REMOTE
from costcalc.frontends.table import suffixes
from costcalc.studies.check.budget import Config
from costcalc.studies.check.config_file import NAMES, TABLE, diagnose_config, find_config_file
from costcalc.studies.check.diagnostic import Diagnostic, check_file, diagnostic_of, diagnostics_of, find_entries
from costcalc.studies.check.model_files import is_model_text, walk_files
from costcalc.studies.check.run import run
from costcalc.studies.check.targets import find_targets
from costcalc.studies.check.verdict import ModelCheck, SourcePlace

MAX_CHECKED = 50
"""The most models of a config whose limits are shown in the config."""


class ConfigDocument:
    """A config in an editor: its text, what of it is right, and its errors."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.source = SourceText("")
        self.config: Config | None = None
        self.errors: tuple[CostcalcError, ...] = ()
        self.verdicts: tuple[Diagnostic, ...] = ()

    def update(self, text: str) -> None:
        """Takes a new text, of which no limit is checked yet (one that was only saved keeps its verdicts); of a
        pyproject.toml without [tool.costcalc] nothing is read."""
        is_same = text == self.source.text
        self.source, self.verdicts = SourceText(text), self.verdicts if is_same else ()
        content = text.encode("utf-8", "replace")
        if self.file.suffix == ".toml" and TABLE not in content:
            self.config, self.errors = None, ()
            return
        self.config, self.errors = diagnose_config(content, self.file.name, self.file.parent)


class EditorWorkspace:
    """The documents that are open, by the paths of their files."""

    def __init__(self) -> None:
        self.models: dict[Path, ModelDocument] = {}
        self.configs: dict[Path, ConfigDocument] = {}

    def update(self, file: Path, text: str) -> ModelDocument | ConfigDocument | None:
        """A new text of a file -> its document; None of a file that is no model and no config."""
        if file.name in NAMES:
            config = self.configs.setdefault(file, ConfigDocument(file))
            config.update(text)
            return config
        if file not in self.models and not self._is_model(file, text):
            return None
        model = self.models.setdefault(file, ModelDocument(file))
        model.update(text)
        return model

    def close(self, file: Path) -> None:
        """Forgets a file."""
        self.models.pop(file, None)
        self.configs.pop(file, None)

    def _is_model(self, file: Path, text: str) -> bool:
        if is_model_text(text):
            return True
        config = self.config_of(file)
        return config is not None and any(True for _ in find_entries(config, file))

    def config_of(self, file: Path) -> Config | None:
        """The config nearest to a file, as the editor has it, saved or not; None where there is none, or it cannot be
        read."""
        try:
            saved_config = find_config_file(file.parent)
        except CostcalcError:  # the config's own document shows what is wrong with it
            return None
        paths = [] if saved_config is None else [saved_config.resolve()]
        paths += [
            path
            for path, document in self.configs.items()
            if file.is_relative_to(path.parent) and (document.config is not None or document.errors)
        ]
        if not paths:
            return None
        path = min(paths, key=lambda path: (-len(path.parts), NAMES.index(path.name)))
        if path in self.configs:
            return self.configs[path].config
        try:
            return diagnose_config(path.read_bytes(), path.name, path.parent)[0]
        except OSError:  # it went away since it was found
            return None

    def diagnose(self, document: ModelDocument | ConfigDocument) -> tuple[Diagnostic, ...]:
        """A document -> its diagnostics, those of its errors first."""
        file = document.file.name
        errors = [diagnostic_of(error, file) for error in document.errors]
        if isinstance(document, ConfigDocument):
            return (*errors, *document.verdicts)
        if errors:
            return tuple(errors)
        return tuple(self._broken_limits(document))

    def _broken_limits(self, document: ModelDocument) -> Iterator[Diagnostic]:
        config = self.config_of(document.file)
        model = document.current
        if config is None or model is None:
            return
        content = document.source.text.encode("utf-8", "replace")
        try:
            checks = check_file(config, document.file, content, model.report)
        except CostcalcError as error:
            yield diagnostic_of(error, document.file.name)._replace(place=SourcePlace(document.file.name))
            return
        for diagnostic in (d for check in checks for d in diagnostics_of(check)):
            place = diagnostic.limit_place
            yield diagnostic._replace(limit_place=place and place._replace(file=str(config.folder / place.file)))

    def check_config(self, document: ConfigDocument) -> Iterator[None]:
        """Checks the models of a config as they are on disk, one by one, and yields after each: the limits that are
        broken are told where they are set, once all are checked: two checks at once double nothing. It ends early where
        the config has changed in the meantime."""
        if document.config is None or document.errors:
            document.verdicts = ()
            return
        current = document.config
        local_entries = tuple([e for e in current.entries if not e.path.startswith(REMOTE)])
        config = replace(current, entries=local_entries)  # an editor downloads nothing
        try:
            targets = find_targets(config)
            found: list[Diagnostic] = []
            for name in dict.fromkeys(target.name for target in targets[:MAX_CHECKED]):
                verdicts = [v for check in run(config, model_names=[name]).models for v in _config_diagnostics(check)]
                if document.config is not current:
                    return
                found += [v for v in verdicts if v.place.file == document.file.name]
                yield
            document.verdicts = tuple(found)
        except CostcalcError as error:
            document.verdicts = (diagnostic_of(error, document.file.name),)
            yield

    def models_beside(self, document: ConfigDocument, limit: int = 200) -> list[str]:
        """The paths of model files below a config's folder, as the config writes them, at most so many."""
        endings = tuple(suffixes())
        files = (PurePosixPath(name) for name in walk_files(document.file.parent))
        models = (str(file) for file in files if file.suffix in endings and file.name not in NAMES)
        return sorted(name for name in islice(models, limit) if not name.startswith("."))


def _config_diagnostics(check: ModelCheck) -> Iterator[Diagnostic]:
    """The diagnostics of a model, each at the place of the config that sets the limit, or that names the model."""
    for diagnostic in diagnostics_of(check):
        place = diagnostic.limit_place or check.place
        if place is not None:
            fact = f"{check.title}: {diagnostic.fact}"
            yield diagnostic._replace(place=place, fact=fact, scenario="", limit_place=None)
