"""`python -m serving.client`, in a checkout."""

import sys

from . import main

sys.exit(main())
