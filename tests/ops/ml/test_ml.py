"""ai.onnx.ml: ONNX Runtime's executed shapes, and the work of linear models and trees."""

from __future__ import annotations

from typing import Any

import pytest
from support.node_execution import executed
from support.operator_rules import F32, I64, cost, run, t

from costcalc.core.errors import ShapeError
from costcalc.core.ir import DType, SequenceType
from costcalc.ops.ml.models import sum_depths

ML = "ai.onnx.ml"
X = t(3, 2)
TREE: dict[str, Any] = {
    "nodes_treeids": (0, 0, 0, 0, 0, 1, 1, 1),
    "nodes_nodeids": (0, 1, 2, 3, 4, 0, 1, 2),
    "nodes_featureids": (0, 1, 0, 0, 0, 1, 0, 0),
    "nodes_values": (0.5, 0.2, 0.0, 0.0, 0.0, 0.3, 0.0, 0.0),
    "nodes_modes": ("BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"),
    "nodes_truenodeids": (1, 3, 0, 0, 0, 1, 0, 0),
    "nodes_falsenodeids": (2, 4, 0, 0, 0, 2, 0, 0),
}
LEAVES = ((0, 0, 0, 1, 1), (2, 3, 4, 1, 2), (0, 0, 0, 0, 0), (1.0, 2.0, 3.0, 4.0, 5.0))
REGRESSOR = TREE | dict(zip(("target_treeids", "target_nodeids", "target_ids", "target_weights"), LEAVES, strict=True))
CLASSIFIER = TREE | dict(zip(("class_treeids", "class_nodeids", "class_ids", "class_weights"), LEAVES, strict=True))
LABELS: dict[str, Any] = {"classlabels_int64s": (0, 1, 2)}
LINEAR: dict[str, Any] = {
    "coefficients": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0),
    "intercepts": (1.0, 2.0, 3.0),
    "classlabels_ints": (0, 1, 2),
}
SVM: dict[str, Any] = {
    "kernel_type": "RBF",
    "kernel_params": (0.5, 0.0, 3.0),
    "support_vectors": (0.1, 0.2, 0.3, 0.4),
    "coefficients": (1.0, -1.0),
    "rho": (0.1,),
}


@pytest.mark.parametrize(
    ("op_type", "how", "n", "flops"),
    [
        ("LinearClassifier", LINEAR, 2, 3 * (2 * 6 + 3 + 3)),
        ("LinearClassifier", LINEAR | {"post_transform": "SOFTMAX"}, 2, 3 * (2 * 6 + 3 + 3 + 5 * 3)),
        ("LinearRegressor", {"coefficients": (1.0, 2.0), "intercepts": (1.0,), "targets": 1}, 1, 3 * (2 * 2 + 1)),
        ("TreeEnsembleRegressor", REGRESSOR | {"n_targets": 1}, 1, 3 * (2 + 1 + 2)),
        ("TreeEnsembleClassifier", CLASSIFIER | LABELS, 2, 3 * (2 + 1 + 2)),
        ("SVMRegressor", SVM | {"n_supports": 2}, 1, 3 * (2 * 4 + 2 + 2 + 2 * 2)),
        ("SVMClassifier", SVM | {"vectors_per_class": (1, 1), "classlabels_ints": (0, 1)}, 2, 3 * (8 + 2 + 2 + 4)),
        ("Normalizer", {"norm": "L2"}, 1, 3 * 6 + 3),
        ("Scaler", {"offset": (1.0, 2.0), "scale": (1.0, 2.0)}, 1, 2 * 6),
        ("Imputer", {"imputed_value_floats": (1.0,), "replaced_value_float": 0.5}, 1, 6),
        ("Binarizer", {"threshold": 0.5}, 1, 6),
        ("FeatureVectorizer", {"inputdimensions": (2,)}, 1, 0),
    ],
)
def test_cases(op_type: str, how: Any, n: int, flops: int) -> None:
    found = run(op_type, X, domain=ML, opset=3, n=n, **how)
    assert [(y.dtype, y.shape) for y in found] == executed(op_type, X, domain=ML, n=n, **how)
    work = cost(op_type, X, domain=ML, opset=3, n=n, **how)
    assert work.macs.value == 0
    assert work.flops == flops


def test_norms() -> None:
    assert [cost("Normalizer", X, domain=ML, norm=norm).flops for norm in ("MAX", "L1", "L2")] == [12, 18, 18 + 3]


def test_mappings() -> None:
    columns = t(1, dtype=I64, value=(1,))
    found = run("ArrayFeatureExtractor", X, columns, domain=ML)
    assert [(y.dtype, y.shape) for y in found] == executed("ArrayFeatureExtractor", X, columns, domain=ML)
    numbers = t(3, dtype=I64)
    assert run("CategoryMapper", numbers, domain=ML)[0].dtype is DType.STRING
    assert run("LabelEncoder", numbers, domain=ML, keys_int64s=(0,), values_floats=(1.0,))[0].dtype is F32
    assert run("OneHotEncoder", numbers, domain=ML, cats_int64s=(0, 1))[0].shape == (3, 2)
    (maps,) = run("ZipMap", X, domain=ML, classlabels_int64s=(0, 1))
    assert isinstance(maps, SequenceType) and maps.shape == (3,) and maps.nbytes == 3 * 2 * 4


def test_tree_ensemble() -> None:
    how: Any = {
        "tree_roots": (0, 2),
        "nodes_truenodeids": (1, 0, 3),
        "nodes_trueleafs": (0, 1, 1),
        "nodes_falsenodeids": (2, 1, 4),
        "nodes_falseleafs": (1, 1, 1),
        "leaf_targetids": (0,),
        "leaf_weights": t(1),
        "nodes_featureids": (0, 0, 0),
        "nodes_modes": t(3, dtype=DType.UINT8),
        "nodes_splits": t(3),
    }
    assert cost("TreeEnsemble", X, domain=ML, opset=5, **how).flops == 3 * (2 + 1) + 3 * 2


def test_a_tree_whose_branch_leads_back() -> None:
    """A cycle has no depth; a subtree that two branches share is walked once."""
    down = {(0, i): ((0, i + 1), (0, i + 1)) for i in range(200)}
    assert sum_depths([(0, 0)], down) == 200
    with pytest.raises(ShapeError, match="leads back"):
        sum_depths([(0, 0)], {**down, (0, 200): ((0, 0),)})
