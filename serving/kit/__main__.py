"""`python -m serving.kit`, in a checkout."""

import sys

from . import main

sys.exit(main())
