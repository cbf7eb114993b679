"""`python -m training.rank`, in a checkout."""

import sys

from . import main

sys.exit(main())
