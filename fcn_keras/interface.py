"""What a trained model eats, told from the model itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .layers import Preprocess


def modality_of(model: Any) -> str:
    """Return `"rgb"`, `"hha"`, `"rgbd"` or `"rgb_hha"`, as `fcn_keras.batches` names them.

    Raises:
        ValueError: if the model does not begin with this package's `Preprocess`.
    """
    found: list[str] = [layer.modality for layer in model.layers if isinstance(layer, Preprocess)]
    if not found:
        raise ValueError(f"{model.name} is not a network of fcn_keras: it has no `Preprocess` layer.")
    return found[0] if len(found) == 1 else "rgb_hha"


def pixels_of(example: Mapping[str, Any], modality: str) -> Any:
    """Pick from an example what `fcn_keras.predict` takes for a modality."""
    if modality == "rgb":
        return example["image"]
    if modality == "hha":
        return example["hha"]
    if modality == "rgb_hha":
        return {"rgb": example["image"], "hha": example["hha"]}
    depth = np.asarray(example["depth"], "float32")
    return np.concatenate([example["image"].astype("float32"), depth[..., None]], axis=-1)


def heads_of(values: Any) -> dict[str, Any]:
    """Return a dict by head of labels, class counts or names, whose only head is `""` where there is but one."""
    return values if isinstance(values, dict) else {"": values}
