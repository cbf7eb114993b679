"""`python -m serving.export`, in a checkout."""

import sys

from . import main

sys.exit(main())
