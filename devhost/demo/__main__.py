"""Runs the demo. Ctrl-C ends it without a word at any time, while it is still importing as well."""

import sys

INTERRUPTED = 130

if __name__ == "__main__":
    try:
        from devhost.demo.program import main

        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
