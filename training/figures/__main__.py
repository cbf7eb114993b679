"""`python -m training.figures`, in a checkout."""

import sys

from . import main

sys.exit(main())
