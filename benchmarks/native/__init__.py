"""Training steps written by hand in JAX, without Keras: what ours is held to.

One module for each method, with `make(model) -> (step, state)`: the same
mathematics at the same sizes, from the weights of a keras_ssl `model`.
`step(state, batch)` is compiled, may consume `state` and returns
`(state, loss)`; `batch` is a dict of uint8 arrays, as the sampler makes it.
"""
