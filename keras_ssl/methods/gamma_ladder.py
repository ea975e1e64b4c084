"""The Gamma model of ladder networks: Rasmus et al., NeurIPS 2015."""

from keras_ssl.methods.ladder import Ladder


class GammaLadder(Ladder):
    """A ladder whose decoder has one level, the logits, and so costs nothing.

        u = BN(p~(u));  z_hat = (z~_top - mu(u)) v(u) + mu(u)
        C = mean_u ||(z_hat - mean) / std - z_top||^2 / classes
        L = H(y, p~(x)) + costs_top C

    Everything else is as in `Ladder`; there is no `reconstruct`.

    Published for MNIST, 150 epochs of 600 steps, 100 labels: 3.06 +- 1.44 %
    error (not verified), and 0.89 +- 0.50 % (not verified) with the network
    "ladder_conv_small" and 1 as the last cost. On MLPs the authors' cost is 10
    for 1,000 labels and 2 for all. CIFAR-10, 4,000 labels: 20.40 +- 0.47 % with
    "ladder_conv_large" and 4, in 70 epochs, with images that are contrast-
    normalized and whitened, which ours are not.

    Args:
        network: a chain of levels, see `ladder_encoder.levels`.
        costs: 0 for the images and each level but the last, the logits. `None`:
            0.5 there, published for 100 labels.
        sigma: standard deviation of the noise.
        ema_decay: see `SSLModel`; 0, no average, as in the paper.
        **kwargs: see `SSLModel`.
    """

    def published_costs(self, top):
        return (*[0.0] * top, 0.5)
