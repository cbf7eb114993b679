"""The answer for a task: a brush or polygons of each class that the labelling configuration has a label for."""

from ..annotations.label_studio_writer import brush_result, result_of
from ..annotations.region_polygons import region_polygons
from ..annotations.result_marks import MARK


def prediction(net, labels, tags, *, tolerance):
    """Describe a label map.

    Args:
        net: `LabellingNet`.
        labels: `(H, W)` class ids.
        tags: `configuration.Tag` by the name of a class; others are left out.
        tolerance: of polygons: how many pixels an outline may be off, so that it has fewer points.

    Returns:
        dict for JSON: `result` and `model_version`.
    """
    shapes = []
    for index in net.present(labels):
        name = net.names[index]
        if name not in tags:
            continue
        tag, mask = tags[name], labels == index
        if tag.kind == "brushlabels":
            shapes.append(brush_result(mask, name, tag.name, tag.image))
        else:
            shapes += _polygons(mask, name, tag, tolerance)
    results = [{"id": f"{MARK}-{number}", **shape} for number, shape in enumerate(shapes)]
    return {"model_version": net.version, "result": results}


def _polygons(mask, name, tag, tolerance):
    height, width = mask.shape
    for outline in region_polygons(mask, tolerance=tolerance):
        points = (outline * [100 / width, 100 / height]).round(4).tolist()
        value = {"points": points, "closed": True, "polygonlabels": [name]}
        yield result_of(mask, tag.kind, tag.name, tag.image, value)
