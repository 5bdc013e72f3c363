"""`python -m sonla_eval` is the command `sonla-eval`."""
import sys

from sonla_eval.cli import main

sys.exit(main())
