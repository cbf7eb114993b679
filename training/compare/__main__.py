"""`python -m training.compare`, in a checkout."""

import sys

from . import main

sys.exit(main())
