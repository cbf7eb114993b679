"""`fcn-figures`: the paper's Figure 4 and Table 2 for the nets of a workdir."""

from pathlib import Path

from fcn_keras_console import Parser, Progress, add_reporting, run, start_tensorflow
from fcn_keras_console.given import require_directory
from fcn_keras_console.printing import in_one_line, say

from ..scoring.split import add_options

DESCRIPTION = """Write the paper's Table 2 and Figure 4 for the nets of a workdir.

Scores the nets PREFIX_fcn32s, _fcn16s and _fcn8s of a workdir that fcn-train wrote, and the net
PREFIX_fcn32s_fixed where it is there, and writes DIR/table2.txt, .csv and .json (a net a row, the four metrics) and
DIR/figure4.png (image, the three nets' labels, truth). Nets of two heads get a table and a figure for each head, such
as table2_geo.txt."""

EXAMPLES = ("fcn-figures runs", "fcn-figures runs --prefix voc --images 2007_000033 2007_000129 --output figures")
NETS = {  # suffix of the stage -> title
    "fcn32s_fixed": "FCN-32s-fixed",
    "fcn32s": "FCN-32s",
    "fcn16s": "FCN-16s",
    "fcn8s": "FCN-8s",
}
OPTIONAL = "fcn32s_fixed"
PICTURED = ("fcn32s", "fcn16s", "fcn8s")


def main(argv=None):
    return run("fcn-figures", _figures, build_parser().parse_args(argv))


def build_parser():
    parser = Parser("fcn-figures", DESCRIPTION, examples=EXAMPLES)
    parser.add_argument("workdir", type=Path, help="the --workdir of fcn-train")
    parser.add_argument("--prefix", help="of the stages' names, such as voc (default: the only one in the workdir)")
    add_options(parser)
    pictured = parser.add_mutually_exclusive_group()
    pictured.add_argument("--images", nargs="+", metavar="ID", help="the images of Figure 4")
    pictured.add_argument("--count", type=int, default=4, help="or how many, evenly spaced over the split; default: 4")
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: WORKDIR/PREFIX_figures")
    add_reporting(parser, json="table2.json, and where the files are")
    return parser


def _figures(arguments):
    from fcn_keras_console.files import require_folder, to_json, written_together
    from fcn_keras_console.workdir import decisions_beside

    from ..scoring.split import check_options, described, left_alone, open_split, with_data_notes

    prefix = arguments.prefix or _only_prefix(arguments.workdir)
    paths = _stages(arguments.workdir, prefix)
    trained, finest = decisions_beside(paths["fcn8s"]), paths["fcn8s"]
    output = arguments.output or arguments.workdir / f"{prefix}_figures"
    _check_count(arguments.count)
    check_options(arguments, trained)
    require_folder(output)
    start_tensorflow()
    from fcn_keras.interface import class_counts
    from fcn_keras_console.environment import versions

    from ..scoring.class_colors import colors_of
    from ..workdir.trained_model import class_names_beside, load_model

    examples, origin = open_split(
        arguments,
        trained,
        classes=lambda: class_names_beside(finest) or next(iter(class_counts(load_model(finest)).values())),
    )
    for path in paths.values():
        origin = with_data_notes(origin, path, examples)
    chosen = _chosen(examples, arguments.images, arguments.count)
    results, pictured = {}, {}
    for net, path in paths.items():  # one net in memory at a time
        with Progress(NETS[net], "images", quiet=arguments.quiet) as progress:
            results[net], pictured[net] = _score(path, examples, chosen if net in PICTURED else (), progress)
        if not arguments.json:
            say(f"{path} scored on {len(examples)} images")
    origin, tables, texts = {**origin, "images": len(examples), "versions": versions()}, {}, []
    colors = colors_of(examples, finest)
    suffixes = {head: f"_{head}" if head else "" for head in results["fcn8s"]}
    with written_together(output, f"table2{[*suffixes.values()][-1]}.json") as place:
        for head, suffix in suffixes.items():
            rows = {net: of_net[head] for net, of_net in results.items()}
            tables[head] = {"nets": {NETS[net]: result for net, result in rows.items()}}
            texts.append(_text(rows, described(origin)))
            _write_table(place / f"table2{suffix}", rows, texts[-1], {**origin, **tables[head]})
            labels = [pictured[net] for net in PICTURED]
            _draw(place / f"figure4{suffix}.png", head, examples, chosen, labels, colors[head])
    if arguments.json:
        print(to_json({"output": str(output), **origin, **tables.get("", {"heads": tables})}))
    else:
        print("", *texts, f"table2 and figure4 written in {in_one_line(str(output))}{left_alone(origin)}", sep="\n")


def _only_prefix(workdir):
    require_directory(workdir, "", "Name the --workdir of fcn-train.")
    prefixes = sorted(path.name.removesuffix("_fcn8s") for path in workdir.glob("*_fcn8s") if path.is_dir())
    if len(prefixes) != 1:
        choice = f"Choose one with --prefix: {', '.join(prefixes)}."
        hint = choice if prefixes else "Train one, such as fcn-train voc_fcn8s."
        raise ValueError(f"{workdir} holds {len(prefixes)} stages whose names end in _fcn8s. {hint}")
    return prefixes[0]


def _stages(workdir, prefix):
    """Return the nets' files by stage, coarse to fine."""
    from ..workdir.stage import Stage

    paths = {net: Stage(workdir / f"{prefix}_{net}").best for net in NETS}
    missing = [path for net, path in paths.items() if net != OPTIONAL and not path.is_file()]
    if missing:
        raise ValueError(f"{missing[0]} is missing. Train it: fcn-train {prefix}_fcn8s --workdir {workdir} ...")
    return {net: path for net, path in paths.items() if path.is_file()}


def _check_count(count):
    if count < 1:
        raise ValueError(f"--count is at least 1. Received: {count}.")


def _chosen(examples, ids, count):
    """Return the indices of the images to picture."""
    if ids is None:
        count = min(count, len(examples))
        return [len(examples) * i // count for i in range(count)]
    places = {key: index for index, key in enumerate(examples.ids)}
    unknown = [key for key in ids if key not in places]
    if unknown:
        raise ValueError(
            f"The split holds no image {unknown[0]!r}. It holds {len(places)}, such as {', '.join([*places][:3])}."
        )
    return [places[key] for key in ids]


def _score(path, examples, chosen, progress):
    """Return a net's `summary` by head, and by index its labels of the chosen images, dicts by head."""
    from fcn_keras.interface import heads_of

    from ..scoring.images import label_images, score_split
    from ..scoring.summary import summaries
    from ..workdir.trained_model import load_model

    labels = {}

    def keeping_labels(images):
        for image in images:
            if image.index in chosen:
                labels[image.index] = image.labels
            yield image

    scores = score_split(keeping_labels(label_images(load_model(path), examples, progress=progress)))
    return summaries(scores, heads_of(examples.class_names)), labels


def _text(rows, place):
    """Lay out one head's table, in percent."""
    from ..scoring.summary import FOUR

    lines = [f"{place}, in percent", "", f"{'':<13}  pixel acc.  mean acc.  mean IU  f.w. IU"]
    for net, result in rows.items():
        cells = zip((result[name] for name in FOUR), (10, 9, 7, 7), strict=True)
        lines.append("  ".join([f"{NETS[net]:<13}", *(f"{100 * value:>{width}.1f}" for value, width in cells)]))
    return "\n".join(lines) + "\n"


def _write_table(path, rows, text, report):
    """Write one head's table as text, CSV (0 to 1) and JSON."""
    import csv
    import io

    from fcn_keras_console.files import to_json

    from ..scoring.summary import FOUR

    sheet = io.StringIO()
    writer = csv.writer(sheet, lineterminator="\n")
    writer.writerow(("net", *FOUR))
    writer.writerows((NETS[net], *(result[name] for name in FOUR)) for net, result in rows.items())
    contents = {"txt": text, "csv": sheet.getvalue(), "json": to_json(report) + "\n"}
    for extension, content in contents.items():
        path.with_name(f"{path.name}.{extension}").write_text(content, encoding="utf-8")


def _draw(path, head, examples, chosen, labels, colors):
    """Write one head's picture; `labels` holds each net's labels of the chosen images."""
    from fcn_keras.charts import comparison
    from fcn_keras.interface import heads_of

    from ..scoring.panels import write_figure

    rows = []
    for index in chosen:
        example = examples[index]
        rows.append([example["image"], *(of_net[index][head] for of_net in labels), heads_of(example["label"])[head]])
    names = heads_of(examples.class_names)[head]
    write_figure(comparison(rows, class_names=names, colors=colors), path, dpi=100)
