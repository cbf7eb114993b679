"""A project of Label Studio: its labelling configuration, as the server sends it, and images for it."""

import numpy as np

BRUSHES = """<View>
  <Image name="photo" value="$picture" zoom="true"/>
  <BrushLabels name="brush" toName="photo">
    <Label value="sky" background="blue"/><Label value="road"/><Label value="bicycle"/>
  </BrushLabels>
  <PolygonLabels name="outline" toName="photo"><Label value="car"/><Label value="sky"/></PolygonLabels>
</View>"""  # of the net's classes sky, road, car and tree it lacks tree
TREES = BRUSHES.replace("bicycle", "tree")


def noise(seed=0):
    """Return an image in which the net of tests.training.exported.files sees all of its classes."""
    return np.random.default_rng(seed).integers(0, 256, (9, 14, 3), np.uint8)
