"""The function of CVAT: `cvat-cli task auto-annotate --function-module fcn_keras_training.labelling.cvat`.

`create` is what CVAT's command calls, with what was given as `-p NAME=TYPE:VALUE`.
"""

from fcn_keras.datasets.images import rgb_of

from ..annotations.region_polygons import region_polygons
from .net import LabellingNet

SHAPES = ("mask", "polygon")


def create(model, *, shape="mask", background=None, head=None, scale="trained", tolerance=1.0):
    """Make the function, which labels one image after the other.

    Args:
        model: path of a `.keras` file, a stage's folder or a workdir, or of what `fcn-export` wrote.
        shape: `mask`, one for each class in an image; or `polygon`, one for each region.
        background: name of the class that gets no shape; by default the one called background.
        head: of a network with several.
        scale: at which photographs are scored, as `fcn-predict --scale` takes it.
        tolerance: of polygons: how many pixels an outline may be off, so that it has fewer points.

    Returns:
        `CvatFunction`.

    Raises:
        ImportError: if cvat-sdk is missing, or what runs the network.
        ValueError: if an argument is wrong.
    """
    _sdk()
    if shape not in SHAPES:
        raise ValueError(f"shape is {' or '.join(SHAPES)}. Received: {shape}.")
    if not 0 <= tolerance < 1000:
        raise ValueError(f"tolerance is a number of pixels from 0 up. Received: {tolerance}.")
    net = LabellingNet(model, head=head, background=background, scale=str(scale))
    return CvatFunction(net, shape, tolerance)


class CvatFunction:
    """A detection function as `cvat_sdk.auto_annotation` describes it.

    Args:
        net: `LabellingNet`.
        shape: of `SHAPES`.
        tolerance: of polygons, in pixels.
    """

    def __init__(self, net, shape, tolerance):
        self._net, self._shape, self._tolerance = net, shape, tolerance

    @property
    def spec(self):
        """The labels: the classes that get shapes, with their ids."""
        functions, _ = _sdk()
        return functions.DetectionFunctionSpec(
            labels=[functions.label_spec(self._net.names[index], index, type=self._shape) for index in self._net.shown]
        )

    def detect(self, context, image):
        """Label an image.

        Args:
            context: CVAT's; it names the image and tells whether masks have to become polygons. There is no score to
                hold against its threshold: every pixel has a class.
            image: Pillow's.

        Returns:
            list of CVAT's shapes.

        Raises:
            ValueError: if the image holds floats or more than 16 bits a channel, or the scores are no numbers.
        """
        functions, encode_mask = _sdk()
        labels = self._net.labels(rgb_of(image, context.frame_name), context.frame_name)
        shapes = []
        for index in self._net.present(labels):
            mask = labels == index
            if self._shape == "polygon" or context.conv_mask_to_poly:
                outlines = region_polygons(mask, tolerance=self._tolerance)
                shapes += [functions.polygon(index, outline.ravel().tolist()) for outline in outlines]
            else:
                shapes.append(functions.mask(index, encode_mask(mask)))
        return shapes


def _sdk():
    """Return cvat-sdk's functions and its encoder of masks.

    Raises:
        ImportError: if it is missing.
    """
    try:
        from cvat_sdk import auto_annotation
        from cvat_sdk.masks import encode_mask
    except ImportError as error:
        raise ImportError('CVAT\'s functions need cvat-sdk: pip install "fcn_keras[cvat]"') from error
    return auto_annotation, encode_mask
