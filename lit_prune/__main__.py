"""`python -m lit_prune`: the same command line as the console script."""

from lit_prune.cli import console

if __name__ == "__main__":
    console()
