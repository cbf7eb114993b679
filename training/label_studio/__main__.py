"""`python -m training.predict`, in a checkout."""

import sys

from . import main

sys.exit(main())
