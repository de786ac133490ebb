"""Questions → answers in their order: the same is asked once, and processes share the work where that is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.checking.figures import Failure, Found, Question, answer, content, moved


def answers(questions: Sequence[Question], jobs: int = 1) -> list[Found | Failure]:
    """An answer to each question."""
    keys = [_key(q) for q in questions]
    first: dict[Any, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    asked = list(first.values())
    given = dict(zip(asked, _run([questions[i] for i in asked], jobs), strict=True))
    return [_as(given[first[key]], questions[first[key]], q) for key, q in zip(keys, questions, strict=True)]


def _key(question: Question) -> Any:
    try:
        return content(question)
    except OSError:  # its reader says what is wrong
        return question.source, repr(question[1:])


def _as(result: Found | Failure, asked: Question, own: Question) -> Found | Failure:
    """The answer to an equal question of another file."""
    old, new = asked.source, own.source
    if old == new:
        return result
    if isinstance(result, Failure):
        here = result.place.startswith(f"{old}:")
        return result._replace(place=new + result.place[len(old) :] if here else result.place)
    return moved(result, old, new)


def _run(questions: Sequence[Question], jobs: int) -> list[Found | Failure]:
    jobs = min(jobs, len(questions))
    if jobs < 2:
        return [answer(question) for question in questions]
    from concurrent.futures.process import BrokenProcessPool

    from costcalc.processes import shared_out

    found: list[Found | Failure] = []
    with shared_out(answer, questions, jobs) as futures:
        for future in futures:
            try:
                found.append(future.result())
            except BrokenProcessPool:
                found.append(Failure("the process that read it, or one beside it, ended; try with --jobs 1"))
    return found
