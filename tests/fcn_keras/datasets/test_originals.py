"""Where archives lie, and what is wrong with lists and folders of them."""

import pytest

from fcn_keras.datasets import originals, pascal_context, voc_sbd
from fcn_keras.datasets.originals import addresses, download_advice, files_of, read_ids

URLS = [
    *voc_sbd.VOC_URLS.values(),
    *(voc_sbd.TEST_URL, voc_sbd.SBD_URL, pascal_context.VOC_URL, pascal_context.LABELS_URL),
]


@pytest.mark.parametrize("url", URLS)
def test_every_archive_has_a_checksum_and_mirrors_of_its_own(url):
    assert len(originals._checksums()[url]) in (32, 64)  # MD5, SHA-256
    first, *mirrors = addresses(url)
    assert first == url
    assert not set(mirrors) & set(URLS)
    assert all(mirror.startswith("http") for mirror in mirrors)


def test_the_advice_names_every_address_and_the_checksum(tmp_path):
    url = voc_sbd.VOC_URLS[2012]
    advice = download_advice(url, tmp_path)
    assert advice.startswith(f"Download {url} (SHA-256 e14f7632")
    assert len(addresses(url)) == 4
    assert all(address in advice for address in addresses(url))
    assert advice.endswith(f"and unpack it into {tmp_path}.")
    assert "(MD5 df034edb" in download_advice(pascal_context.LABELS_URL, tmp_path)


def test_an_archive_without_a_mirror_has_one_address(tmp_path):
    url = voc_sbd.VOC_URLS[2011]
    assert addresses(url) == [url]
    assert download_advice(url, tmp_path).endswith(f") and unpack it into {tmp_path}.")


def test_a_list_s_ids_come_in_its_order(tmp_path):
    path = tmp_path / "val.txt"
    path.write_text("\ufeffb\n\n a \r\n")
    assert read_ids(path, "Do this.") == ["b", "a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "lists no id. Do this"), (b"a\nb\na\n", "lists 'a' twice"), (b"\xff", "is not UTF-8 text")],
)
def test_another_list_is_refused(tmp_path, content, message):
    path = tmp_path / "val.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_ids(path, "Do this.")


def test_missing_files_are_named_up_to_five(tmp_path):
    (tmp_path / "0.jpg").touch()
    assert files_of(tmp_path, ["0.jpg"], "") == [tmp_path / "0.jpg"]
    with pytest.raises(
        ValueError, match=r"lacks 6 of 7 files: 1\.jpg, 2\.jpg, 3\.jpg, 4\.jpg, 5\.jpg, \.\.\.\. Do this\."
    ):
        files_of(tmp_path, [f"{number}.jpg" for number in range(7)], "Do this.")
