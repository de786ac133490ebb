"""Every error of costcalc as one tree: each has a fact, a remedy, a place and an exit code."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable


class CostcalcError(Exception):
    """costcalc cannot answer. `fact` says what is wrong, `remedy` what to do, `place` where (file:line: layer)."""

    exit_code = 2

    def __init__(self, fact: str, remedy: str = "", place: str = "") -> None:
        super().__init__(fact, remedy, place)
        self.fact, self.remedy, self.place = fact, remedy, place

    def at(self, place: str) -> CostcalcError:
        """A place -> the same error with it; a place that the error already has stays."""
        return self._with_place(self.place or place)

    def within(self, layer: str) -> CostcalcError:
        """A layer -> the same error with the layer behind its place, where that names none yet."""
        return self if ": " in self.place else self._with_place(f"{self.place}: {layer}")

    def in_file(self, file: str) -> CostcalcError:
        """A file -> the same error with the file before its place, which is in a file that it stands for."""
        return self._with_place(f"{file}: {self.place}" if self.place else file)

    def without_origin(self) -> CostcalcError:
        """The same error without its traceback and the errors that it came from, which need not travel to another
        process (tblib, which Dask brings, would pickle them too)."""
        return self._with_place(self.place)

    def _with_place(self, place: str) -> CostcalcError:
        return type(self)(self.fact, self.remedy, place)

    def __str__(self) -> str:
        text = f"{self.place}: {self.fact}" if self.place else self.fact
        return f"{text}; {self.remedy}" if self.remedy else text


class UsageError(CostcalcError):
    """The command line or an argument of the Python API is wrong."""


class UnknownNameError(UsageError):
    """A name that is bound does not exist in the model; of several models, another may have it. argument is load's
    (dims, params, shapes or values)."""

    def __init__(self, fact: str, remedy: str = "", place: str = "", argument: str = "", name: str = "") -> None:
        super().__init__(fact, remedy, place)
        self.argument, self.name = argument, name

    def _with_place(self, place: str) -> UnknownNameError:
        return UnknownNameError(self.fact, self.remedy, place, self.argument, self.name)


class LoadError(CostcalcError):
    """A file is missing, broken, or not a model."""


class LockError(LoadError):
    """A lock file is cut short, damaged, or in conflict after a merge; it can be written anew from the models."""


class SpecError(LoadError):
    """A YAML model breaks the language: an unknown key, a wrong value, an unknown name."""


class ExpressionError(SpecError):
    """An expression is not of the small arithmetic language, or cannot be evaluated."""


class HardwareError(LoadError):
    """There is no hardware profile of that name, or a profile breaks its form."""


class ConfigError(LoadError):
    """A budget's config breaks its form: an unknown key, a limit that is no quantity."""


class ShapeError(CostcalcError):
    """Types do not fit an operator: channels differ, a kernel is larger than its input, an extent is negative."""


class UndecidedError(CostcalcError):
    """A question about an extent depends on a symbol that is not bound."""


class QuantityError(CostcalcError):
    """The model, or its settings, has no value of the quantity: it has no cache, the device no peak."""


class OpenQuantityError(QuantityError):
    """A quantity depends on open symbols, or on the open branch of an If."""


class NoDeviceFigureError(QuantityError):
    """The profile of a device lacks a figure that a quantity needs."""


class UnknownOperatorError(CostcalcError):
    """An operator has no rule, and --strict is set."""


class LimitError(CostcalcError):
    """A model asks for more work than costcalc does for one model: steps, terms of a formula, axes, nodes."""


class ExecutorError(CostcalcError):
    """An executor's workers, or the scheduler before them, cannot be reached or were lost."""


class AssumptionError(CostcalcError):
    """A symbol was bound to a value that breaks an assumption the graph rests on."""


class Correction(str):
    """A remedy that replaces a word: its text, the wrong word, and the words that may stand in its place, the nearest
    first. An editor offers them."""

    __slots__ = ("choices", "word")

    word: str
    choices: tuple[str, ...]

    def __new__(cls, text: str, word: str = "", choices: Iterable[str] = ()) -> Correction:
        correction = super().__new__(cls, text)
        correction.word, correction.choices = word, tuple(choices)
        return correction


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A word and the known words -> the remedy `did you mean 'x'?` as a Correction, or "" where none is near."""
    matches = near_names(word, choices)
    return Correction(f"did you mean {' or '.join(map(repr, matches))}?", word, matches) if matches else ""


def near_names(word: str, choices: Iterable[str], count: int = 1) -> list[str]:
    """A word and the known words -> those that may be meant: the one that is the same but for case, else the first
    three that begin with the word, else the count nearest by difflib of those that is_near takes for slips."""
    names, lower = list(dict.fromkeys(choices)), word.lower()
    matches = [name for name in names if name.lower() == lower][:1]
    matches = matches or [name for name in names if lower and name.lower().startswith(lower)][:3]
    return matches or [name for name in alike_names(word, names) if is_near(word, name)][:count]


def alike_names(word: str, choices: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """A word and the known words -> those with at least this share of the word's letters in its order (difflib's ratio,
    0 to 1, whatever the case), the most alike first. For who knows by other marks that each of them may be meant;
    else near_names."""
    import difflib

    by_lower: dict[str, list[str]] = {}
    for name in choices:
        by_lower.setdefault(name.lower(), []).append(name)
    close = difflib.get_close_matches(word.lower(), by_lower, n=len(by_lower) or 1, cutoff=cutoff)
    return [name for key in close for name in by_lower[key]]


def is_near(word: str, name: str) -> bool:
    """Whether a word may be a slip for a name, whatever their case and the dashes before them: one holds the other, the
    letters are the same in another order, or as many characters are inserted, left out or replaced as a third of the
    longer one has, one at least. Of several digits each that is another one is two slips: such a code names something
    else."""
    a, b = word.lower().lstrip("-"), name.lower().lstrip("-")
    if (min(len(a), len(b)) > 3 and (a in b or b in a)) or sorted(a) == sorted(b):
        return True
    if len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1:
        return True
    distances = list(range(len(b) + 1))  # Levenshtein's, a row at a time
    for i, letter in enumerate(a, 1):
        diagonal, distances[0] = distances[0], i
        for j, other in enumerate(b, 1):
            replaced = (letter != other) * (2 if letter.isdigit() and other.isdigit() else 1)
            cost = min(distances[j] + 1, distances[j - 1] + 1, diagonal + replaced)
            diagonal, distances[j] = distances[j], cost
    return distances[-1] <= max(1, round(max(len(a), len(b)) / 3))


def suggest_choice(word: str, choices: Iterable[str]) -> str:
    """A word that is none of a few, and these few -> the remedy: the nearest, and all of them."""
    names = list(choices)
    hint = did_you_mean(word, names)
    return f"{hint} There are {', '.join(names)}" if hint else f"there are {', '.join(names)}"


def crash_message(error: Exception) -> str:
    """An unexpected exception -> the message that a user reads when costcalc itself breaks."""
    if isinstance(error, MemoryError):
        return "costcalc: out of memory"
    if isinstance(error, RecursionError):
        return "costcalc: something in the model is nested too deep; unnest its blocks, graphs or expressions"
    description = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    return (
        f"costcalc: this is a bug in costcalc ({description})\n"
        "Please report it with the command and, if you can, the model; --debug prints the traceback."
    )
