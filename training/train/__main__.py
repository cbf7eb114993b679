"""`python -m training.train`, in a checkout."""

import sys

from . import main

sys.exit(main())
