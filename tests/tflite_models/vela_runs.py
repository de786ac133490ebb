"""Networks -> costcalc/analysis/npu/vela_runs.csv, Vela's cycles and SRAM of each in every configuration beside
costcalc's estimates, and the networks without their weights in tests/data/npu/vela.

    python tests/tflite_models/vela_runs.py VELA NETWORK.tflite …

Needs ai-edge-litert, flatbuffers and costcalc in one environment, and the command of ethos-u-vela.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from costcalc import analyze
from costcalc.analysis.hardware.catalogue import find_profile
from costcalc.analysis.npu.ethos_u_estimate import CONFIGURATIONS
from costcalc.analysis.npu.placement import RUNS_FILE, place_operators

OUTPUT = Path(__file__).parents[1] / "data" / "npu" / "vela"
HEADER = (
    "# Vela 5.2.0's cycles and bytes of SRAM (summary: cycles_total, sram_memory_used) beside costcalc's estimates.\n"
    "# System_Config.Ethos_U55_High_End_Embedded or Ethos_U65_Embedded, Memory_Mode.Shared_Sram. The first four networks\n"
    "# are MLPerf Tiny's reference models, the others have random weights. Made by tests/tflite_models/vela_runs.py.\n"
)
MAX_ELEMENTS = 512
"""Elements of the largest constant that stays in a file."""


def strip(content: bytes) -> bytes:
    """A file -> the same without the bytes of its larger constants, which are said to lie in another file, and with two
    scales at most for each tensor."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.externalBufferGroups = [schema.ExternalBufferGroupT()]
    model.externalBufferGroups[0].name = "weights"
    model.externalBuffers, model.metadata, model.metadataBuffer, model.signatureDefs = [], [], [], []
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            data = model.buffers[tensor.buffer].data
            if tensor.quantization is not None:
                q = tensor.quantization
                q.min = q.max = None
                q.scale = None if q.scale is None else q.scale[:2]
                q.zeroPoint = None if q.zeroPoint is None else q.zeroPoint[:2]
            if data is not None and len(data) > MAX_ELEMENTS:
                external = schema.ExternalBufferT()
                external.id, external.group = len(model.externalBuffers) + 1, 0
                external.offset, external.length = 0, len(data)
                model.externalBuffers.append(external)
                tensor.externalBuffer = external.id
    for external_of in {t.buffer for g in model.subgraphs for t in g.tensors if t.externalBuffer}:
        model.buffers[external_of].data = None
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run_vela(command: str, path: Path, configuration: str) -> tuple[int, int]:
    """A network and a configuration -> (cycles, bytes of SRAM)."""
    system = "Ethos_U65_Embedded" if "u65" in configuration else "Ethos_U55_High_End_Embedded"
    options = ["--config", "Arm/vela.ini", "--system-config", system, "--memory-mode", "Shared_Sram"]
    with tempfile.TemporaryDirectory() as folder:
        arguments = [command, str(path), "--accelerator-config", configuration, *options, "--output-dir", folder]
        subprocess.run(arguments, check=True, capture_output=True)
        (summary,) = Path(folder).glob("*_summary_*.csv")
        with summary.open(encoding="utf-8") as file:
            row = next(csv.DictReader(file))
    return round(float(row["cycles_total"])), round(float(row["sram_memory_used"]) * 1024)


def main() -> None:
    """Writes the table and the files."""
    OUTPUT.mkdir(exist_ok=True)
    lines = ["network,configuration,cycles,estimated_cycles,sram,estimated_sram"]
    for path in map(Path, sys.argv[2:]):
        stripped = OUTPUT / path.name
        stripped.write_bytes(strip(path.read_bytes()))
        report = analyze(stripped)
        for configuration in CONFIGURATIONS:
            placement = place_operators(report, find_profile(configuration))
            assert placement is not None and placement.estimate is not None
            estimate = placement.estimate
            cycles, sram = run_vela(sys.argv[1], path, configuration)
            lines.append(f"{path.stem},{configuration},{cycles},{estimate.cycles},{sram},{estimate.sram}")
            print(lines[-1], flush=True)
    RUNS_FILE.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
