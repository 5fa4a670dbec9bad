"""Models as Keras 2 wrote them, of the kinds that are found in public: made with tf_keras."""

import numpy as np

SIDE = 12


def images():
    shape = (4, SIDE, SIDE, 3)
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.float32) / 64


def set_statistics(model):
    """Give batch normalization and all other weights values that differ from the initial ones."""
    rng = np.random.default_rng(1)
    weights = [rng.normal(0.2, 0.15, w.shape).astype(w.dtype) for w in model.get_weights()]
    model.set_weights([abs(w) + 0.1 if w.ndim == 1 else w for w in weights])


def make_kinds():
    """Return models by what is special about them."""
    import tensorflow as tf
    import tf_keras
    from tf_keras import layers

    def network(*parts):
        inputs = tf_keras.Input((SIDE, SIDE, 3))
        hidden = inputs
        for part in parts:
            hidden = part(hidden)
        pooled = layers.GlobalAveragePooling2D()(hidden)
        return tf_keras.Model(inputs, layers.Dense(3, activation="softmax")(pooled))

    def block(activation="relu", name=None):
        return layers.Conv2D(4, 3, padding="same", activation=activation, name=name)

    def halved():
        tf_keras.mixed_precision.set_global_policy("mixed_float16")
        try:
            return network(block(), layers.BatchNormalization())
        finally:
            tf_keras.mixed_precision.set_global_policy("float32")

    def transferred():
        """As teachable machines export it."""
        base = tf_keras.Sequential(
            [
                network(layers.Rescaling(1 / 255), block(), layers.DepthwiseConv2D(3)),
                layers.Reshape((1, 1, 3)),
                layers.GlobalAveragePooling2D(),
            ]
        )
        base.trainable = False
        head = tf_keras.Sequential([layers.Dense(5, activation="relu"), layers.Dense(3)])
        return tf_keras.Sequential([base, head])

    def trained():
        def own_loss(y_true, y_pred):
            return tf.reduce_mean(tf.square(y_true - y_pred))

        model = network(block())
        model.compile("adam", loss=own_loss, metrics=[own_loss])
        model.fit(images(), np.eye(3, dtype=np.float32)[[0, 1, 2, 0]], verbose=0)
        return model

    class OwnInitializer(tf_keras.initializers.Initializer):
        def __call__(self, shape, dtype=None, **kwargs):
            return tf.ones(shape, dtype)

        def get_config(self):
            return {}

    class FixedDropout(layers.Dropout):
        pass

    def two_outputs():
        inputs = tf_keras.Input((SIDE, SIDE, 3))
        pooled = layers.GlobalAveragePooling2D()(block()(inputs))
        heads = [layers.Dense(n, name=name)(pooled) for n, name in ((3, "kind"), (2, "colour"))]
        return tf_keras.Model(inputs, heads)

    def relu6(x):
        return tf.nn.relu6(x)

    def deferred():
        model = tf_keras.Sequential([block(), layers.Flatten(), layers.Dense(3)])
        model.build((None, SIDE, SIDE, 3))
        return model

    regular = tf_keras.regularizers.l2(1e-4)
    own = {"kernel_initializer": OwnInitializer(), "kernel_regularizer": regular}
    return {
        "depthwise": network(
            layers.DepthwiseConv2D(3), layers.BatchNormalization(), layers.ReLU(6)
        ),
        "slash in a name": network(block(name="stage/conv"), layers.BatchNormalization(name="a/b")),
        "operators": network(lambda x: x / 127.5 - 1.0, block(), tf.nn.relu6, lambda x: x[:, 2:]),
        "preprocess_input": network(
            tf_keras.applications.mobilenet_v2.preprocess_input, block(), block("swish")
        ),
        "nested": transferred(),
        "augmented": network(
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.2),
            layers.RandomZoom(0.1),
            layers.Rescaling(1 / 255),
            block(),
        ),
        "16 bits": halved(),
        "trained with a loss of its own": trained(),
        "an initializer of its own": network(layers.Conv2D(4, 3, **own)),
        "hard_sigmoid": network(block("hard_sigmoid")),
        "relu6 by name": network(block(relu6)),
        "FixedDropout": network(block(), FixedDropout(0.2)),
        "two outputs": two_outputs(),
        "separable": network(layers.SeparableConv2D(4, 3), layers.LeakyReLU(0.3), layers.PReLU()),
        "padding": network(layers.ZeroPadding2D(((0, 1), (0, 1))), block()),
        "shape of the first call": deferred(),
        "normalization": network(layers.Normalization(mean=[1.0, 2.0, 3.0], variance=2.0), block()),
        "any size": any_size(tf_keras, block),
    }


def any_size(tf_keras, block):
    inputs = tf_keras.Input((None, None, 3))
    pooled = tf_keras.layers.GlobalMaxPooling2D()(block()(inputs))
    return tf_keras.Model(inputs, tf_keras.layers.Dense(3)(pooled))
