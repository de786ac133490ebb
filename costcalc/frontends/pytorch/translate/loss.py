"""Losses and similarities: ATen's calls -> ONNX nodes."""

from __future__ import annotations

from typing import Any

from costcalc.core.errors import LoadError
from costcalc.frontends.pytorch.translate.call import CallSite, translates
from costcalc.frontends.pytorch.translate.elementwise import operand_names, read_operands
from costcalc.frontends.pytorch.translate.operand import Expression, ExpressionNodes, cast, emit_own

REDUCTIONS = ("none", "mean", "sum")
"""The argument `reduction` of a loss -> its name."""

DIFFERENCE = ("Sub", "self", "target")

LOSSES: dict[str, Expression] = {
    "mse_loss": ("Mul", DIFFERENCE, DIFFERENCE),
    "l1_loss": ("Abs", DIFFERENCE),
    "soft_margin_loss": ("Log", ("Add", 1.0, ("Exp", ("Neg", ("Mul", "self", "target"))))),
    "binary_cross_entropy": (
        "Neg",
        (
            "Add",
            ("Mul", "target", ("Log", "self")),
            ("Mul", ("Sub", 1.0, "target"), ("Log", ("Sub", 1.0, "self"))),
        ),
    ),
    "binary_cross_entropy_with_logits": (
        "Add",
        ("Sub", ("Relu", "self"), ("Mul", "self", "target")),
        ("Softplus", ("Neg", ("Abs", "self"))),
    ),
}
"""Loss -> its formula for one element; with logits it is max(x, 0) − x · t + ln(1 + e^−|x|)."""


@translates(*LOSSES)
def elementwise_loss(call: CallSite) -> None:
    """A loss for each element, weighted where the call gives weights, then their mean or sum."""
    name = call.operator
    expression = LOSSES[name]
    if call.optional_tensor("pos_weight"):
        scaled = ("Add", 1.0, ("Mul", ("Sub", "pos_weight", 1.0), "target"))
        smooth = ("Add", ("Softplus", ("Neg", ("Abs", "self"))), ("Relu", ("Neg", "self")))
        expression = ("Add", ("Mul", ("Sub", 1.0, "target"), "self"), ("Mul", scaled, smooth))
    if call.optional_tensor("weight"):
        expression = ("Mul", expression, "weight")
    _emit_loss(call, expression)


@translates("smooth_l1_loss", "huber_loss")
def smooth_loss(call: CallSite) -> None:
    """Below a limit half the square of the difference, above it the magnitude, joined smoothly; a smooth L1 loss is
    divided by the limit."""
    is_huber = call.operator == "huber_loss"
    limit = call.number("delta" if is_huber else "beta", 1.0)
    magnitude = ("Abs", DIFFERENCE)
    if limit == 0:
        _emit_loss(call, magnitude)
        return
    square: Expression = ("Mul", 0.5 if is_huber else 0.5 / limit, ("Mul", DIFFERENCE, DIFFERENCE))
    line: Expression = ("Sub", magnitude, 0.5 * limit)
    line = ("Mul", limit, line) if is_huber else line
    _emit_loss(call, ("Where", ("Less", magnitude, limit), square, line))


@translates("kl_div")
def kl_divergence(call: CallSite) -> None:
    """target · (ln target − input), or exp(target) · (target − input) of a target in logarithms."""
    if call.flag("log_target"):
        _emit_loss(call, ("Mul", ("Exp", "target"), ("Sub", "target", "self")))
    else:
        _emit_loss(call, ("Mul", "target", ("Sub", ("Log", "target"), "self")))


@translates("margin_ranking_loss", "hinge_embedding_loss")
def margin_loss(call: CallSite) -> None:
    """max(0, margin − target · (x₁ − x₂)); or of targets 1 and −1: x of the first, max(0, margin − x) of the
    others."""
    if call.operator == "margin_ranking_loss":
        distance: Expression = ("Mul", "target", ("Sub", "input1", "input2"))
        _emit_loss(call, ("Relu", ("Sub", call.number("margin", 0.0), distance)))
    else:
        distance = ("Relu", ("Sub", call.number("margin", 1.0), "self"))
        beyond = ("Where", ("Equal", "target", 1.0), 0.0, distance)
        _emit_loss(call, ("Add", beyond, ("Where", ("Equal", "target", -1.0), 0.0, "self")))


@translates("poisson_nll_loss")
def poisson_loss(call: CallSite) -> None:
    """exp(x) − target · x, or x − target · ln(x + eps) where the input is no logarithm."""
    if call.flag("full"):
        raise LoadError("a Poisson loss with Stirling's term", "leave the term out (full=False)")
    if call.flag("log_input", True):
        _emit_loss(call, ("Sub", ("Exp", "input"), ("Mul", "target", "input")))
    else:
        logarithm = ("Log", ("Add", "input", call.number("eps", 1e-8)))
        _emit_loss(call, ("Sub", "input", ("Mul", "target", logarithm)))


def _emit_loss(call: CallSite, expression: Expression) -> None:
    dtype = call.out_type().dtype
    nodes = ExpressionNodes(call, read_operands(call, operand_names(expression), dtype), dtype)
    reduction = reduction_name(call)
    if reduction == "none":
        nodes.output(expression)
    else:
        value = nodes.value(expression)
        call.emit(_reduction_operator(reduction), [value], {"keepdims": 0})


def reduction_name(call: CallSite) -> str:
    """none, mean or sum. LoadError for another number."""
    number = call.integer("reduction", 1)
    if not 0 <= number < len(REDUCTIONS):
        raise LoadError(f"reduction of {call.target} is {number}", "it is 0, 1 or 2")
    return REDUCTIONS[number]


@translates("cross_entropy_loss", "nll_loss", "nll_loss_nd", "nll_loss2d", "nll_loss_forward", "nll_loss2d_forward")
def class_loss(call: CallSite) -> None:
    """The loss of scores [N, C, …] (or [C]) for the numbers of classes, or, of a cross entropy, for probabilities."""
    x, target = call.tensor("self"), call.tensor("target")
    is_cross_entropy = call.operator == "cross_entropy_loss"
    if is_cross_entropy and call.shape(x) == call.shape(target):
        _emit_cross_entropy(call, x, target)
        return
    reduction = reduction_name(call)
    scores, classes = _with_batch(call, x, target)
    inputs = [scores, classes, *filter(None, [call.optional_tensor("weight")])]
    attributes = {"reduction": reduction, "ignore_index": call.integer("ignore_index", -100)}
    if is_cross_entropy and call.number("label_smoothing") != 0:
        _emit_smooth_labels(call, inputs, attributes)
        return
    operator = "SoftmaxCrossEntropyLoss" if is_cross_entropy else "NegativeLogLikelihoodLoss"
    if len(call.shape(x)) == 1 and reduction == "none":
        value = call.emit(operator, inputs, attributes, suffix="loss")
        call.emit("Reshape", [value, call.constant((), "scalar_shape")])
    else:
        call.emit(operator, inputs, attributes, outputs=[call.output(0)])


def _emit_smooth_labels(call: CallSite, inputs: list[str], attributes: dict[str, Any]) -> None:
    """(1 − s) · the loss of the classes − s / C · Σ ln softmax(x), with a smoothing s and C classes."""
    x, smoothing, reduction = inputs[0], call.number("label_smoothing"), str(attributes["reduction"])
    rank, classes, dtype = len(call.shape(x)), call.extent(x, 1), call.type(x).dtype
    if not isinstance(classes, int) or len(call.shape(call.tensor("self"))) == 1:
        raise LoadError("smooth labels of an open number of classes, or without a batch", "export it with sizes")
    logarithm = call.emit("LogSoftmax", [x], {"axis": 1}, suffix="logsoftmax")
    nodes = ExpressionNodes(call, {"x": logarithm}, dtype)
    loss = call.emit("NegativeLogLikelihoodLoss", [logarithm, *inputs[1:]], attributes, suffix="loss")
    terms = logarithm
    if len(inputs) > 2:
        shape = call.constant((classes, *(1,) * (rank - 2)), "weight_shape")
        nodes.operands["weight"] = call.emit("Reshape", [inputs[2], shape], suffix="weights")
        terms = nodes.value(("Mul", "x", "weight"))
    total = call.emit("ReduceSum", [terms, call.constant((1,), "class_axis")], {"keepdims": 0}, suffix="sum")
    if reduction == "mean" and len(inputs) > 2:  # a mean with weights divides by those of the classes that occur
        chosen = call.emit("Gather", [inputs[2], inputs[1]], suffix="chosen")
        for name, value in (("total", total), ("count", chosen)):
            nodes.operands[name] = call.emit("ReduceSum", [value], {"keepdims": 0}, suffix=name)
        total = nodes.value(("Div", "total", "count"))
    elif reduction != "none":
        total = call.emit(_reduction_operator(reduction), [total], {"keepdims": 0}, suffix="total")
    nodes.operands |= {"loss": loss, "total": total}
    nodes.output(("Sub", ("Mul", "loss", 1.0 - smoothing), ("Mul", "total", smoothing / classes)))


def _reduction_operator(reduction: str) -> str:
    return "ReduceMean" if reduction == "mean" else "ReduceSum"


def _with_batch(call: CallSite, x: str, target: str) -> tuple[str, str]:
    """Scores and classes, with a batch axis where they have none."""
    if len(call.shape(x)) > 1:
        return x, target
    scores = call.constant((1, *call.shape(x)), "batch_shape")
    x = call.emit("Reshape", [x, scores], suffix="batch")
    return x, call.emit("Reshape", [target, call.constant((1,), "target_shape")], suffix="target")


def _emit_cross_entropy(call: CallSite, x: str, target: str) -> None:
    """−Σ target · ln softmax(x) over the classes. A mean is over the batch and all places; weights and smooth labels
    multiply each element once more."""
    rank = len(call.shape(x))
    axis = 1 if rank > 1 else 0
    logarithm = call.emit("LogSoftmax", [x], {"axis": axis}, suffix="logsoftmax")
    dtype = call.type(x).dtype
    operands = {"x": logarithm, "target": cast(call, target, dtype)}
    nodes = ExpressionNodes(call, operands, dtype)
    smoothing = call.number("label_smoothing")
    classes = call.extent(x, axis)
    labels: Expression = "target"
    if smoothing and isinstance(classes, int) and classes:
        labels = ("Add", ("Mul", "target", 1.0 - smoothing), smoothing / classes)
    product: Expression = ("Mul", "x", labels)
    if call.optional_tensor("weight"):
        shape = call.constant((classes, *(1,) * (rank - 2)) if rank > 1 else (classes,), "weight_shape")
        nodes.operands["weight"] = call.emit("Reshape", [call.tensor("weight"), shape], suffix="weights")
        product = ("Mul", product, "weight")
    value, reduction = nodes.value(product), reduction_name(call)
    axes = call.constant((axis,), "class_axis")
    nodes.operands["sum"] = call.emit("ReduceSum", [value, axes], {"keepdims": 0}, suffix="sum")
    if reduction == "none":
        nodes.output(("Neg", "sum"))
        return
    negative = nodes.value(("Neg", "sum"))
    call.emit(_reduction_operator(reduction), [negative], {"keepdims": 0})


@translates("cosine_similarity")
def cosine_similarity(call: CallSite) -> None:
    """Σ x₁ · x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)) along an axis."""
    out = call.out_type()
    x1, x2 = (cast(call, call.tensor(name), out.dtype) for name in ("x1", "x2"))
    nodes = ExpressionNodes(call, {"x1": x1, "x2": x2}, out.dtype)
    product = nodes.value(("Mul", "x1", "x2"))
    axis = call.constant((call.axis("dim", product, 1),), "axis")
    nodes.operands["dot"] = call.emit("ReduceSum", [product, axis], {"keepdims": 0}, suffix="dot")
    for name in ("x1", "x2"):
        length = call.emit("ReduceL2", [nodes.operands[name], axis], {"keepdims": 0}, suffix=f"norm_{name}")
        nodes.operands[f"norm_{name}"] = length
    eps = call.number("eps", 1e-8)
    nodes.output(("Div", "dot", ("Mul", ("Max", "norm_x1", eps), ("Max", "norm_x2", eps))))


@translates("pairwise_distance", "dist")
def distance(call: CallSite) -> None:
    """The Euclidean norm of x₁ − x₂ (+ eps): along the last axis, or of all elements."""
    if call.number("p", 2.0) != 2.0:
        raise LoadError(f"{call.target} with p = {call.number('p', 2.0)}", "costcalc follows p = 2")
    dtype = call.out_type().dtype
    is_pairwise = call.operator == "pairwise_distance"
    names = ("x1", "x2") if is_pairwise else ("self", "other")
    nodes = ExpressionNodes(call, read_operands(call, names, dtype), dtype)
    difference: Expression = ("Sub", *names)
    if is_pairwise:
        value = nodes.value(("Add", difference, call.number("eps", 1e-6)))
        axes = [call.constant((-1,), "axis")]
    else:
        value, axes = nodes.value(difference), []
    call.emit("ReduceL2", [value, *axes], {"keepdims": int(call.flag("keepdim"))})


@translates("pdist", "_pdist_forward")
def pair_distances(call: CallSite) -> None:
    """The distance of each pair of different rows of a matrix, once."""
    x = call.tensor("self")
    emit_own(call, "cdist", x, x, attributes={"p": call.number("p", 2.0)})
