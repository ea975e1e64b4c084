"""Ranges that policies may draw from, as tests draw them."""

from keras_ssl.data import policies

OPS = {name: limits or (0.0, 0.0) for name, limits in policies.OPS.items()}
OPS["crop"] = (0.0, 0.99)  # of these, one: low == high < 1
RESIZING = ("resize", "center_crop", "resized_crop")
