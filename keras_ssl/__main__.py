"""`python -m keras_ssl` is the command `keras-ssl`."""

import sys

from keras_ssl.cli import main

if __name__ == "__main__":
    sys.exit(main())
