"""`python -m training.evaluate`, in a checkout."""

import sys

from . import main

sys.exit(main())
