"""A residual network in Flax; one pass over synthetic rings for each epoch."""

from typing import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

seed = 0
num_epochs = 60
num_points = 4096
num_classes = 3
noise = 0.15
features: Sequence[int] = (64, 64, 32)
peak_lr = 3e-3
end_lr = 1e-5
warmup_steps = 200
batch_size = 256
dropout_rate = 0.1
use_layer_norm = True
clip_norm = 1.0


class Net(nn.Module):
    features: Sequence[int]
    classes: int

    @nn.compact
    def __call__(self, x, train):
        for width in self.features:
            h = nn.Dense(width)(x)
            if use_layer_norm:
                h = nn.LayerNorm(epsilon=1e-6)(h)
            h = nn.Dropout(dropout_rate, deterministic=not train)(nn.gelu(h))
            x = h if h.shape != x.shape else x + h
        return nn.Dense(self.classes)(x)


def rings(generator, count):
    label = generator.integers(0, num_classes, count)
    angle = generator.uniform(0, 2 * np.pi, count)
    radius = 1.0 + label + generator.normal(0, noise, count)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), label


def main():
    generator = np.random.default_rng(seed)
    x, y = rings(generator, num_points)
    x_test, y_test = rings(generator, 1024)
    model = Net(features=features, classes=num_classes)
    key = jax.random.PRNGKey(seed)
    params = model.init(key, jnp.ones((1, 2)), train=False)
    steps = num_epochs * (num_points // batch_size)
    schedule = optax.warmup_cosine_decay_schedule(
        init_value=0.0,
        peak_value=peak_lr,
        warmup_steps=warmup_steps,
        decay_steps=steps,
        end_value=end_lr,
    )
    tx = optax.chain(
        optax.clip_by_global_norm(clip_norm),
        optax.adamw(schedule, b1=0.9, weight_decay=1e-4),
    )
    state = tx.init(params)

    @jax.jit
    def update(params, state, key, x, y):
        def cost(params):
            logits = model.apply(params, x, train=True, rngs={"dropout": key})
            return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()

        grads = jax.grad(cost)(params)
        changes, state = tx.update(grads, state, params)
        return optax.apply_updates(params, changes), state

    for epoch in range(num_epochs):
        order = generator.permutation(num_points)
        for start in range(0, num_points, batch_size):
            rows = order[start : start + batch_size]
            key, part = jax.random.split(key)
            params, state = update(params, state, part, x[rows], y[rows])
    right = (model.apply(params, x_test, train=False).argmax(-1) == y_test).mean()
    print("accuracy", float(right))


if __name__ == "__main__":
    main()
