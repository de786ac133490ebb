"""Objects in memory that are no model → what they are, and how they become one."""

from __future__ import annotations

from typing import Any, NoReturn

from costcalc.core.errors import UsageError

FRAMEWORKS = {
    "torch": ("an object of PyTorch", "give the nn.Module, or what torch.export.export makes of it"),
    "keras": ("a Keras model", "export it: model.export('net.onnx', format='onnx'), then give 'net.onnx'"),
    "jax": ("a JAX object", "export its function with jax2onnx, then give the file"),
    "flax": ("a Flax module", "export it with jax2onnx, then give the file"),
    "sklearn": ("a scikit-learn model", "export it: skl2onnx.to_onnx(model, X), then give its SerializeToString()"),
    "transformers": ("a Transformers model", "export it: `optimum-cli export onnx --model NAME folder`"),
    "numpy": ("a NumPy array", "give the model, and the shape of its input: shapes={'x': [1, 3, 224, 224]}"),
    "onnxruntime": ("a session of ONNX Runtime", "give the path of its model"),
}
"""What objects of a package are, and what to do with them."""


def refuse_object(model: Any) -> NoReturn:
    """An object that is no model → UsageError, which says what it is and how it becomes one."""
    kind = model if isinstance(model, type) else type(model)
    for base in kind.__mro__:
        package = base.__module__.partition(".")[0]
        package = "keras" if package == "tensorflow" else package
        if package in FRAMEWORKS:
            fact, remedy = FRAMEWORKS[package]
            name = "" if base is kind else f" ({kind.__qualname__})"
            raise UsageError(f"{fact}{name} is no file that costcalc reads", remedy)
    remedy = "give a path, bytes, a binary file object, an onnx.ModelProto or a Graph"
    if isinstance(model, dict):
        remedy = "write the model as YAML text and give its bytes: yaml.safe_dump(model).encode()"
    elif isinstance(model, (list, tuple, set)):
        remedy = "give one model, or several to costcalc.compare(*models)"
    elif callable(model) and not isinstance(model, type):
        remedy = f"give what it returns: {remedy}"
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    raise UsageError(f"an object of the type {module}{kind.__qualname__} is no model that is read", remedy)
