"""Open with labelme itself, without a screen, what `fcn-predict --format labelme` wrote; print what it warns of.

    python3.11 -m venv /tmp/labelme && /tmp/labelme/bin/pip install labelme==6.3.1
    fcn-predict net.keras photos --output out --format labelme
    /tmp/labelme/bin/python tests/training/annotations/exports/open_with_labelme.py out/labelme/*.json

Every file is opened in the application's window. A box that it shows, and a line that it logs as a warning or worse, is
a failure, and so is another number of shapes than the file's. Configuration goes to a temporary folder.
"""

import json
import os
import sys
import tempfile
from pathlib import Path


def main(paths):
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "HOME": tempfile.mkdtemp()}
    from labelme.app import MainWindow
    from loguru import logger
    from PyQt5 import QtWidgets

    seen, failed = [], 0
    logger.remove()
    logger.add(lambda line: seen.append(str(line).strip()), level="WARNING")
    for kind in ("warning", "critical", "information"):
        setattr(QtWidgets.QMessageBox, kind, staticmethod(lambda *words, **_: seen.append(str(words[1:]))))
    application = QtWidgets.QApplication(["labelme"])
    for path in paths:
        window = MainWindow(file_or_dir=path)
        application.processEvents()
        shapes, written = len(list(window._docks.label_list)), len(json.loads(Path(path).read_text())["shapes"])
        print(f"{path}: {shapes} of {written} shapes", *seen, sep="; ")
        failed += bool(seen) or shapes != written
        seen.clear()
    return failed


if __name__ == "__main__":
    failed = main(sys.argv[1:])
    os._exit(bool(failed))  # Qt's own end waits for threads of the application
