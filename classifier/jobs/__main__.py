"""`python -m classifier.jobs PROJECT`: works through the queued jobs of a project."""

import sys
from pathlib import Path

from classifier.jobs.folder import JobFolder
from classifier.jobs.runner import work

if __name__ == "__main__":
    work(JobFolder(Path(sys.argv[1])))
