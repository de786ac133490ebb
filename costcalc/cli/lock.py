"""`costcalc lock`: the baseline of a config's models, written or checked."""

from __future__ import annotations

import click

from costcalc.cli.options import Model, debug_option, rules_option
from costcalc.cli.output import complain, emit

CHANGED, CANNOT_ANSWER = 1, 2


@click.command()
@click.argument("models", metavar="[MODEL]...", nargs=-1, type=Model())
@click.option("--config", type=click.Path(dir_okay=False), metavar="FILE",
              help="The config; costcalc.yaml or pyproject.toml, here or further up, unless given.")  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the file would change, and say what.")
@click.option("--jobs", type=click.IntRange(1), default=1, metavar="N", help="Read models in N processes.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="The file to write; `lock:` of the config unless given. - is standard output.")  # fmt: skip
@rules_option
@debug_option
def lock(models: tuple[str, ...], config: str | None, check: bool, jobs: int, output: str | None) -> int:
    """Write what the config's models cost now as the baseline for `check`; commit the file.

    With MODEL only its entries are written anew. An operator without a rule is locked as not known; a model that cannot
    be read is exit 2, and nothing is written.
    """
    from costcalc.budget.config_find import nearest
    from costcalc.checking.locking import locking
    from costcalc.render.untrusted import lines

    found = nearest(config)
    file = str(found.folder / found.lock) if output in (None, "-") else str(output)
    result = locking(found, file, only=models, renew=not check, jobs=jobs)
    for target, failure in result.failures:
        complain(f"costcalc: {failure.place or target.name}: {failure.text}")
    if result.failures:
        complain(f"costcalc: {file} is left as it is")
        return CANNOT_ANSWER
    for title in result.unknown:
        complain(f"costcalc: {title}: operators without a rule are locked as not known")
    if output == "-" and not check:
        emit(result.text.removesuffix("\n"), None)
        return 0
    if not result.changes:
        emit(f"{file} is up to date", None)
        return 0
    if not check:
        write(file, result.text)
    emit(lines("\n".join([_headline(file, check, result.old is None), *(f"  {line}" for line in result.said)])), None)
    return CHANGED if check else 0


def _headline(file: str, check: bool, new: bool) -> str:
    if not check:
        return f"{file} is written; commit it"
    return (
        f"{file} does not exist; `costcalc lock` writes it"
        if new
        else f"{file} would change; `costcalc lock` writes it"
    )


def write(file: str, text: str) -> None:
    """Writes a lock file: the same bytes on every system."""
    from pathlib import Path

    from costcalc.errors import UsageError

    try:
        Path(file).write_bytes(text.encode())
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", "name another file with -o") from error
