"""Fine-tuning: new heads, and which layers learn."""

import cases
import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl import fine_tuning, methods


def network():
    """A dense layer that is normalized, and the head."""
    images = keras.Input(cases.SHAPE)
    x = keras.layers.Dense(6)(keras.layers.Flatten()(images))
    x = keras.layers.BatchNormalization()(x)
    return cases.known(keras.Model(images, keras.layers.Dense(4)(x)))


def step(model, number=0):
    model.train_on_batch(*cases.batch(type(model), number))


def changed(model, before):
    """Names of the layers of which any weight has changed."""
    now = {
        layer.name: [ops.convert_to_numpy(w) for w in layer.weights]
        for layer in model.network.layers
    }
    return {
        name
        for name, arrays in now.items()
        if any(
            not np.array_equal(one, other)
            for one, other in zip(arrays, before[name], strict=True)
        )
    }


def all_weights(model):
    return {
        layer.name: [ops.convert_to_numpy(w) for w in layer.weights]
        for layer in model.network.layers
    }


def compiled(model, **kwargs):
    model.compile(
        keras.optimizers.SGD(0.1), total_steps=4, run_eagerly=True, **kwargs
    )
    return model


def test_of_a_frozen_backbone_only_the_head_learns():
    model = compiled(methods.Supervised(network()))
    (head,) = fine_tuning.head(model.network)
    model.freeze("backbone")
    before = all_weights(model)
    step(model)
    assert changed(model, before) == {head}
    model.freeze("nothing")
    step(model)
    learners = {x.name for x in model.network.layers if x.weights}
    assert changed(model, before) == learners
    with pytest.raises(ValueError, match="names of layers among"):
        model.freeze("bakbone")


@keras.saving.register_keras_serializable("tests")
class Backbone(keras.Model):
    """As KerasHub's: its config tells a size, its LoRA is for attention."""

    def __init__(self, width=4, **kwargs):
        images = keras.Input(cases.SHAPE)
        features = keras.layers.Dense(width)(keras.layers.Flatten()(images))
        super().__init__(images, features, **kwargs)
        self.width = width

    def get_config(self):
        return {"width": self.width, "name": self.name}

    def enable_lora(self, rank):
        raise NotImplementedError("there is no attention")


def with_backbone():
    head = keras.layers.Dense(cases.CLASSES)
    layers = [keras.Input(cases.SHAPE), Backbone(), head]
    return compiled(methods.Supervised(keras.Sequential(layers)))


def test_a_frozen_backbone_from_elsewhere_is_frozen_when_it_is_loaded(tmp_path):
    model = with_backbone()
    assert "frozen" not in model.get_config()
    model.freeze("backbone")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    before = all_weights(again)
    step(again)
    assert changed(again, before) == {again.network.layers[-1].name}
    other = fine_tuning.with_classes(again, 7).network
    assert len(other.trainable_weights) == len(other.layers[-1].weights)


def test_low_rank_matrices_go_into_a_backbone_from_elsewhere():
    thin = fine_tuning.with_lora(with_backbone(), rank=2)
    names = {w.name for w in thin.network.layers[0].trainable_weights}
    assert {"lora_kernel_a", "lora_kernel_b"} <= names
    assert "kernel" not in names


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_backbone_of_kerashub_learns_stays_frozen_and_takes_lora(tmp_path):
    keras_hub = pytest.importorskip("keras_hub")
    keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        image_shape=cases.SHAPE,
    ).save_to_preset(tmp_path / "preset")
    backbone = keras_hub.models.Backbone.from_preset(str(tmp_path / "preset"))
    pooling = keras.layers.GlobalAveragePooling2D()
    head = keras.layers.Dense(cases.CLASSES, name="head")
    layers = [keras.Input(cases.SHAPE), backbone, pooling, head]
    model = compiled(methods.Supervised(keras.Sequential(layers)))
    before = all_weights(model)
    step(model)
    assert backbone.name in changed(model, before)
    model.freeze("backbone")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    before = all_weights(again)
    step(again)
    assert changed(again, before) == {"head"}
    thin = fine_tuning.with_lora(again, rank=2)
    inside = thin.network.get_layer(backbone.name).trainable_weights
    assert any("lora" in weight.path for weight in inside)


def test_low_rank_matrices_learn_beside_the_kernels(tmp_path):
    model = methods.Supervised(network())
    thin = compiled(fine_tuning.with_lora(model, rank=2))
    batch = cases.batch(methods.Supervised, 0)[0]["labeled"]
    images = ops.convert_to_tensor(batch)
    np.testing.assert_allclose(
        ops.convert_to_numpy(thin(images)),
        ops.convert_to_numpy(model(images)),
        rtol=1e-5,
        atol=1e-5,
    )
    dense = thin.network.layers[2]
    names = [w.name for w in dense.trainable_weights]
    assert {"lora_kernel_a", "lora_kernel_b"} < set(names)
    assert "kernel" not in names
    assert not thin.network.layers[3].trainable  # the normalization
    kernel = ops.convert_to_numpy(dense._kernel)
    step(thin)
    step(thin, 1)
    np.testing.assert_array_equal(ops.convert_to_numpy(dense._kernel), kernel)
    assert np.any(ops.convert_to_numpy(dense.lora_kernel_b))
    thin.save(tmp_path / "thin.keras")
    again = keras.saving.load_model(tmp_path / "thin.keras", compile=False)
    np.testing.assert_allclose(
        ops.convert_to_numpy(again(images)),
        ops.convert_to_numpy(thin(images)),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.once
def test_without_a_layer_that_can_low_rank_matrices_are_an_error():
    with pytest.raises(ValueError, match="before its head has enable_lora"):
        fine_tuning.with_lora(methods.FixMatch(cases.plain_network()), 2)
