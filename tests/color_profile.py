"""An ICC profile of Display P3, which phones write into photographs, made from the sRGB one of littleCMS."""

import struct

from PIL import ImageCms

PRIMARIES = {  # of Display P3, adapted to D50, as in Apple's own profile
    b"rXYZ": (0.51512, 0.2412, -0.00105),
    b"gXYZ": (0.29198, 0.69225, 0.04189),
    b"bXYZ": (0.1571, 0.06657, 0.78407),
}


def display_p3():
    """Return the bytes of a profile with the curves of sRGB and the primaries of Display P3."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    for entry in range(132, 132 + 12 * count, 12):
        tag, start, _ = struct.unpack_from(">4sII", profile, entry)
        if tag in PRIMARIES:
            struct.pack_into(">3i", profile, start + 8, *(round(value * 2**16) for value in PRIMARIES[tag]))
    return bytes(profile)
