"""One process of a training on several devices or in several processes.

    python distributed.py '{"devices": 4, "steps": 3}'

Prints what came of it: the loss of each step and the norm of each weight. With
"folder" there is a run folder, which it goes on with. With "signal" the second
process sends itself that one after ten steps, each of which takes a tenth of a
second more, for all to hear of it before the end.
"""

import contextlib
import itertools
import json
import os
import signal as signals
import sys
import time


def main(
    steps,
    method="fixmatch",
    devices=1,
    process=0,
    processes=1,
    port=0,
    folder=None,
    signal=0,
    steps_per_epoch=1,
):
    os.environ["XLA_FLAGS"] = (
        f"--xla_force_host_platform_device_count={devices} "
        "--xla_backend_optimization_level=0"
    )
    import jax

    if processes > 1:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        jax.distributed.initialize(f"127.0.0.1:{port}", processes, process)
    import keras

    import keras_ssl

    if devices * processes > 1:
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(auto_shard_dataset=False)
        )
    keras.utils.set_random_seed(0)
    split = keras_ssl.data.load("digits").split(labels_per_class=2, seed=0)
    network = keras_ssl.networks.SmallCNN(
        num_classes=10, input_shape=split.dataset.image_shape, width=4
    )
    run = folder and keras_ssl.RunFolder(folder)
    if run and run.checkpoints.paths():
        model = run.load_model()
        network = model.network
    else:
        model = keras_ssl.methods.get(method)(network)
        model.compile(total_steps=100)
    batches = split.batches(
        model,
        batch_size=8,
        unlabeled_ratio=2,
        steps_per_epoch=steps_per_epoch,
        threads=1,
        process=process,
        processes=processes,
    )

    taken = itertools.count(1)

    def tell(batch, logs):
        time.sleep(0.1)
        if next(taken) == 10 and process == 1:
            signals.raise_signal(signal)

    callbacks = [run] if run else []
    if signal:
        callbacks.append(
            keras.callbacks.LambdaCallback(on_train_batch_end=tell)
        )
    with run.interruptible() if signal else contextlib.nullcontext():
        try:
            history = model.fit(
                batches,
                epochs=steps // steps_per_epoch,
                resume=True,
                verbose=0,
                callbacks=callbacks,
            )
        except keras_ssl.ending.Terminated:
            sys.exit(143)
        except KeyboardInterrupt:
            sys.exit(130)
    norms = [float(keras.ops.norm(weight)) for weight in network.weights]
    found = {"losses": history.history["loss"], "weights": norms}
    print(json.dumps(found))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
