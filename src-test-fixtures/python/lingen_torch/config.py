"""The configuration of a denoiser: transformer/config.json, validated.

Field names, defaults and meanings are those of the checkpoint layout. The optional fields (`position`, `scan_orders`,
`mamba.variant`, `mamba.directions`, `tesa.qk_norm`, `tesa.position_bias`, `tesa.inner_dim`) select what the paper
leaves open; a file without them means their defaults.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

ROTARY_MAJOR_ORDERS = ("thw", "twh", "hwt", "wht")


def _require(condition, field, found, expected):
    if not condition:
        raise ValueError(f"{field}: found {found!r}, expected {expected}")


def _fields(section, values, required, optional=()):
    _require(isinstance(values, dict), section, values, "an object")
    for name in required:
        _require(name in values, f"{section}.{name}", "nothing", "a value: the field is required")
    for name in values:
        _require(name in required or name in optional, f"{section}.{name}", values[name],
                 f"no such field; known are {sorted((*required, *optional))}")


def _positive(section, values, names):
    for name in names:
        value = values[name]
        _require(isinstance(value, int) and not isinstance(value, bool) and value > 0, f"{section}.{name}", value,
                 "a positive integer")


def _triple(field, value):
    _require(isinstance(value, (list, tuple)) and len(value) == 3 and all(isinstance(v, int) and v > 0 for v in value),
             field, value, "three positive integers [t, h, w]")
    return tuple(value)


@dataclass(frozen=True)
class MambaConfig:
    """Sizes and variant of the bidirectional state space model."""

    d_state: int
    d_conv: int
    expand: int
    head_dim: int
    n_groups: int
    chunk_size: int
    variant: str = "mamba2"
    directions: str = "shared"

    @staticmethod
    def of(values, hidden_size):
        section = "mamba"
        required = ("d_state", "d_conv", "expand", "head_dim", "n_groups", "chunk_size")
        _fields(section, values, required, ("variant", "directions"))
        _positive(section, values, required)
        config = MambaConfig(**values)
        inner = config.expand * hidden_size
        _require(config.variant in ("mamba2", "mamba1"), "mamba.variant", config.variant, "mamba2 or mamba1")
        _require(config.directions in ("shared", "independent", "tied"), "mamba.directions", config.directions,
                 "shared, independent or tied")
        if config.variant == "mamba1":
            _require(config.directions == "shared", "mamba.directions", config.directions, "shared, as variant is mamba1")
        else:
            _require(inner % config.head_dim == 0, "mamba.head_dim", config.head_dim,
                     f"a divisor of expand * hidden_size = {inner}")
            heads = inner // config.head_dim
            _require(heads % config.n_groups == 0, "mamba.n_groups", config.n_groups,
                     f"a divisor of the {heads} heads")
        return config


@dataclass(frozen=True)
class TesaConfig:
    """Window and width of the temporal Swin attention."""

    window: tuple
    inner_dim: int
    qk_norm: bool = False
    position_bias: bool = False

    @staticmethod
    def of(values, hidden_size, num_heads):
        _fields("tesa", values, ("window",), ("inner_dim", "qk_norm", "position_bias"))
        values = {"inner_dim": hidden_size, **values, "window": _triple("tesa.window", values["window"])}
        _positive("tesa", values, ("inner_dim",))
        for name in ("qk_norm", "position_bias"):
            _require(isinstance(values.get(name, False), bool), f"tesa.{name}", values.get(name), "true or false")
        _require(values["inner_dim"] % num_heads == 0, "tesa.inner_dim", values["inner_dim"],
                 f"a multiple of num_heads = {num_heads}")
        return TesaConfig(**values)


@dataclass(frozen=True)
class DenoiserConfig:
    """A whole denoiser. `mamba` is None without MA-branch, `tesa` without TE-branch, `review_pool` without review."""

    architecture: str
    in_channels: int
    patch_size: tuple
    hidden_size: int
    depth: int
    num_heads: int
    ffn_ratio: float
    text_dims: tuple
    max_grid: tuple
    position: str = "residual"
    scan: str = "rotary_major"
    scan_orders: tuple = ROTARY_MAJOR_ORDERS
    review_pool: tuple | None = None
    mamba: MambaConfig | None = None
    tesa: TesaConfig | None = None

    @property
    def head_dim(self):
        return self.hidden_size // self.num_heads

    @property
    def ffn_dim(self):
        return round(self.ffn_ratio * self.hidden_size)

    @property
    def patch_dim(self):
        return self.in_channels * math.prod(self.patch_size)

    @staticmethod
    def of(values):
        section = "config"
        common = ("architecture", "in_channels", "patch_size", "hidden_size", "depth", "num_heads", "ffn_ratio",
                  "text_dims", "max_grid")
        lingen = ("ma", "scan", "review_pool", "mamba", "tesa")
        _require(isinstance(values, dict), section, values, "an object")
        architecture = values.get("architecture")
        _require(architecture in ("lingen", "dit"), f"{section}.architecture", architecture, "lingen or dit")
        if architecture == "dit":
            _fields(section, values, common, (*lingen, "position", "scan_orders"))
        else:
            optional = ["position", "scan_orders"]
            if values.get("ma") is False:
                optional += ["scan", "review_pool", "mamba"]
            _fields(section, values, tuple(n for n in (*common, *lingen) if n not in optional), tuple(optional))
        _positive(section, values, ("in_channels", "hidden_size", "depth", "num_heads"))
        hidden, heads = values["hidden_size"], values["num_heads"]
        _require(hidden % heads == 0, f"{section}.num_heads", heads, f"a divisor of hidden_size = {hidden}")
        ratio = values["ffn_ratio"]
        _require(isinstance(ratio, (int, float)) and ratio > 0 and float(ratio * hidden).is_integer(),
                 f"{section}.ffn_ratio", ratio, "a positive number that makes ffn_ratio * hidden_size an integer")
        dims = values["text_dims"]
        _require(isinstance(dims, list) and dims and all(isinstance(v, int) and v > 0 for v in dims),
                 f"{section}.text_dims", dims, "at least one positive integer")
        position = values.get("position", "residual")
        _require(position in ("residual", "norm"), f"{section}.position", position, "residual or norm")
        settings = dict(architecture=architecture, in_channels=values["in_channels"],
                        patch_size=_triple("config.patch_size", values["patch_size"]), hidden_size=hidden,
                        depth=values["depth"], num_heads=heads, ffn_ratio=float(ratio), text_dims=tuple(dims),
                        max_grid=_triple("config.max_grid", values["max_grid"]), position=position)
        if architecture == "lingen":
            settings.update(DenoiserConfig._branches(values, hidden, heads))
        return DenoiserConfig(**settings)

    @staticmethod
    def _branches(values, hidden, heads):
        ma = values["ma"]
        _require(isinstance(ma, bool), "config.ma", ma, "true or false")
        tesa = values["tesa"]
        _require(ma or tesa is not None, "config.tesa", tesa, "a window attention, as ma is false: a block needs a branch")
        settings = {"tesa": None if tesa is None else TesaConfig.of(tesa, hidden, heads)}
        if ma:
            scan = values["scan"]
            _require(scan in ("rotary_major", "fixed", "zigzag"), "config.scan", scan, "rotary_major, fixed or zigzag")
            orders = values.get("scan_orders", list(ROTARY_MAJOR_ORDERS))
            _require(isinstance(orders, list) and orders and all(sorted(o) == ["h", "t", "w"] for o in orders),
                     "config.scan_orders", orders, "a list of permutations of 'thw'")
            pool = values["review_pool"]
            settings.update(scan=scan, scan_orders=tuple(orders), mamba=MambaConfig.of(values["mamba"], hidden),
                            review_pool=None if pool is None else _triple("config.review_pool", pool))
        return settings

    @staticmethod
    def read(folder):
        """Reads `config.json` of a transformer folder."""
        return DenoiserConfig.of(json.loads((Path(folder) / "config.json").read_text()))
