"""Control flow: If, Loop, Scan and SequenceMap do no arithmetic of their own; their bodies' nodes stand in the graph
beside them, each with how often it runs."""

from __future__ import annotations

from costcalc.core.traits import traits
from costcalc.registry import describe, free

free("If", "Loop", "Scan", "SequenceMap")
traits("If", "Loop", "Scan", positions="lost")
describe("One of two graphs runs, as a condition says.", "If")
describe("A graph runs a number of times, or while a condition holds.", "Loop")
describe("A graph runs once per slice of the scanned inputs.", "Scan")
describe("A graph runs once per element of a sequence.", "SequenceMap")
