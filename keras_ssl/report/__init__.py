"""A run to look at: one self-contained page of HTML.

`write(runs, out)` draws what it is given; what a model says of its test set is
asked for outside (`keras-ssl report`), so that nothing here needs Keras.
"""

from keras_ssl.report.page import Findings, RunFiles, write

__all__ = ["Findings", "RunFiles", "write"]
