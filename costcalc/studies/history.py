"""Models in a git repository -> their figures in each revision that touched them, from git's objects alone.

No revision is checked out, and each distinct content is analysed once, whatever its revisions and names. A revision
that cannot be read (a broken file, a pointer whose content is not here) has the reason in the place of figures.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.core.errors import CostcalcError, LoadError, QuantityError, UnknownNameError, UsageError, crash_message
from costcalc.core.quantities import HISTORY_QUANTITIES, parse_quantities
from costcalc.core.quantity import Figure, QuantityRef
from costcalc.core.result import Result
from costcalc.frontends.builtin import find_builtin
from costcalc.frontends.git import is_shallow, read_blob
from costcalc.frontends.git_history import FileRevision, list_revisions
from costcalc.frontends.module import NamedModel
from costcalc.frontends.source import REMOTE, Source
from costcalc.studies.batch import process_pool
from costcalc.studies.check.config_file import nearest_config
from costcalc.studies.check.targets import find_targets
from costcalc.studies.check.verdict import title_of
from costcalc.studies.measurement import Measurement, measure
from costcalc.studies.options import Settings, drop_unknown_names, refuse_unknown_names

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from costcalc.studies.options import SettingsArguments


class TrackedModel(NamedTuple):
    """A model whose history is asked for: what it is called, its file as seen from the working directory, the settings
    that hold for all revisions, and the folder whose repository is asked ("" for that of the working directory)."""

    name: str
    path: str
    settings: Settings
    folder: str = ""

    @property
    def path_from_folder(self) -> str:
        """The file as git is asked for it."""
        is_file = bool(self.folder) and Path(self.path).is_file()
        return f"./{os.path.relpath(self.path, self.folder)}" if is_file else self.path


class RevisionRange(NamedTuple):
    """Which revisions: those up to a revision; since a revision or date; at most so many, the newest; first_parent:
    those of the branch itself, each merge as one."""

    revision: str = "HEAD"
    since: str = ""
    limit: int | None = None
    first_parent: bool = False


ALL_REVISIONS = RevisionRange()


class RevisionContent(NamedTuple):
    """A content that is analysed: git's object, the name of its file, what is asked of it, and where git is asked."""

    blob: str
    path: str
    settings: Settings
    quantities: tuple[QuantityRef, ...]
    folder: str = ""


class ContentFigures(NamedTuple):
    """The figures of a content, and the names that were bound and that it lacks; or why it cannot be read."""

    figures: Mapping[QuantityRef, Figure | QuantityError]
    unknown_names: tuple[UnknownNameError, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ModelRevision:
    """A revision of a model with its figures; error says why there are none, "" too where the commit took it away.
    unknown_names are those that the settings bind and that it lacks."""

    revision: FileRevision
    figures: Mapping[QuantityRef, Figure | QuantityError]
    error: str = ""
    unknown_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelHistory:
    """A model's revisions, newest first; omitted is how many older ones a limit leaves out, contents how many distinct
    contents the others have. is_known: whether git has the file in some revision."""

    model: TrackedModel
    quantities: tuple[QuantityRef, ...]
    revisions: tuple[ModelRevision, ...]
    omitted: int = 0
    contents: int = 0
    is_known: bool = True

    @property
    def is_complete(self) -> bool:
        """Whether git knows the file, and some revision that has it could be read, or there is none of those."""
        figures = [item.figures for item in self.revisions if item.revision.blob or item.error]
        return self.is_known and (not figures or any(figures))


@dataclass(frozen=True, slots=True)
class History(Result):
    """The histories of models. is_shallow: the clone lacks commits, so that the oldest ones need not be the first."""

    models: tuple[ModelHistory, ...]
    is_shallow: bool = False

    def __repr__(self) -> str:
        count = sum(len(model.revisions) for model in self.models)
        return f"<History of {', '.join(model.model.name for model in self.models)}: {count} revisions>"

    @property
    def is_complete(self) -> bool:
        """Whether git knows each model, and some revision of each could be read (or the revisions are removals)."""
        return all(model.is_complete for model in self.models)


def history(
    *models: str,
    quantities: Sequence[str] = (),
    config: str | os.PathLike[str] | None = None,
    groups: Collection[str] = (),
    revision: str = "HEAD",
    since: str = "",
    limit: int | None = None,
    first_parent: bool = False,
    jobs: int = 1,
    **options: Unpack[SettingsArguments],
) -> History:
    """What models cost in each git revision that touched them, newest first: `costcalc.history("net.yaml")`.

    Without models those of a config (None: the nearest one), of them some groups', under its settings; else under the
    options, which are analyze's. quantities are names such as "macs" and "time.t4"; since is a revision or a date,
    limit the newest so many. UsageError where a model is no file of the repository.
    """
    revisions = RevisionRange(revision, since, limit, first_parent)
    return history_of(models, quantities, config, groups, Settings.of(**options), revisions, jobs)


def history_of(
    models: Sequence[str],
    quantities: Sequence[str],
    config: str | os.PathLike[str] | None,
    groups: Collection[str],
    settings: Settings,
    revisions: RevisionRange,
    jobs: int = 1,
    raise_crashes: bool = False,
) -> History:
    """history with its options as Settings and RevisionRange."""
    refs = [ref for key in quantities or HISTORY_QUANTITIES for ref in parse_quantities(key, settings.devices)]
    tracked = _tracked_models(models, config, groups, settings)
    return trace_history(tracked, tuple(dict.fromkeys(refs)), revisions, jobs, raise_crashes)


def _tracked_models(
    models: Sequence[str], config: str | os.PathLike[str] | None, groups: Collection[str], settings: Settings
) -> list[TrackedModel]:
    """The models that are named, under the settings; else those of the config, under its own."""
    if models:
        for option, value in {"config": config, "group": groups}.items():
            if value:
                raise UsageError(f"a {option} does not go with named models", "leave it out, or name none")
        return [TrackedModel(model, model, settings) for model in models]
    found = nearest_config(config)
    if settings != Settings():
        raise UsageError(f"settings do not go with the config {found.file}", "write them there, or name a model")
    targets = [t for t in find_targets(found, groups=groups) if not t.error and not find_builtin(t.source)]
    folder = str(found.folder)
    return [TrackedModel(title_of(t.name, t.entry.scenario), t.source, t.entry.settings, folder) for t in targets]


def trace_history(
    models: Sequence[TrackedModel],
    quantities: Sequence[QuantityRef],
    revisions: RevisionRange = ALL_REVISIONS,
    jobs: int = 1,
    raise_crashes: bool = False,
) -> History:
    """Models and quantities (of each model those too that its settings add) -> their histories. UsageError where a
    model is no file of the repository, and for a bound name that no revision of the models has. Of several models, one
    that is not committed has no revisions."""
    first_of_path = {model.path: model for model in reversed(models)}
    found = {path: _list_file(model, revisions, len(first_of_path) > 1) for path, model in first_of_path.items()}
    listed = {path: items or () for path, items in found.items()}
    contents: dict[tuple[int, str], RevisionContent] = {}
    asked = [tuple(dict.fromkeys((*quantities, *model.settings.quantities()))) for model in models]
    for i, model in enumerate(models):
        for revision in filter(lambda revision: revision.blob, listed[model.path][: revisions.limit]):
            content = RevisionContent(revision.blob, revision.path, model.settings, asked[i], model.folder)
            contents.setdefault((i, revision.blob), content)
    figures = dict(zip(contents, _measure_all(list(contents.values()), jobs, raise_crashes), strict=True))
    refuse_unknown_names([result.unknown_names for result in figures.values() if not result.error])
    histories = [
        ModelHistory(
            model,
            asked[i],
            tuple(
                [_model_revision(item, figures.get((i, item.blob))) for item in listed[model.path][: revisions.limit]]
            ),
            len(listed[model.path][revisions.limit :]) if revisions.limit else 0,
            sum(index == i for index, _ in contents),
            found[model.path] is not None,
        )
        for i, model in enumerate(models)
    ]
    return History(tuple(histories), is_shallow(models[0].folder if models else ""))


def _list_file(model: TrackedModel, revisions: RevisionRange, may_lack: bool) -> tuple[FileRevision, ...] | None:
    """The revisions of a model's file; None where git does not know it, if that may be."""
    path = model.path
    remedy = "name a file of the repository"
    if isinstance(path, NamedModel):
        raise UsageError(f"{path} is Python code, which has no figures without running it", remedy)
    if path == "-" or path.startswith(REMOTE):
        raise UsageError(f"{path} is no file of a git repository", remedy)
    try:
        name, folder = model.path_from_folder, model.folder
        return list_revisions(name, revisions.revision, revisions.since, revisions.first_parent, folder)
    except CostcalcError as error:
        if find_builtin(path):
            raise UsageError(f"{path} is a built-in model, which no git repository keeps", remedy) from error
        if may_lack and isinstance(error, LoadError):
            return None
        raise


def _model_revision(revision: FileRevision, result: ContentFigures | None) -> ModelRevision:
    if result is None:
        return ModelRevision(revision, {}, revision.problem)
    return ModelRevision(revision, result.figures, result.error, tuple([error.name for error in result.unknown_names]))


def _measure_all(contents: Sequence[RevisionContent], jobs: int, raise_crashes: bool) -> Iterator[ContentFigures]:
    jobs = min(jobs, len(contents))
    if jobs < 2 or raise_crashes:
        yield from (measure_content(content, raise_crashes) for content in contents)
        return
    with process_pool(measure_content, contents, jobs) as futures:
        yield from (future.result() for future in futures)


def measure_content(content: RevisionContent, raise_crashes: bool = False) -> ContentFigures:
    """A content -> its figures. A name that is bound and that it lacks is left out."""
    settings = content.settings.extend_for(content.quantities)

    def read(**reading: Any) -> Measurement:
        data = read_blob(content.blob, content.path, content.folder)
        source = Source(content.path, data, kind=PurePosixPath(content.path).suffix.lower(), file=content.path)
        return measure(source, settings._replace(**reading))

    try:
        measurement, unknown_names = drop_unknown_names(read, settings.load_arguments())
        return ContentFigures({ref: measurement.attempt(ref) for ref in content.quantities}, unknown_names)
    except CostcalcError as error:
        return ContentFigures({}, error=str(error))
    except Exception as error:
        if raise_crashes:
            raise
        return ContentFigures({}, error=crash_message(error).splitlines()[0])
