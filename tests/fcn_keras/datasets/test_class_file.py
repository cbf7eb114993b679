"""Class files in odd forms: each is read right, or refused with words."""

import pytest

from fcn_keras.datasets.class_file import class_lines, text_lines
from fcn_keras.datasets.classes import ClassTable

NAMES = ("traffic light", "road", "Straße")


def written(folder, content):
    path = folder / "classes.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        "traffic light\nroad\nStraße",
        "\ufefftraffic light\nroad\nStraße\n",
        "traffic light\r\nroad\r\nStraße\r\n",
        "traffic light\rroad\rStraße\r",
        "\n\n  traffic light \t\n\n\troad\nStraße\n\n\n",
        "traffic\tlight\nroad\nStraße\n",
        "traffic   light\nroad\nStraße\n",
        '"traffic light"\n"road"\n"Straße"\n',
        "'traffic light',\n'road',\n'Straße'\n",
        "traffic light,\nroad,\nStraße,\n",
        "traffic light;\nroad;\nStraße\n",
        "# mine\ntraffic light # rare\nroad\n#\nStraße\n",
    ],
)
def test_names(tmp_path, text):
    table = ClassTable(written(tmp_path, text))
    assert table.names == NAMES
    assert not table.colored


@pytest.mark.parametrize(
    "text",
    [
        "traffic light 1 2 3\nroad 4 5 6\n",
        "traffic light\t1\t2\t3\r\nroad\t4\t5\t6\r\n",
        '"traffic light" 1 2 3\n"road" 4 5 6\n',
        "traffic light 001 002 003;\nroad 4 5 6;\n",
    ],
)
def test_names_and_colors(tmp_path, text):
    table = ClassTable(written(tmp_path, text))
    assert table.names == NAMES[:2]
    assert table.colors == {(1, 2, 3): 0, (4, 5, 6): 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sky\nroad\n".encode("utf-16"), r"is a class file in UTF-16. Save it as UTF-8"),
        ("sky\nroad\n".encode("utf-16-le"), r"is a class file in UTF-16"),
        ("sky\nroad\n".encode("utf-16-be"), r"is a class file in UTF-16"),
        ("sky\nStraße\n".encode("latin-1"), r"line 2 is not UTF-8"),
        ("sky\nro\0ad\n", r"classes.txt:2 holds the character U\+0000"),
        ("sky\nroad\x0ccar\n", r"classes.txt:2 holds the character U\+000C"),
        ("sky\x85road\n", r"classes.txt:1 holds the character U\+0085"),
        ("sky\u2028road\n", r"classes.txt:1 holds the character U\+2028"),
        ("\x1b[31msky\n", r"classes.txt:1 holds the character U\+001B"),
        ('["sky", "road"]\n', r"is JSON, and no class file"),
        ('[\n  "sky",\n  "road"\n]\n', r"is JSON"),
        ('{"0": "sky",\n "1": "road"}\n', r"is JSON"),
        ("names:\n  - sky\n  - road\n", r"is YAML"),
        ("- sky\n- road\n", r"is YAML"),
        ("---\nsky\nroad\n", r"is YAML"),
        ("path: .\nnc: 2\nnames: [sky, road]\n", r"is YAML"),
        ("path: .\nnames:\n  0: sky\n", r"is YAML"),
        ("<?xml version='1.0'?>\n<a/>\n", r"is XML"),
        ("sky,road,car\n", r"holds one line with commas or semicolons: 'sky,road,car'"),
        ("sky;road;car", r"holds one line with commas"),
        ("128 64 128 road\n0 0 1 sky\n", r"classes.txt:1 gives a colour in another form: '128 64 128 road'"),
        ("road,128,64,128\nsky,1,2,3\n", r"classes.txt:1 gives a colour in another form"),
        ("name,r,g,b\nroad,128,64,128\n", r"classes.txt:2 gives a colour in another form"),
        ("road (128, 64, 128)\nsky (1, 2, 3)\n", r"classes.txt:1 gives a colour in another form"),
        ("road:128,64,128::\nsky:1,2,3::\n", r"classes.txt:1 gives a colour in another form"),
        ("road [128,64,128]\n", r"classes.txt:1 gives a colour in another form"),
        ("road 0.5 0.25 0.5\nsky 0.1 0.1 1.0\n", r"classes.txt:1 gives a colour in another form"),
        ("road #804080\nsky #010203\n", r"gives colours as #RRGGBB, and # starts a comment"),
        ("road 128 64 128 255\nsky 1 2 3 255\n", r"gives four numbers a line: 'road 128 64 128 255'"),
        ("sky\nsky\n", r"names the class 'sky' twice"),
        ("sky\nsky \n", r"names the class 'sky' twice"),
        ("\n\n", r"names no class"),
        (
            "".join(f"class {i}\n" for i in range(300)),
            r"`classes` may be 1..255. Received: 300. So many does classes.txt name",
        ),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), r"classes.txt"),
        ("a" * (1 << 20) + "b", r"is larger than 1 MiB, and no class file"),
    ],
)
def test_what_is_no_class_file(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        ClassTable(written(tmp_path, content))


@pytest.mark.parametrize(
    "names",
    [
        ("wall", "chair, armchair", "door; gate", "C#", "a:b", "3", "-", "<unk>", "names"),
        ("class 1", "class 2", "2 wheeler", "R 1 2"),
        ("Road", "road"),
        ("pier, wharf, wharfage, dock",),
        tuple(f"class {i}" for i in range(255)),
    ],
)
def test_odd_names_are_names(tmp_path, names):
    assert ClassTable(written(tmp_path, "".join(f"{name}\n" for name in names))).names == names


def test_names_that_end_in_numbers_may_have_colors(tmp_path):
    table = ClassTable(written(tmp_path, "class 1 9 9 255\nclass 2 8 8 0\n"))
    assert table.names == ("class 1", "class 2")


def test_lines_keep_their_numbers(tmp_path):
    path = written(tmp_path, "# a\n\nsky\n\nroad # b\n")
    assert class_lines(path) == [(3, "sky"), (5, "road")]
    assert text_lines(path)[0] == "# a"
    with pytest.raises(ValueError, match=r"nothing.txt is not a readable class file. Name one\."):
        text_lines(tmp_path / "nothing.txt", "Name one.")
