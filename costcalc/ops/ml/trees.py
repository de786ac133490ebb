"""ai.onnx.ml's tree ensembles: a row goes down each tree, one comparison a node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costcalc.core.formula import Cost, Work, elementwise_work
from costcalc.core.ir import DType, TensorType
from costcalc.core.registry import cost_rule, describe, shape_rule
from costcalc.ops.ml.linear import ML, label_type, post_transform_work, split_rows

describe(
    "Each row goes down every tree to a leaf; the leaves' weights are added up.",
    "TreeEnsembleClassifier",
    "TreeEnsembleRegressor",
    "TreeEnsemble",
    domain=ML,
)

Key = tuple[int, int]


def sum_depths(roots: Sequence[Key], children: Mapping[Key, tuple[Key, ...]]) -> int:
    """The sum of the trees' depths: how many comparisons a row takes at most."""
    total = 0
    for root in roots:
        level, deepest = [root], -1
        while level:
            deepest += 1
            level = [child for node in level for child in children.get(node, ())]
        total += deepest
    return total


def _listed(
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


def _walks(x: TensorType, trees: int, depth: int) -> tuple[Work, ...]:
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
    trees, depth = _listed(nodes_treeids, nodes_nodeids, nodes_truenodeids, nodes_falsenodeids, nodes_modes)
    last = outs[-1]
    scores = last.elements if last is not None else split_rows(x)[0]
    return Cost(work=_walks(x, trees, depth) + post_transform_work(post_transform, scores))


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
    each = zip(nodes_truenodeids, nodes_falsenodeids, nodes_trueleafs, nodes_falseleafs, strict=True)
    for node, (yes, no, yes_leaf, no_leaf) in enumerate(each):
        children[0, node] = ((1 if yes_leaf else 0, yes), (1 if no_leaf else 0, no))
    return Cost(work=_walks(x, len(tree_roots), sum_depths([(0, root) for root in tree_roots], children)))
