"""`python -m classifier` is `illsort`, for where the console script is not on the PATH."""

from classifier.cli.main import main

main()
