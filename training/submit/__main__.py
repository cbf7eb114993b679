"""`python -m training.submit`, in a checkout."""

import sys

from . import main

sys.exit(main())
