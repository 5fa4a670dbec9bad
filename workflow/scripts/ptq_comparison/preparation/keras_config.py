"""The configuration of a Keras model: no code in it may run, and training is left out of it."""

import builtins
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from ptq_comparison.common.errors import UserError
from ptq_comparison.common.texts import shown

# They hold Python code or the path of a file, or run what another library has pickled.
REFUSED = {
    "Lambda",
    "__lambda__",
    "TFSMLayer",
    "TorchModuleWrapper",
    "JaxLayer",
    "FlaxLayer",
    "ModuleWrapper",
    "ClassMethod",
    "TFClassMethodDispatcher",
    "StringLookup",
    "IntegerLookup",
    "TextVectorization",
}
# Modules of Keras that hold parts of networks: a reader imports the module that a file names.
PARTS = (
    "activations|constraints|dtype_policies|engine|initializers|layers|losses|metrics|"
    "mixed_precision|models|ops|optimizers|quantizers|random|regularizers"
)
MODULE = re.compile(
    r"builtins|(tensorflow\.(python\.)?)?(tf_)?keras(\.(src|api|_tf_keras|_v[12]|keras))*"
    rf"(\.({PARTS})(\.\w+)*)?"
)
FUNCTIONS = re.compile(r"builtins|.*\b(activations|ops)(\.\w+)*")  # modules of functions
NAME = re.compile(r"(\w+>)?\w+")  # of a class or function; a dot would lead into another module
# Functions of TensorFlow that layers of Keras 2 may call: they compute, and read or write no file.
COMPUTES = re.compile(
    r"(compat\.v[12]\.)?((__operators__|math|nn|image|linalg|keras\.activations|keras\.backend)"
    r"\.\w+|abs|add|argmax|argmin|broadcast_to|cast|clip_by_value|concat|cos|cumsum|depth_to_space|"
    r"divide|equal|exp|expand_dims|eye|fill|floor|gather|gather_nd|greater|greater_equal|identity|"
    r"less|less_equal|logical_\w+|matmul|maximum|meshgrid|minimum|multiply|negative|norm|not_equal|"
    r"one_hot|ones|ones_like|pad|pow|range|rank|realdiv|reduce_\w+|repeat|reshape|reverse|roll|"
    r"round|scalar_mul|shape|sigmoid|sign|sin|size|slice|sort|space_to_depth|split|sqrt|square|"
    r"squeeze|stack|stop_gradient|strided_slice|subtract|tanh|tensordot|tile|transpose|truediv|"
    r"unstack|where|zeros|zeros_like)"
)
OPERATORS = re.compile(  # the same, as Keras of TensorFlow 2.0 to 2.3 names them
    r"Abs|Add(N|V2|)|AvgPool|BiasAdd|BroadcastTo|Cast|Concat(V2|)|Const|Conv2D|Depth\w+|Div\w*|Elu|"
    r"Exp|ExpandDims|Floor|Fill|FusedBatchNorm\w*|Gather\w*|Identity|LeakyRelu|Log|MatMul|Max\w*|"
    r"Mean|Min\w*|Mirror\w+|Mul|Neg|Pack|Pad(V2|)|Pow|Prod|Range|RealDiv|Relu6?|Reshape|Resize\w+|"
    r"ReverseV2|Round|Rsqrt|Selu|Shape|Sigmoid|Slice|Softmax|Softplus|SpaceToDepth|Split(V|)|Sqrt|"
    r"Square\w*|Squeeze|StopGradient|StridedSlice|Sub|Sum|Tanh|Tile|Transpose|Unpack|ZerosLike"
)
HALF = {"float16", "bfloat16", "mixed_float16", "mixed_bfloat16"}
KERNEL_KEYS = ("_regularizer", "_constraint")
NO_CODE = "replace it by layers of Keras, and save the model again"


def _dicts(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping in a configuration, without recursion: it may be nested to any depth."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def check_code(config: Any, name: str) -> None:
    """Raise UserError where a configuration asks for more than the parts of Keras.

    `name` is that of the file. Readers of Keras run code that a layer holds, and import modules
    that it names.
    """
    for part in _dicts(config):
        kind, module, inner = part.get("class_name"), part.get("module"), part.get("config")
        if kind is None:
            continue
        settings = inner if isinstance(inner, dict) else {}
        layer = f"{name}: layer {shown(settings.get('name', kind))} ({shown(kind)})"
        if not isinstance(kind, str) or not NAME.fullmatch(kind):
            _refuse(layer, "has no plain name of a class")
        if kind.split(">")[-1] in REFUSED:
            _refuse(layer, "may hold code or name a file, which is not run")
        if module is not None and not (isinstance(module, str) and MODULE.fullmatch(module)):
            _refuse(layer, f"is of the module {shown(module)}, which is not one of Keras")
        if kind == "function":
            _check_function(layer, inner, module)
        elif kind in ("TFOpLambda", "SlicingOpLambda"):
            function = settings.get("function")
            if not isinstance(function, str) or not COMPUTES.fullmatch(function):
                _refuse(
                    layer, f"calls {shown(function)} of TensorFlow, which is not known to be safe"
                )
        elif kind == "TensorFlowOpLayer":
            node = settings.get("node_def")
            operator = node.get("op") if isinstance(node, dict) else None
            if not isinstance(operator, str) or not OPERATORS.fullmatch(operator):
                _refuse(layer, f"is TensorFlow's {shown(operator)}, which may be unsafe")
        elif kind in ("InstanceMethod", "InstanceProperty"):
            attribute = settings.get("method_name", settings.get("attr_name"))
            if not isinstance(attribute, str) or attribute.startswith("_"):
                _refuse(layer, f"takes {shown(attribute)} of a tensor")


def _check_function(layer: str, function: Any, module: Any) -> None:
    if not isinstance(function, str) or not NAME.fullmatch(function) or hasattr(builtins, function):
        _refuse(layer, f"calls {shown(function)}")
    if module is not None and not FUNCTIONS.fullmatch(module):
        _refuse(layer, f"calls {shown(function)} of {shown(module)}")


def _refuse(layer: str, reason: str) -> NoReturn:
    raise UserError(f"{layer} {reason}; {NO_CODE}")


def has_other_meaning(config: Any) -> bool:
    """Tell whether a configuration of Keras 2 has a part that Keras 3 takes for another one.

    hard_sigmoid has another slope there. Normalization keeps what it computes from its weights.
    """
    return any(
        part.get("class_name") == "Normalization" or "hard_sigmoid" in part.values()
        for part in _dicts(config)
    )


def leave_out_training(config: Any) -> None:
    """Change a configuration, in place, to one that gives the same predictions from its weights.

    Initial weights are zero, since those of the file follow. Losses, metrics, optimizers,
    regularizers and constraints go, which may be of classes that nobody has here. Layers that were
    trained with 16-bit activations compute in float32, as their weights are stored.
    """
    for part in _dicts(config):
        part.pop("compile_config", None)
        for key, value in part.items():
            if key.endswith("_initializer") and value is not None:
                part[key] = "zeros"
            elif key.endswith(KERNEL_KEYS):
                part[key] = None
            elif key == "dtype":
                policy = value.get("config") if isinstance(value, dict) else value
                policy = policy.get("name") if isinstance(policy, dict) else policy
                if policy in HALF:
                    part[key] = "float32"
