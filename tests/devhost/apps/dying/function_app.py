"""A sample app whose import ends the worker."""

import os
import sys

sys.stderr.write("a last word\n")
sys.stderr.flush()
os._exit(3)
