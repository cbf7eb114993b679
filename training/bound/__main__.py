"""`python -m training.bound`, in a checkout."""

import sys

from . import main

sys.exit(main())
