"""Classical models of ai.onnx.ml: linear models, support vectors and tree ensembles.

They are counted as elementwise work, not as MACs: ONNX calls them classical machine learning, and their coefficients
are attributes, not parameters of a network. In a tree ensemble a row takes one comparison a level of each tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costcalc.core.budget import spend
from costcalc.core.dim import Dim
from costcalc.core.errors import ShapeError
from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, describe, shape_rule

ML = "ai.onnx.ml"

describe("A weighted sum of the features for each class.", "LinearClassifier", domain=ML)

describe("A weighted sum of the features for each target.", "LinearRegressor", domain=ML)

describe("The features are compared with support vectors.", "SVMClassifier", "SVMRegressor", domain=ML)


def split_rows(x: TensorType) -> tuple[Dim, Dim]:
    """(rows, features) of [N, C] or [C]."""
    assert x.shape is not None
    if len(x.shape) not in (1, 2):
        raise ShapeError(f"the input has {len(x.shape)} axes", "it is [N, C] or [C]")
    return (1, x.shape[0]) if len(x.shape) == 1 else (x.shape[0], x.shape[1])


def label_type(rows: Dim, ints: Sequence[int], strings: Sequence[str]) -> TensorType:
    """A label per row."""
    return TensorType(DType.INT64 if ints or not strings else DType.STRING, (rows,))


def post_transform_work(name: str, scores: Dim) -> tuple[Work, ...]:
    """SOFTMAX: 5 per score; LOGISTIC and PROBIT: 1; NONE: 0."""
    if name.startswith("SOFTMAX"):
        return (
            elementwise_work("compare", "softmax", scores)
            + elementwise_work("add", "softmax", scores, 2)
            + elementwise_work("exp", "softmax", scores)
            + elementwise_work("divide", "softmax", scores)
        )
    return elementwise_work("transcendental", "activation", scores, int(name not in ("NONE", "")))


def weighted_sum_work(products: Dim, scores: Dim) -> tuple[Work, ...]:
    """A multiplication and an addition per product, an addition of the intercept per score."""
    return (
        elementwise_work("multiply", "elementwise", products, 1, "#products")
        + elementwise_work("add", "elementwise", products, 1, "#products")
        + elementwise_work("add", "bias", scores, 1, "#scores")
    )


@shape_rule("LinearClassifier", domain=ML)
def linear_classifier_shape(
    x: TensorType,
    *,
    intercepts: Sequence[float] = (),
    classlabels_ints: Sequence[int] = (),
    classlabels_strings: Sequence[str] = (),
) -> tuple[TensorType, ...]:
    """x [N, C] -> labels [N], scores [N, classes]."""
    n, _ = split_rows(x)
    classes = max(len(intercepts), len(classlabels_ints), len(classlabels_strings))
    return label_type(n, classlabels_ints, classlabels_strings), TensorType(DType.FLOAT32, (n, classes))


@cost_rule("LinearClassifier", domain=ML)
def linear_classifier_cost(
    x: TensorType, *, coefficients: Sequence[float], post_transform: str = "NONE", outs: Sequence[TensorType | None]
) -> Cost:
    """Per row and coefficient 1 multiplication and 1 addition, per score 1 addition of its intercept, 1 comparison to
    find the label, and the post-transform (5 for SOFTMAX, 1 for LOGISTIC). No MACs are counted."""
    n, features = split_rows(x)
    scores = n * len(coefficients) // features
    work = weighted_sum_work(n * len(coefficients), scores) + elementwise_work(
        "compare", "reduction", scores, 1, "#scores"
    )
    return Cost(work=work + post_transform_work(post_transform, scores))


@shape_rule("LinearRegressor", domain=ML)
def linear_regressor_shape(x: TensorType, *, targets: int = 1) -> TensorType:
    """x [N, C] -> [N, targets]."""
    return TensorType(DType.FLOAT32, (split_rows(x)[0], targets))


@cost_rule("LinearRegressor", domain=ML)
def linear_regressor_cost(
    x: TensorType, *, coefficients: Sequence[float], post_transform: str = "NONE", out: TensorType
) -> Cost:
    """Per row and coefficient 1 multiplication and 1 addition, per target 1 addition of its intercept, and the
    post-transform. No MACs are counted."""
    n, _ = split_rows(x)
    return Cost(
        work=weighted_sum_work(n * len(coefficients), out.elements) + post_transform_work(post_transform, out.elements)
    )


@shape_rule("SVMClassifier", domain=ML)
def svm_classifier_shape(
    x: TensorType,
    *,
    classlabels_ints: Sequence[int] = (),
    classlabels_strings: Sequence[str] = (),
    prob_a: Sequence[float] = (),
    support_vectors: Sequence[float] = (),
) -> tuple[TensorType, ...]:
    """x [N, C] -> labels [N], scores [N, classes]; without probabilities a score per pair of classes."""
    n, _ = split_rows(x)
    classes = max(len(classlabels_ints), len(classlabels_strings))
    columns = classes * (classes - 1) // 2 if support_vectors and not prob_a and classes > 2 else classes
    return label_type(n, classlabels_ints, classlabels_strings), TensorType(DType.FLOAT32, (n, columns))


def _kernel_work(x: TensorType, vectors: int, coefficients: int, kernel_type: str) -> tuple[Work, ...]:
    """Products with the support vectors, the kernel function, the weighted sums."""
    n, _ = split_rows(x)
    kernels = n * (coefficients if not vectors else vectors // int(split_rows(x)[1]))
    work = weighted_sum_work(n * (vectors or coefficients), kernels)
    if vectors:
        work += elementwise_work("transcendental", "elementwise", kernels, int(kernel_type != "LINEAR"), "#kernels")
        work += elementwise_work("multiply", "elementwise", n * coefficients, 1, "#coefficients")
        work += elementwise_work("add", "elementwise", n * coefficients, 1, "#coefficients")
    return work


@cost_rule("SVMClassifier", domain=ML)
def svm_classifier_cost(
    x: TensorType,
    *,
    coefficients: Sequence[float],
    support_vectors: Sequence[float] = (),
    kernel_type: str = "LINEAR",
    post_transform: str = "NONE",
    outs: Sequence[TensorType | None],
) -> Cost:
    """Per row and number of the support vectors 1 multiplication and 1 addition, per kernel 1 addition and 1 function
    (none for LINEAR), per row and coefficient 1 multiplication and 1 addition, and the post-transform. No MACs are
    counted."""
    scores = outs[1].elements if len(outs) > 1 and outs[1] is not None else split_rows(x)[0]
    work = _kernel_work(x, len(support_vectors), len(coefficients), kernel_type)
    return Cost(work=work + post_transform_work(post_transform, scores))


@shape_rule("SVMRegressor", domain=ML)
def svm_regressor_shape(x: TensorType) -> TensorType:
    """x [N, C] -> [N, 1]."""
    return TensorType(DType.FLOAT32, (split_rows(x)[0], 1))


@cost_rule("SVMRegressor", domain=ML)
def svm_regressor_cost(
    x: TensorType,
    *,
    coefficients: Sequence[float],
    support_vectors: Sequence[float] = (),
    kernel_type: str = "LINEAR",
    post_transform: str = "NONE",
    out: TensorType,
) -> Cost:
    """As SVMClassifier, one target per row."""
    work = _kernel_work(x, len(support_vectors), len(coefficients), kernel_type)
    return Cost(work=work + post_transform_work(post_transform, out.elements))


describe(
    "Each row goes down every tree to a leaf; the leaves' weights are added up.",
    "TreeEnsembleClassifier",
    "TreeEnsembleRegressor",
    "TreeEnsemble",
    domain=ML,
)

Key = tuple[int, int]


def sum_depths(roots: Sequence[Key], children: Mapping[Key, tuple[Key, ...]]) -> int:
    """The sum of the trees' depths: how many comparisons a row takes at most. ShapeError where a branch leads back to a
    node above it."""
    total = 0
    for root in roots:
        level, depth = [root], -1
        while level:
            depth += 1
            if depth > len(children):
                raise ShapeError("a branch of its tree leads back to a node above it", "export the model again")
            spend(len(level))
            level = list(dict.fromkeys(child for node in level for child in children.get(node, ())))
        total += depth
    return total


def _count_depths(
    trees: Sequence[int], nodes: Sequence[int], yes: Sequence[int], no: Sequence[int], modes: Sequence[str]
) -> tuple[int, int]:
    """(trees, their depths added up)."""
    children: dict[Key, tuple[Key, ...]] = {}
    roots: dict[int, Key] = {}
    for tree, node, left, right, mode in zip(trees, nodes, yes, no, modes, strict=True):
        roots.setdefault(tree, (tree, node))
        if mode != "LEAF":
            children[tree, node] = ((tree, left), (tree, right))
    return len(roots), sum_depths(tuple(roots.values()), children)


def _traversal_work(x: TensorType, trees: int, depth: int) -> tuple[Work, ...]:
    n, _ = split_rows(x)
    return elementwise_work("compare", "elementwise", n * depth, 1, "#rows × depths") + elementwise_work(
        "add", "reduction", n * trees, 1, "#rows × trees"
    )


@shape_rule("TreeEnsembleClassifier", domain=ML)
def tree_classifier_shape(
    x: TensorType, *, classlabels_int64s: Sequence[int] = (), classlabels_strings: Sequence[str] = ()
) -> tuple[TensorType, ...]:
    """x [N, C] -> labels [N], scores [N, classes]."""
    n, _ = split_rows(x)
    classes = max(len(classlabels_int64s), len(classlabels_strings))
    return label_type(n, classlabels_int64s, classlabels_strings), TensorType(DType.FLOAT32, (n, classes))


@shape_rule("TreeEnsembleRegressor", domain=ML)
def tree_regressor_shape(x: TensorType, *, n_targets: int = 1) -> TensorType:
    """x [N, C] -> [N, targets]."""
    return TensorType(DType.FLOAT32, (split_rows(x)[0], n_targets))


@cost_rule("TreeEnsembleClassifier", "TreeEnsembleRegressor", domain=ML)
def tree_cost(
    x: TensorType,
    *,
    nodes_treeids: Sequence[int],
    nodes_nodeids: Sequence[int],
    nodes_truenodeids: Sequence[int],
    nodes_falsenodeids: Sequence[int],
    nodes_modes: Sequence[str],
    post_transform: str = "NONE",
    outs: Sequence[TensorType | None],
) -> Cost:
    """Per row and tree as many comparisons as the tree is deep, the most that a row takes, and 1 addition of the leaf's
    weight; then the post-transform (5 per score for SOFTMAX, 1 for LOGISTIC)."""
    trees, depth = _count_depths(nodes_treeids, nodes_nodeids, nodes_truenodeids, nodes_falsenodeids, nodes_modes)
    last = outs[-1]
    scores = last.elements if last is not None else split_rows(x)[0]
    return Cost(work=_traversal_work(x, trees, depth) + post_transform_work(post_transform, scores))


@shape_rule("TreeEnsemble", domain=ML)
def tree_ensemble_shape(x: TensorType, *, n_targets: int = 1) -> TensorType:
    """x [N, C] -> [N, targets]."""
    return TensorType(x.dtype, (split_rows(x)[0], n_targets))


@cost_rule("TreeEnsemble", domain=ML)
def tree_ensemble_cost(
    x: TensorType,
    *,
    tree_roots: Sequence[int],
    nodes_truenodeids: Sequence[int],
    nodes_falsenodeids: Sequence[int],
    nodes_trueleafs: Sequence[int],
    nodes_falseleafs: Sequence[int],
) -> Cost:
    """Per row and tree as many comparisons as the tree is deep, the most that a row takes, and 1 addition of the leaf's
    weight."""
    children: dict[Key, tuple[Key, ...]] = {}
    branches = zip(nodes_truenodeids, nodes_falsenodeids, nodes_trueleafs, nodes_falseleafs, strict=True)
    for node, (yes, no, yes_leaf, no_leaf) in enumerate(branches):
        children[0, node] = ((1 if yes_leaf else 0, yes), (1 if no_leaf else 0, no))
    return Cost(work=_traversal_work(x, len(tree_roots), sum_depths([(0, root) for root in tree_roots], children)))
