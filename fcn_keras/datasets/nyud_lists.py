"""NYUDv2's splits, and which of the 40 classes each of its 894 is."""

import numpy as np
from numpy.typing import NDArray

from ..examples import VOID

SPLITS = ("train", "val", "trainval", "test")
IMAGES = 1449

# Gupta's division of the official training images (data/nyud/{train,val}.txt of the authors' release of FCN), by their
# numbers in the file, from 1. The other 654 are the official test images.
_DIVISION = {
    "train": (
        "3-8 19-20 44-45 58 80-83 120-124 135-136 156-166 177-179 213-219 251-263 274-278 303-309 318-324 353-354 "
        "391-394 415-429 449-461 478-507 527-530 540-548 572-578 595-602 614-616 639-643 652-655 665-667 682-685 "
        "695-696 714-716 729-730 745-758 805-809 824-832 853-856 872-905 920-925 936-944 963-964 978-990 1005-1009 "
        "1024-1031 1040-1047 1054-1056 1085-1087 1105 1120-1122 1137-1143 1168-1169 1177-1178 1197-1200 1221-1225 "
        "1236-1246 1266-1274 1296 1309-1313 1333-1334 1350-1352 1366-1367 1392-1393 1415-1420"
    ),
    "val": (
        "10-13 22-27 48-55 64-75 92-116 130 138-152 170 203-206 223-249 265-270 286-295 313-314 336-350 365-383 "
        "398-410 436-440 467-468 514 534-536 552-554 584-590 608-611 622-632 646-649 659-662 674-675 691-692 700-705 "
        "719-723 735-742 788-799 815-820 847-849 863-868 909-916 929-931 948-958 968-969 996-1000 1013-1020 1035-1037 "
        "1050-1051 1059-1074 1097 1110-1116 1132-1134 1159-1161 1172-1173 1185-1191 1213-1215 1231-1232 1251-1253 "
        "1281-1284 1300-1301 1316-1328 1341-1346 1357-1363 1370-1383 1402-1406 1425-1429 1434-1440"
    ),
}
# Gupta's classMapping40.mat: of the file's 894 classes, 37 stand for themselves (in the order of the 40), these are
# other structure and other furniture, and what remains is other prop.
_OWN = (
    *(21, 11, 3, 157, 5, 83, 19, 28, 59, 88, 64, 7, 80, 36, 42, 89, 169, 119, 122),
    *(143, 141, 4, 85, 17, 172, 15, 135, 123, 26, 45, 331, 158, 124, 24, 144, 136, 55),
)
_OTHER_STRUCTURE = (
    "8 25 33 38 51 53 57-58 62 65 79 94 104 112 134 153 215-216 223 225 238 241-242 256 295 301 339 342 354 363 372 "
    "380 392 408 412 453 456 463 477 497 541 550 553 567 573 582 591 609 612 615 642 645 657-659 663 667-668 686 700 "
    "702 777-778 782 850 861 868 874"
)
_OTHER_FURNITURE = (
    "12 43 48 50 87 106 111 161 163 174 183 204 214 219 221 224 236 262 278 291 298 313 343-344 356 359 373 393 401 "
    "414 418-419 430 443-444 447-448 457-458 460 462 475 479 485-486 493-494 498-499 509-510 515 521 524 540 549 551 "
    "554 556 558 576 580 608 625 703 734 770 772 797 800 803-804 813-815 820 829 835 858 863 882 892"
)


def ids_of(split: str) -> list[str]:
    """Return the ids of a split: 5000 + the image's number, in the file's order."""
    parts = {name: set(_expanded(numbers)) for name, numbers in _DIVISION.items()}
    parts["trainval"] = parts["train"] | parts["val"]
    parts["test"] = set(range(1, IMAGES + 1)) - parts["trainval"]
    return [str(5000 + number) for number in sorted(parts[split])]


def _expanded(numbers: str) -> list[int]:
    """Return the numbers of `"3-8 19"`."""
    ends = ([int(end) for end in part.split("-")] for part in numbers.split())
    return [number for first, *last in ends for number in range(first, (last or [first])[0] + 1)]


def _classes() -> NDArray[np.uint8]:
    structure, furniture, prop = range(len(_OWN), len(_OWN) + 3)
    table = np.full(895, prop, np.uint8)
    table[0] = VOID
    table[list(_OWN)] = np.arange(len(_OWN))
    table[_expanded(_OTHER_STRUCTURE)] = structure
    table[_expanded(_OTHER_FURNITURE)] = furniture
    return table


CLASS_OF_LABEL = _classes()  # (895,) uint8: of a label in the file, its class, 0..39 or void
