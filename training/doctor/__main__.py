"""`python -m training.doctor`, in a checkout."""

import sys

from . import main

sys.exit(main())
