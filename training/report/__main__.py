"""`python -m training.report`, in a checkout."""

import sys

from . import main

sys.exit(main())
