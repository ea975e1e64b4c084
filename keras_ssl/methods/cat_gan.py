"""CatGAN: Springenberg, ICLR 2016 (arXiv 1511.06390)."""

from keras import ops

from keras_ssl.gan import GAN
from keras_ssl.losses import entropy, entropy_of_mean


class CatGAN(GAN):
    """A classifier that is sure of real images and unsure of drawn ones.

        L_D = H(y, p(x)) - H(mean_u p(u)) + mean_u H(p(u)) - mean_z H(p(G(z)))
        L_G = -H(mean_z p(G(z))) + mean_z H(p(G(z)))

    Real images shall fall into the classes in equal numbers and each surely
    into one; the generator wants the same of its images, and the classifier
    that it cannot tell their class. There is no class of drawn images.

    Published error of the paper's network without convolutions: MNIST, 100
    labels, 1.91 +- 0.10 %.

    Deviations: the paper's sizes of networks, noise and learning rate could
    not be verified, nor that the cross-entropy's weight is 1; network,
    generator and optimizer are those of `ImprovedGAN` here.

    Args:
        network: see `SSLModel`.
        **kwargs: see `GAN` and `SSLModel`.
    """

    def unlabeled_loss(self, unlabeled, drawn):
        real = ops.mean(entropy(unlabeled)) - entropy_of_mean(unlabeled)
        return real - ops.mean(entropy(drawn))

    def generator_loss(self, batch):
        z = self.latent(ops.shape(batch["generator"])[0])
        (drawn,) = self.logits(self.fake(z))
        return ops.mean(entropy(drawn)) - entropy_of_mean(drawn)
