"""`python -m serving.server`, in a checkout."""

import sys

from . import main

sys.exit(main())
