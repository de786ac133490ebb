"""Preparation of features and results of ai.onnx.ml: scaling, encoding, mapping."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.core.formula import Cost, elementwise_work
from costcalc.core.ir import DType, SequenceType, TensorType
from costcalc.core.registry import cost_rule, describe, free, shape_rule
from costcalc.ops.ml.models import ML, split_rows

free("ArrayFeatureExtractor", "CategoryMapper", "DictVectorizer", "FeatureVectorizer", "LabelEncoder", domain=ML)

free("OneHotEncoder", "ZipMap", "CastMap", domain=ML)

describe("Divides each row by its norm.", "Normalizer", domain=ML)

describe("Moves and scales each feature.", "Scaler", domain=ML)

describe("Replaces missing values.", "Imputer", domain=ML)

describe("Picks columns.", "ArrayFeatureExtractor", domain=ML)

describe("1 where an element is above the threshold, else 0.", "Binarizer", domain=ML)

describe("Maps labels by a table.", "CategoryMapper", "LabelEncoder", domain=ML)

describe("Makes a vector of a map.", "DictVectorizer", "CastMap", domain=ML)

describe("Puts features side by side.", "FeatureVectorizer", domain=ML)

describe("Marks each category in a column of its own.", "OneHotEncoder", domain=ML)

describe("Makes a map of labels to scores of each row.", "ZipMap", domain=ML)


@shape_rule("Normalizer", "Scaler", domain=ML)
def to_float_shape(x: TensorType) -> TensorType:
    """The input's shape in float32."""
    return TensorType(DType.FLOAT32, x.shape)


@shape_rule("Imputer", "Binarizer", domain=ML)
def same_type_shape(x: TensorType) -> TensorType:
    """The input's shape and element type."""
    return TensorType(x.dtype, x.shape)


@cost_rule("Normalizer", domain=ML)
def normalizer_cost(x: TensorType, *, norm: str = "MAX") -> Cost:
    """Per element 1 division, and 1 comparison (MAX), 1 comparison and 1 addition (L1), or 1 multiplication and 1
    addition (L2), with a root per row."""
    n = x.elements
    work = elementwise_work("divide", "normalization", n) + elementwise_work(
        "compare", "normalization", n, int(norm != "L2")
    )
    work += elementwise_work("add", "normalization", n, int(norm != "MAX")) + elementwise_work(
        "multiply", "normalization", n, int(norm == "L2")
    )
    return Cost(
        work=work + elementwise_work("transcendental", "normalization", split_rows(x)[0], int(norm == "L2"), "#rows")
    )


@cost_rule("Scaler", domain=ML)
def scaler_cost(x: TensorType) -> Cost:
    """Per element 1 subtraction and 1 multiplication."""
    return Cost(
        work=elementwise_work("add", "elementwise", x.elements)
        + elementwise_work("multiply", "elementwise", x.elements)
    )


@cost_rule("Imputer", "Binarizer", domain=ML)
def compare_cost(x: TensorType) -> Cost:
    """One comparison per element."""
    return Cost(work=elementwise_work("compare", "elementwise", x.elements))


@shape_rule("ArrayFeatureExtractor", domain=ML)
def array_feature_shape(x: TensorType, y: TensorType) -> TensorType:
    """x [*, C], y the columns to pick -> [*, #columns], of a vector [1, #columns]."""
    assert x.shape is not None
    return TensorType(x.dtype, (*(x.shape[:-1] or (1,)), y.elements))


@shape_rule("CategoryMapper", domain=ML)
def category_mapper_shape(x: TensorType) -> TensorType:
    """Strings -> int64, int64 -> strings."""
    return TensorType(DType.INT64 if x.dtype is DType.STRING else DType.STRING, x.shape)


@shape_rule("LabelEncoder", domain=ML)
def label_encoder_shape(
    x: TensorType,
    *,
    values_int64s: Sequence[int] = (),
    values_strings: Sequence[str] = (),
    values_floats: Sequence[float] = (),
    values_tensor: TensorType | None = None,
    opset: int = 4,
) -> TensorType:
    """The input's shape in the type of the values; before version 2 strings -> int64 and back."""
    if opset < 2:
        return TensorType(DType.INT64 if x.dtype is DType.STRING else DType.STRING, x.shape)
    if values_tensor is not None:
        return TensorType(values_tensor.dtype, x.shape)
    dtype = DType.INT64 if values_int64s else DType.FLOAT32 if values_floats else DType.STRING
    return TensorType(dtype, x.shape)


@shape_rule("DictVectorizer", domain=ML)
def dict_vectorizer_shape(
    x: TensorType, *, int64_vocabulary: Sequence[int] = (), string_vocabulary: Sequence[str] = ()
) -> TensorType:
    """A map -> [1, vocabulary]."""
    return TensorType(x.dtype, (1, len(int64_vocabulary) or len(string_vocabulary)))


@shape_rule("CastMap", domain=ML)
def cast_map_shape(
    x: TensorType, *, cast_to: str = "TO_FLOAT", map_form: str = "DENSE", max_map: int = 1
) -> TensorType:
    """A map -> [1, max_map]; a dense one is as long as the map is."""
    dtype = {"TO_FLOAT": DType.FLOAT32, "TO_INT64": DType.INT64}.get(cast_to, DType.STRING)
    return TensorType(dtype, (1, max_map) if map_form == "SPARSE" else (1, x.elements))


@shape_rule("FeatureVectorizer", domain=ML)
def feature_vectorizer_shape(*inputs: TensorType, inputdimensions: Sequence[int] = ()) -> TensorType:
    """[N, C] each -> [N, all features]."""
    n, width = split_rows(inputs[0])
    for tensor in inputs[1:]:
        width = width + split_rows(tensor)[1]
    return TensorType(DType.FLOAT32, (n, sum(inputdimensions) if inputdimensions else width))


@shape_rule("OneHotEncoder", domain=ML)
def one_hot_encoder_shape(
    x: TensorType, *, cats_int64s: Sequence[int] = (), cats_strings: Sequence[str] = ()
) -> TensorType:
    """[*] -> [*, categories]."""
    assert x.shape is not None
    return TensorType(DType.FLOAT32, (*x.shape, len(cats_int64s) or len(cats_strings)))


@shape_rule("ZipMap", domain=ML)
def zip_map_shape(x: TensorType) -> TensorType:
    """x [N, C] -> a sequence of N maps, each typed as the C values that it holds."""
    n, width = split_rows(x)
    item = TensorType(x.dtype, (width,))
    return SequenceType(x.dtype, (n,), (item,) * n if isinstance(n, int) else (item,))
