"""What a labelling configuration of Label Studio says: where a task's image is, and which tags draw which class."""

from typing import NamedTuple

from fcn_keras_console.words import some

from ..annotations.xml_values import walk_xml_text

KINDS = {"brushlabels": "brushlabels", "polygonlabels": "polygonlabels"}  # tags, and the types of their results


class Tag(NamedTuple):
    """A tag that draws.

    Attributes:
        name: in the configuration.
        image: name of the image's tag that it draws on.
        kind: `brushlabels` or `polygonlabels`.
    """

    name: str
    image: str
    kind: str


class Configuration:
    """A project's labelling configuration.

    Args:
        text: XML.

    Attributes:
        tags: `Tag` by label; of two tags with one label, the first.

    Raises:
        ValueError: if it is no XML.
    """

    def __init__(self, text):
        self.tags, self._images, within = {}, {}, []

        def start(tags, attributes):
            kind = tags[-1].casefold()
            if kind == "image":
                self._images[attributes.get("name", "")] = attributes.get("value", "")
            if kind in KINDS:
                within[:] = [Tag(attributes.get("name", ""), attributes.get("toName", ""), KINDS[kind])]
            elif kind == "label" and within and tags[-2].casefold() in KINDS:
                self.tags.setdefault(attributes.get("value", ""), within[0])

        walk_xml_text(text, "The labelling configuration", start, lambda tags, _: None)

    def image_of(self, task):
        """Return the address of a task's image.

        Args:
            task: as Label Studio sends it.

        Raises:
            ValueError: if the configuration names none, or the task has none there.
        """
        values = [value for value in self._images.values() if value.startswith("$")]
        if len(values) != 1:
            raise ValueError(
                'Expected one image in the labelling configuration: <Image name="image" value="$image"/>. '
                f"Received: {len(values)}."
            )
        data = task.get("data")
        address = data.get(values[0][1:]) if isinstance(data, dict) else None
        if not isinstance(address, str) or not address:
            raise ValueError(f"Task {task.get('id')} has no address of an image as {values[0]}.")
        return address

    def tags_for(self, names):
        """Return the `Tag` of each class that has one, by its name.

        Args:
            names: of the classes.

        Raises:
            ValueError: if none has.
        """
        found = {name: self.tags[name] for name in names if name in self.tags}
        if not found:
            raise ValueError(
                "The labelling configuration has no BrushLabels and no PolygonLabels with a class of the net: "
                f"{some(names)}. Received: {some(list(self.tags)) or 'no labels'}."
            )
        return found
